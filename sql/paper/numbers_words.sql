-- makes: paper.numbers_words, the fractions behind what sections 4.3 and 4.4 say in words: counted (view)
-- reads: model.judged_scores, model.published, paper.figure13, paper.figure13_main_sequence, survey.band_line_strengths, survey.bands, survey.photometry, survey.stellar_properties
-- paper: sections 4.3 and 4.4
-- stage: paper
-- "Tend to", "the majority": the paper gives no number, so that none stands beside ours.
create or replace view paper.numbers_words as
with frame as (
    select p.sample, p.checkpoint_id, b.band
    from model.published p
    cross join survey.bands b
    where b.is_selection_band
),
judged as (
    select
        s.*,
        l.ew_band,
        p.cmodel_mag as magnitude,
        coalesce(s.is_selected and s.level in ('3sigma', '3.5sigma'), false) as is_most_anomalous
    from model.judged_scores s
    left join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
    left join survey.photometry p on p.object_id = s.object_id and p.band = s.band
    where s.is_selection_band
),
by_lines as (
    select
        f.sample,
        f.checkpoint_id,
        'galaxies with EW_' || f.band || ' > 50 A selected in ' || f.band as name,
        '4.3' as section,
        count(*) filter (where j.is_selected and j.ew_band > 50) as our_n,
        count(*) filter (where j.ew_band > 50) as our_total,
        'sql/paper/figure11.sql' as source,
        'the paper: high scores, especially above 50 A' as note
    from frame f
    left join judged j using (sample, checkpoint_id, band)
    group by f.sample, f.checkpoint_id, f.band
    union all
    select
        f.sample,
        f.checkpoint_id,
        'galaxies above 3 sigma with EW_' || f.band || ' < 1 A in ' || f.band,
        '4.4',
        count(*) filter (where j.is_most_anomalous and j.ew_band < 1),
        count(*) filter (where j.is_most_anomalous and j.ew_band is not null),
        'sql/paper/figure11.sql',
        case f.band when 'r' then 'the paper: certain objects' end
    from frame f
    left join judged j using (sample, checkpoint_id, band)
    group by f.sample, f.checkpoint_id, f.band
),
-- "the luminous objects with m_r < 16.5 and large S_anom tend to exhibit negative residuals"
bright as (
    select
        f.sample,
        f.checkpoint_id,
        'negative residuals over the threshold, brighter than 16.5 mag in ' || f.band,
        '4.3',
        count(*) filter (where j.level is not null and j.magnitude < 16.5 and not j.is_selected),
        count(*) filter (where j.level is not null and j.magnitude < 16.5),
        'sql/paper/figure12.sql',
        case f.band when 'r' then 'the paper: they tend to be' end
    from frame f
    left join judged j using (sample, checkpoint_id, band)
    group by f.sample, f.checkpoint_id, f.band
),
sequence as (
    select regr_slope(log_sfr, log_mass) as slope, regr_intercept(log_sfr, log_mass) as intercept
    from paper.figure13_main_sequence
),
masses as (
    select p.sample, median(m.log_mass) as median_mass
    from model.published p
    inner join (select distinct sample, object_id from judged) j using (sample)
    inner join survey.stellar_properties m on m.object_id = j.object_id and m.catalog = 'mpa_jhu'
    where m.log_mass is not null and m.log_sfr is not null
    group by p.sample
),
most_anomalous as (
    select d.sample, d.checkpoint_id, d.band, d.object_id, d.log_mass, d.log_sfr, s.slope, s.intercept, m.median_mass
    from paper.figure13 d
    cross join sequence s
    inner join masses m using (sample)
    where d.catalog = 'mpa_jhu' and d.is_most_anomalous
),
by_mass as (
    select
        f.sample,
        f.checkpoint_id,
        'most anomalous galaxies above the main sequence in ' || f.band,
        '4.4',
        count(*) filter (where a.log_sfr > a.slope * a.log_mass + a.intercept),
        count(a.object_id),
        'sql/paper/figure13.sql',
        'MPA-JHU; the paper: the majority'
    from frame f
    left join most_anomalous a using (sample, checkpoint_id, band)
    group by f.sample, f.checkpoint_id, f.band
    union all
    select
        f.sample,
        f.checkpoint_id,
        'most anomalous galaxies below the median mass of all in ' || f.band,
        '4.4',
        count(*) filter (where a.log_mass < a.median_mass),
        count(a.object_id),
        'sql/paper/figure13.sql',
        'MPA-JHU; the paper: they tend to be less massive'
    from frame f
    left join most_anomalous a using (sample, checkpoint_id, band)
    group by f.sample, f.checkpoint_id, f.band
),
united as (
    select * from by_lines
    union all
    select * from bright
    union all
    select * from by_mass
)
select
    sample, checkpoint_id, name, section, cast(null as double) as paper_value, our_n, our_total, source, note
from united;
