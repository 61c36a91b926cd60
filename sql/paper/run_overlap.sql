-- makes: paper.run_overlap, how many candidates two runs of an experiment have in common, each at its last scored epoch
-- reads: model.above_threshold, model.checkpoints, model.runs, model.selection_rates
-- paper: appendix 1; the paper leaves it out
-- stage: paper
-- `expected_both`: what two selections of these sizes would share by chance.
create or replace table paper.run_overlap as
with last_checkpoints as (
    select
        r.experiment,
        s.sample,
        r.run,
        max(s.n) as n_scored,
        arg_max(c.checkpoint_id, c.epoch) as checkpoint_id
    from model.selection_rates s
    inner join model.checkpoints c using (checkpoint_id)
    inner join model.runs r using (run_id)
    where s.aperture = 'disc' and s.class = 'all'
    group by r.experiment, s.sample, r.run
),
selected as (
    select distinct l.experiment, l.sample, l.run, a.object_id
    from last_checkpoints l
    inner join model.above_threshold a using (sample, checkpoint_id)
    where a.aperture = 'disc' and a.is_selected
),
sizes as (
    select l.experiment, l.sample, l.run, l.checkpoint_id, l.n_scored, count(s.object_id) as n
    from last_checkpoints l
    left join selected s using (experiment, sample, run)
    group by l.experiment, l.sample, l.run, l.checkpoint_id, l.n_scored
),
shared as (
    select a.experiment, a.sample, a.run as run_a, b.run as run_b, count(*) as n_both
    from selected a
    inner join selected b
        on b.experiment = a.experiment and b.sample = a.sample and b.object_id = a.object_id and b.run > a.run
    group by a.experiment, a.sample, a.run, b.run
)
select
    a.experiment,
    a.sample,
    a.run as run_a,
    b.run as run_b,
    a.checkpoint_id as checkpoint_a,
    b.checkpoint_id as checkpoint_b,
    a.n as n_a,
    b.n as n_b,
    coalesce(s.n_both, 0) as n_both,
    a.n * b.n / a.n_scored as expected_both,
    coalesce(s.n_both, 0) / nullif(a.n + b.n - coalesce(s.n_both, 0), 0) as jaccard
from sizes a
inner join sizes b on b.experiment = a.experiment and b.sample = a.sample and b.run > a.run
left join shared s
    on s.experiment = a.experiment and s.sample = a.sample and s.run_a = a.run and s.run_b = b.run
order by a.experiment, a.sample, a.run, b.run;
