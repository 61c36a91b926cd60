-- makes: paper.table5, the hyperparameters: mean loss and its scatter for each setting of the network
-- reads: model.checkpoints, model.epochs, model.runs, model.selection_rates
-- paper: table 5, appendix 1
-- stage: paper
-- The paper's grid, d in 4, 8, 16, 32 and r_gauss in 0 to 0.05, and whatever else was trained; n_runs is 0 where nothing
-- was. Losses are means over the run's saved epochs; the scatter is the standard deviation (sample) of the runs.
-- Sums are ordered, so that they are the same to the last bit in every run.
create or replace table paper.table5 as
with grid as (
    select cast(latent_dim as integer) as latent_dim, cast(noise_std as double) as noise_std
    from (values (4), (8), (16), (32)) dimensions(latent_dim)
    cross join (values (0), (0.01), (0.02), (0.03), (0.05)) noises(noise_std)
),
rates as (
    select
        checkpoint_id,
        max(rate) filter (where class = 'dr16q') as rate_dr16q,
        max(rate) filter (where class = 'xelg') as rate_xelg
    from model.selection_rates
    where aperture = 'disc' and sample <> 'colour'
    group by checkpoint_id
),
per_run as (
    select
        r.experiment,
        r.latent_dim,
        round(r.noise_std, 9) as noise_std,
        r.run_id,
        count(*) as n_checkpoints,
        min(c.epoch) as first_epoch,
        max(c.epoch) as last_epoch,
        avg(e.train_loss order by c.epoch) as train_loss,
        avg(e.validation_loss order by c.epoch) as validation_loss,
        avg(s.rate_dr16q order by c.epoch) as rate_dr16q,
        avg(s.rate_xelg order by c.epoch) as rate_xelg
    from model.checkpoints c
    inner join model.runs r using (run_id)
    inner join model.epochs e using (run_id, epoch)
    left join rates s using (checkpoint_id)
    group by r.experiment, r.latent_dim, r.noise_std, r.run_id
),
per_setting as (
    select
        experiment,
        latent_dim,
        noise_std,
        count(*) as n_runs,
        sum(n_checkpoints) as n_checkpoints,
        min(first_epoch) as first_epoch,
        max(last_epoch) as last_epoch,
        avg(train_loss order by run_id) as train_loss,
        stddev_samp(train_loss order by run_id) as train_loss_scatter,
        avg(validation_loss order by run_id) as validation_loss,
        stddev_samp(validation_loss order by run_id) as validation_loss_scatter,
        avg(rate_dr16q order by run_id) as rate_dr16q,
        stddev_samp(rate_dr16q order by run_id) as rate_dr16q_scatter,
        avg(rate_xelg order by run_id) as rate_xelg,
        stddev_samp(rate_xelg order by run_id) as rate_xelg_scatter
    from per_run
    group by experiment, latent_dim, noise_std
)
select
    latent_dim,
    noise_std,
    p.experiment,
    g.latent_dim is not null as is_in_papers_grid,
    latent_dim = 8 and noise_std = 0.02 as is_papers_choice,
    coalesce(p.experiment = setting_text('experiment'), false) as is_published,
    coalesce(p.n_runs, 0) as n_runs,
    cast(coalesce(p.n_checkpoints, 0) as bigint) as n_checkpoints,
    p.first_epoch,
    p.last_epoch,
    p.train_loss,
    p.train_loss_scatter,
    p.validation_loss,
    p.validation_loss_scatter,
    p.rate_dr16q,
    p.rate_dr16q_scatter,
    p.rate_xelg,
    p.rate_xelg_scatter
from grid g
full join per_setting p using (latent_dim, noise_std)
order by latent_dim, noise_std, p.experiment;
