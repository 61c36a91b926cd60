-- makes: model.best_checkpoint, the checkpoint whose candidates are published, and how it compares with all others
-- reads: model.checkpoints, model.epochs, model.runs, model.selection_rates
-- paper: appendix 1, the highest r_sel,DR16Q + r_sel,XELG
-- stage: choose
-- Ambiguity 29: this looks at the labels, so the median over all checkpoints stands beside it. Without labelled objects
-- (a blind search) the lowest validation loss decides. The colour sample takes the checkpoint of the labelled sample
-- (appendix 3), and the other apertures take the disc's: only there every checkpoint is scored.
create or replace table model.best_checkpoint as
with rates as (
    select
        checkpoint_id,
        sample,
        max(rate) filter (where class = 'dr16q') as rate_dr16q,
        max(rate) filter (where class = 'xelg') as rate_xelg,
        max(rate) filter (where class = 'all') as rate_all
    from model.selection_rates
    where aperture = 'disc'
    group by checkpoint_id, sample
),
judged as (
    select
        u.experiment,
        r.sample,
        r.checkpoint_id,
        r.rate_dr16q,
        r.rate_xelg,
        r.rate_all,
        e.validation_loss,
        coalesce(r.rate_dr16q, r.rate_xelg) is not null as has_labels,
        coalesce(r.rate_dr16q, 0) + coalesce(r.rate_xelg, 0) as summed_rate
    from rates r
    inner join model.checkpoints c using (checkpoint_id)
    inner join model.runs u using (run_id)
    left join model.epochs e on e.run_id = c.run_id and e.epoch = c.epoch
),
ranked as (
    select
        *,
        case when has_labels then 'max(r_DR16Q + r_XELG)' else 'min(validation_loss)' end as rule,
        case when has_labels then summed_rate else validation_loss end as value,
        row_number() over (
            partition by experiment, sample
            order by case when has_labels then summed_rate end desc, validation_loss nulls last, checkpoint_id
        ) as rank,
        row_number() over (
            partition by experiment, sample
            order by case when has_labels then summed_rate else -validation_loss end, checkpoint_id
        ) as rank_from_worst,
        count(*) over (partition by experiment, sample) as n_checkpoints
    from judged
),
medians as (
    select
        experiment,
        sample,
        median(value) as median_value,
        median(rate_dr16q) as median_rate_dr16q,
        median(rate_xelg) as median_rate_xelg,
        median(rate_all) as median_rate_all,
        max(checkpoint_id) filter (where rank_from_worst = (n_checkpoints + 1) // 2) as median_checkpoint_id
    from ranked
    group by experiment, sample
),
chosen as (
    select r.* exclude (rank, rank_from_worst), m.* exclude (experiment, sample)
    from ranked r
    inner join medians m using (experiment, sample)
    where r.rank = 1
),
samples as (
    -- the sample whose choice counts: its own, but for colour the one with redshifts, if it is searched
    select
        c.experiment,
        c.sample,
        coalesce(
            case when c.sample = 'colour' then max(o.sample) filter (where o.sample <> 'colour') end, c.sample
        ) as judged_sample
    from chosen c
    inner join chosen o on o.experiment = c.experiment
    group by c.experiment, c.sample
)
select
    s.experiment,
    s.sample,
    a.aperture,
    c.checkpoint_id,
    c.rule
        || case when s.judged_sample <> s.sample then ' of the sample ' || s.judged_sample else '' end
        || case when a.aperture <> 'disc' then ' in the disc' else '' end as rule,
    c.value,
    c.median_value,
    c.rate_dr16q,
    c.median_rate_dr16q,
    c.rate_xelg,
    c.median_rate_xelg,
    c.rate_all,
    c.median_rate_all,
    c.median_checkpoint_id,
    c.validation_loss,
    c.n_checkpoints
from samples s
inner join chosen c on c.experiment = s.experiment and c.sample = s.judged_sample
cross join (values ('disc'), ('annulus'), ('stamp')) a(aperture);
