-- makes: paper.numbers_selection, the fractions that sections 2.2, 3.2, 4.1 and 4.2 quote: counted (view)
-- reads: model.outlier_bands, model.published, paper.figure9, paper.table2, paper.table4, survey.classes, survey.line_strengths, survey.sample_members
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
xelg_shares as (
    select
        m.sample,
        cast(null as varchar) as checkpoint_id,
        'XELGs among MPA-JHU galaxies, EW by ' || e.definition as name,
        '2.2' as section,
        701 / 25714 as paper_value,
        count(*) filter (where e.ew > setting('xelg_ew_min')) as our_n,
        count(*) as our_total,
        'sql/paper/table1.sql' as source,
        'ambiguity 13: the paper does not say which; DR16Q quasars left out' as note
    from survey.sample_members m
    inner join ew_definitions e using (object_id)
    inner join survey.classes c using (object_id)
    where c.class <> 'dr16q'
    group by m.sample, e.definition
),
-- 3.2 and 4.1
selected_shares as (
    select
        sample,
        checkpoint_id,
        case class when 'all' then 'candidates' when 'dr16q' then 'DR16Q quasars selected' else 'XELGs selected' end,
        '3.2',
        paper_fraction,
        our_n,
        our_total,
        'sql/paper/table2.sql',
        'in any selection band'
    from paper.table2
    where bands = 'total'
    union all
    select
        sample,
        checkpoint_id,
        'DR16Q quasars selected in g',
        '4.1',
        paper_fraction,
        our_n,
        our_total,
        'sql/paper/table2.sql',
        null
    from paper.table2
    where bands = 'g' and class = 'dr16q'
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
        sample,
        checkpoint_id,
        'XELGs with EW_' || band || ' > ' || cast(setting('xelg_ew_min') as integer) || ' A selected in ' || band,
        '4.1',
        case band when 'g' then 0.907 when 'r' then 0.844 when 'i' then 0.644 end,
        count(*) filter (where is_selected),
        count(*),
        'sql/paper/figure9.sql',
        'ambiguity 15: EW_band by FORMATS 6.3'
    from paper.figure9
    where ew_band > setting('xelg_ew_min')
    group by sample, checkpoint_id, band
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
