-- makes: paper.figure5, how the anomaly scores of each selection band are distributed, with median and thresholds
-- reads: model.judged_scores
-- paper: figure 5
-- stage: paper
-- Bins of 0.1 in log10; a score of 0 would be counted in the lowest bin, at 1e-9.
create or replace table paper.figure5 as
with scores as (
    select *, cast(floor(log10(greatest(s_anom, 1e-9)) * 10) as integer) as bin
    from model.judged_scores
    where is_selection_band
),
medians as (
    select
        sample,
        checkpoint_id,
        band,
        median(s_anom) as median_s_anom,
        max(limit_2sigma) as limit_2sigma,
        max(limit_3sigma) as limit_3sigma,
        count(*) as n_total
    from scores
    group by sample, checkpoint_id, band
),
counted as (
    select
        sample,
        checkpoint_id,
        band,
        position,
        bin,
        count(*) as n_all,
        count(*) filter (where is_selected) as n_selected
    from scores
    group by sample, checkpoint_id, band, position, bin
)
select
    c.sample,
    c.checkpoint_id,
    c.band,
    c.bin,
    pow(10, c.bin / 10) as s_anom_low,
    pow(10, (c.bin + 1) / 10) as s_anom_high,
    c.n_all,
    c.n_selected,
    m.n_total,
    m.median_s_anom,
    m.limit_2sigma,
    m.limit_3sigma
from counted c
inner join medians m using (sample, checkpoint_id, band)
order by c.sample, c.checkpoint_id, c.position, c.bin;
