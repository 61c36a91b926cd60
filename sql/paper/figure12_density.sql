-- makes: paper.figure12_density, score against magnitude: how many galaxies fall into each cell of the plane
-- reads: model.judged_scores, survey.photometry
-- paper: figure 12
-- stage: paper
-- Cells of 0.1 mag by 0.1 in log10 of the score.
create or replace table paper.figure12_density as
with cells as (
    select
        s.sample,
        s.checkpoint_id,
        s.band,
        s.position,
        s.limit_2sigma,
        s.limit_3sigma,
        cast(floor(p.cmodel_mag * 10) as integer) as x_bin,
        cast(floor(log10(greatest(s.s_anom, 1e-9)) * 10) as integer) as y_bin
    from model.judged_scores s
    inner join survey.photometry p on p.object_id = s.object_id and p.band = s.band
    where s.is_selection_band and p.cmodel_mag is not null
)
select
    sample,
    checkpoint_id,
    band,
    x_bin,
    y_bin,
    x_bin / 10 as magnitude_low,
    (x_bin + 1) / 10 as magnitude_high,
    pow(10, y_bin / 10) as s_anom_low,
    pow(10, (y_bin + 1) / 10) as s_anom_high,
    count(*) as n,
    max(limit_2sigma) as limit_2sigma,
    max(limit_3sigma) as limit_3sigma
from cells
group by sample, checkpoint_id, band, position, x_bin, y_bin
order by sample, checkpoint_id, position, x_bin, y_bin;
