-- makes: paper.stability, how many galaxies are selected by how many of the experiment's checkpoints
-- reads: model.above_threshold, model.checkpoints, model.published, model.runs, model.selection_rates
-- paper: appendix 1; the paper leaves it out
-- stage: paper
create or replace table paper.stability as
with counted as (
    select a.sample, r.experiment, a.object_id, count(distinct a.checkpoint_id) as n_checkpoints_selecting
    from model.above_threshold a
    inner join model.checkpoints c using (checkpoint_id)
    inner join model.runs r using (run_id)
    where a.aperture = 'disc' and a.is_selected
    group by a.sample, r.experiment, a.object_id
),
scored as (
    select s.sample, r.experiment, count(*) as n_checkpoints
    from model.selection_rates s
    inner join model.checkpoints c using (checkpoint_id)
    inner join model.runs r using (run_id)
    where s.aperture = 'disc' and s.class = 'all'
    group by s.sample, r.experiment
),
published as (
    select p.sample, p.experiment, a.object_id
    from model.published p
    inner join model.above_threshold a using (sample, checkpoint_id)
    where a.aperture = 'disc' and a.is_selected
    group by p.sample, p.experiment, a.object_id
)
select
    c.experiment,
    c.sample,
    c.n_checkpoints_selecting,
    s.n_checkpoints,
    count(*) as n_galaxies,
    count(p.object_id) as n_candidates
from counted c
inner join scored s using (sample, experiment)
left join published p
    on p.sample = c.sample and p.experiment = c.experiment and p.object_id = c.object_id
group by c.experiment, c.sample, c.n_checkpoints_selecting, s.n_checkpoints
order by c.experiment, c.sample, c.n_checkpoints_selecting;
