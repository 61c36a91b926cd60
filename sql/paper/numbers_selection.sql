-- makes: paper.numbers_selection, the fractions that sections 2.2, 3.2, 4.1 and 4.2 quote: counted (view)
-- reads: model.outlier_bands, model.published, paper.figure9, paper.table2, paper.table4, survey.bands, survey.classes, survey.line_strengths, survey.sample_members
-- paper: sections 2.2, 3.2, 4.1 and 4.2
-- stage: paper
create or replace view paper.numbers_selection as
with best as (
    select sample, checkpoint_id from model.published
),
-- 2.2: ambiguity 13, which frame and estimator make 701 XELGs of 25 714
ew_definitions as (
    from survey.line_strengths unpivot include nulls (ew for definition in (
        ew_max_eqw_observed as 'eqw, observed frame',
        ew_max_eqw_rest as 'eqw, rest frame',
        ew_max_flux_observed as 'flux / continuum, observed frame',
        ew_max_flux_rest as 'flux / continuum, rest frame'
    ))
),
-- a number that nothing can be counted for keeps its row
samples as (
    select m.sample, d.definition
    from (select distinct sample from survey.sample_members) m
    cross join (
        values
            ('eqw, observed frame'),
            ('eqw, rest frame'),
            ('flux / continuum, observed frame'),
            ('flux / continuum, rest frame')
    ) d(definition)
),
measured as (
    select m.sample, e.definition, e.ew
    from survey.sample_members m
    inner join ew_definitions e using (object_id)
    inner join survey.classes c using (object_id)
    where c.class <> 'dr16q'
),
xelg_shares as (
    select
        s.sample,
        cast(null as varchar) as checkpoint_id,
        'XELGs among MPA-JHU galaxies, EW by ' || s.definition as name,
        '2.2' as section,
        701 / 25714 as paper_value,
        count(*) filter (where m.ew > setting('xelg_ew_min')) as our_n,
        count(m.definition) as our_total,
        'sql/paper/table1.sql' as source,
        'ambiguity 13: the paper does not say which; DR16Q quasars left out' as note
    from samples s
    left join measured m using (sample, definition)
    group by s.sample, s.definition
),
-- 3.2 and 4.1
selected_shares as (
    select
        b.sample,
        b.checkpoint_id,
        q.name,
        q.section,
        q.paper_value,
        coalesce(t.our_n, 0),
        coalesce(t.our_total, 0),
        'sql/paper/table2.sql',
        case q.bands when 'total' then 'in any selection band' end
    from best b
    cross join (
        values
            ('candidates', '3.2', 'all', 'total', 5955 / 49319),
            ('DR16Q quasars selected', '3.2', 'dr16q', 'total', 14 / 23),
            ('XELGs selected', '3.2', 'xelg', 'total', 443 / 701),
            ('DR16Q quasars selected in g', '4.1', 'dr16q', 'g', 7 / 23)
    ) q(name, section, class, bands, paper_value)
    left join paper.table2 t
        on t.sample = b.sample and t.checkpoint_id = b.checkpoint_id and t.class = q.class and t.bands = q.bands
    where q.bands = 'total' or exists (from survey.bands s where s.is_selection_band and s.band = q.bands)
),
rank_cuts as (
    select
        o.sample,
        o.checkpoint_id,
        o.band,
        count(*) as n_over,
        count(*) filter (where not o.is_selected) as n_negative
    from model.outlier_bands o
    inner join best b using (sample, checkpoint_id)
    where o.aperture = 'disc' and o.level is not null
    group by o.sample, o.checkpoint_id, o.band
),
negative_shares as (
    select
        r.sample,
        r.checkpoint_id,
        'negative residuals over the threshold in ' || r.band,
        '3.2',
        -- ambiguity 24: 2469 objects are over the threshold in each band
        case r.band when 'g' then 8 when 'r' then 322 when 'i' then 14 end / 2469,
        r.n_negative,
        r.n_over,
        'sql/model/negative_residuals.sql',
        'of the objects over the threshold; they are not candidates by this band'
    from rank_cuts r
),
strong_lines as (
    select
        b.sample,
        b.checkpoint_id,
        'XELGs with EW_' || s.band || ' > ' || cast(setting('xelg_ew_min') as integer) || ' A selected in ' || s.band,
        '4.1',
        case s.band when 'g' then 0.907 when 'r' then 0.844 when 'i' then 0.644 end,
        count(*) filter (where f.is_selected),
        count(f.object_id),
        'sql/paper/figure9.sql',
        'ambiguity 15: EW_band by FORMATS 6.3'
    from best b
    cross join (select band from survey.bands where is_selection_band) s
    left join paper.figure9 f
        on f.sample = b.sample
        and f.checkpoint_id = b.checkpoint_id
        and f.band = s.band
        and f.ew_band > setting('xelg_ew_min')
    group by b.sample, b.checkpoint_id, s.band
),
-- 4.2
milliquas_shares as (
    select
        sample,
        checkpoint_id,
        'Milliquas ' || label || ' selected',
        '4.2',
        paper_fraction,
        our_n,
        our_total,
        'sql/paper/table4.sql',
        'DR16Q quasars left out'
    from paper.table4
    where selected_in = 'total' and position between 1 and 5
),
united as (
    select * from xelg_shares
    union all
    select * from selected_shares
    union all
    select * from negative_shares
    union all
    select * from strong_lines
    union all
    select * from milliquas_shares
)
select sample, checkpoint_id, name, section, paper_value, our_n, our_total, source, note
from united;
