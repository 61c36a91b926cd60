-- makes: paper.figure16, losses and selection rates of all saved weights, by epoch: each run, and mean and deviation of the runs
-- reads: model.checkpoints, model.epochs, model.runs, model.selection_rates
-- paper: figure 16
-- stage: paper
-- `run` is empty in the rows that hold the mean over runs and their standard deviation (sample). Rates stand for the
-- checkpoints that are scored. Sums are ordered, so that they are the same to the last bit in every run.
create or replace table paper.figure16 as
with saved as (
    select r.experiment, r.run, c.epoch, c.checkpoint_id, e.train_loss, e.validation_loss
    from model.checkpoints c
    inner join model.runs r using (run_id)
    inner join model.epochs e using (run_id, epoch)
),
measured as (
    select experiment, cast(null as varchar) as sample, run, epoch, 'train_loss' as quantity, train_loss as value
    from saved
    union all
    select experiment, null, run, epoch, 'validation_loss', validation_loss
    from saved
    union all
    select s.experiment, r.sample, s.run, s.epoch, 'rate_' || r.class, r.rate
    from saved s
    inner join model.selection_rates r using (checkpoint_id)
    where r.aperture = 'disc' and r.class in ('all', 'dr16q', 'xelg')
)
select experiment, sample, quantity, run, epoch, value, cast(null as double) as deviation, cast(1 as bigint) as n_runs
from measured
where value is not null
union all
select experiment, sample, quantity, null, epoch, avg(value order by run), stddev_samp(value order by run), count(value)
from measured
where value is not null
group by experiment, sample, quantity, epoch
order by experiment, quantity, sample, run nulls last, epoch;
