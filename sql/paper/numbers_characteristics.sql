-- makes: paper.numbers_characteristics, the fractions that sections 4.3 and 4.4 quote: counted (view)
-- reads: model.judged_scores, model.published, raw.dr16q, raw.milliquas, survey.band_line_strengths, survey.bands, survey.classes, survey.stellar_properties
-- paper: sections 4.3 and 4.4
-- stage: paper
create or replace view paper.numbers_characteristics as
with frame as (
    select p.sample, p.checkpoint_id, b.band
    from model.published p
    cross join survey.bands b
    where b.is_selection_band
),
galaxies as (
    select
        sample,
        checkpoint_id,
        object_id,
        bool_or(is_selected) as is_candidate,
        bool_or(is_selected and level in ('3sigma', '3.5sigma')) as is_most_anomalous
    from model.judged_scores
    where is_selection_band
    group by sample, checkpoint_id, object_id
),
fitted as (
    select object_id, is_failed from survey.stellar_properties where catalog = 'gswlc'
),
known_nuclei as (
    select
        g.sample,
        g.checkpoint_id,
        'candidates that are in DR16Q or Milliquas' as name,
        '4.3' as section,
        (14 + 234) / 5955 as paper_value,
        count(*) filter (where c.class = 'dr16q' or c.milliquas_class is not null) as our_n,
        -- without both catalogues nothing is counted
        case when exists (from raw.dr16q) or exists (from raw.milliquas) then count(*) else 0 end as our_total,
        'sql/survey/classes.sql' as source,
        null as note
    from galaxies g
    inner join survey.classes c using (object_id)
    where g.is_candidate
    group by g.sample, g.checkpoint_id
),
-- "certain galaxies with high EW_band but low S_anom ... 70% of these galaxies were selected in other band(s)"
missed_by_the_band as (
    select
        p.sample,
        p.checkpoint_id,
        'galaxies with EW_band > 100 A below the threshold there that another band selects',
        '4.3',
        0.70,
        count(g.object_id) filter (where g.is_candidate),
        count(g.object_id),
        'sql/paper/figure11.sql',
        'a galaxy counts once for each band whose threshold it does not reach'
    from model.published p
    left join (
        select s.sample, s.checkpoint_id, s.object_id
        from model.judged_scores s
        inner join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
        where s.is_selection_band and s.level is null and l.ew_band > 100
    ) missed using (sample, checkpoint_id)
    left join galaxies g using (sample, checkpoint_id, object_id)
    group by p.sample, p.checkpoint_id
),
unfitted as (
    select
        f.sample,
        f.checkpoint_id,
        'galaxies selected in ' || f.band || ' without mass and rate in GSWLC-2',
        '4.3',
        case f.band when 'r' then 0.78 end,
        count(s.object_id) filter (where coalesce(g.is_failed, true)),
        -- without GSWLC-2 nothing is counted
        case when exists (from fitted) then count(s.object_id) else 0 end,
        'sql/survey/stellar_properties.sql',
        'no counterpart within 1 arcsec, or its SED fit failed'
    from frame f
    left join model.judged_scores s
        on s.sample = f.sample and s.checkpoint_id = f.checkpoint_id and s.band = f.band and s.is_selected
    left join fitted g on g.object_id = s.object_id
    group by f.sample, f.checkpoint_id, f.band
),
most_anomalous_xelgs as (
    select
        f.sample,
        f.checkpoint_id,
        'XELGs of the MPA-JHU galaxies above 3 sigma in ' || f.band,
        '4.4',
        case f.band when 'g' then 0.71 when 'r' then 0.48 when 'i' then 0.65 end,
        count(c.object_id) filter (where c.class = 'xelg'),
        count(c.object_id),
        'sql/paper/figure14.sql',
        'ambiguity 33: positive residual, DR16Q left out'
    from frame f
    left join model.judged_scores s
        on s.sample = f.sample
        and s.checkpoint_id = f.checkpoint_id
        and s.band = f.band
        and s.is_selected
        and s.level in ('3sigma', '3.5sigma')
    left join survey.classes c
        on c.object_id = s.object_id and c.class in ('xelg', 'agn_liner_composite', 'training')
    group by f.sample, f.checkpoint_id, f.band
),
failed_fits as (
    select
        p.sample,
        p.checkpoint_id,
        'failed SED fits in GSWLC-2, most anomalous galaxies',
        '4.4',
        0.16,
        count(*) filter (where g.is_most_anomalous and t.is_failed),
        count(t.object_id) filter (where g.is_most_anomalous),
        'sql/survey/stellar_properties.sql',
        'ambiguity 32: of those with a counterpart; selected at 3 sigma in any band'
    from model.published p
    left join galaxies g using (sample, checkpoint_id)
    left join fitted t using (object_id)
    group by p.sample, p.checkpoint_id
    union all
    select
        p.sample,
        p.checkpoint_id,
        'failed SED fits in GSWLC-2, all galaxies',
        '4.4',
        0.0067,
        count(*) filter (where t.is_failed),
        count(t.object_id),
        'sql/survey/stellar_properties.sql',
        'ambiguity 32: of those with a counterpart'
    from model.published p
    left join galaxies g using (sample, checkpoint_id)
    left join fitted t using (object_id)
    group by p.sample, p.checkpoint_id
),
united as (
    select * from known_nuclei
    union all
    select * from missed_by_the_band
    union all
    select * from unfitted
    union all
    select * from most_anomalous_xelgs
    union all
    select * from failed_fits
)
select
    sample,
    checkpoint_id,
    name,
    section,
    paper_value,
    case when our_total > 0 then our_n else 0 end as our_n,
    our_total,
    source,
    note
from united;
