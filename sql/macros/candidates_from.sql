-- makes: candidates_from(outlier_bands_table), one row per candidate; scores of all bands as maps: s_anom['g']
-- reads: model.above_threshold, model.checkpoints, model.runs, survey.classes, survey.galaxies
-- paper: section 3.2 and table 3
create or replace macro candidates_from(outlier_bands_table) as table
with candidate_objects as (
    select
        checkpoint_id,
        aperture,
        sample,
        object_id,
        string_agg(band, '&' order by position) filter (where is_selected) as bands,
        -- levels are compared as numbers: 3.5 is above 3
        arg_max(level, cast(replace(level, 'sigma', '') as double)) filter (where is_selected) as max_level,
        max(sigma) filter (where is_selected) as max_sigma,
        map(list(band order by position), list(s_anom order by position)) as s_anom,
        map(list(band order by position), list(residual_flux order by position)) as residual,
        map(list(band order by position), list(sigma order by position)) as sigma
    from query_table(outlier_bands_table)
    where is_candidate
    group by checkpoint_id, aperture, sample, object_id
),
candidate_experiments as (
    select c.checkpoint_id, r.experiment
    from model.checkpoints c
    inner join model.runs r using (run_id)
),
-- every checkpoint is scored in the disc only: elsewhere nothing can be counted
candidate_counts as (
    select e.experiment, a.aperture, a.sample, a.object_id, count(distinct a.checkpoint_id) as n_checkpoints
    from model.above_threshold a
    inner join candidate_experiments e using (checkpoint_id)
    where a.is_selected
    group by e.experiment, a.aperture, a.sample, a.object_id
)
select
    o.sample,
    o.aperture,
    o.checkpoint_id,
    o.object_id,
    g.ra,
    g.dec,
    o.bands,
    o.max_level,
    o.max_sigma,
    c.class,
    c.milliquas_class,
    n.n_checkpoints as n_checkpoints_selecting,
    o.s_anom,
    o.residual,
    o.sigma
from candidate_objects o
inner join survey.galaxies g using (object_id)
left join survey.classes c using (object_id)
left join candidate_experiments e using (checkpoint_id)
left join candidate_counts n
    on n.experiment = e.experiment and n.aperture = o.aperture and n.sample = o.sample and n.object_id = o.object_id;
