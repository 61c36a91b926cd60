-- makes: paper.figure11_density, score against EW_band: how many galaxies fall into each cell of the plane
-- reads: model.judged_scores, survey.band_line_strengths
-- paper: figure 11
-- stage: paper
-- Cells of 0.1 by 0.1 in log10. EW_band below 0.1 Angstrom, and 0, are in the lowest column.
create or replace table paper.figure11_density as
with cells as (
    select
        s.sample,
        s.checkpoint_id,
        s.band,
        s.position,
        s.limit_2sigma,
        s.limit_3sigma,
        cast(floor(log10(greatest(l.ew_band, 0.1)) * 10) as integer) as x_bin,
        cast(floor(log10(greatest(s.s_anom, 1e-9)) * 10) as integer) as y_bin
    from model.judged_scores s
    inner join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
    where s.is_selection_band and l.ew_band is not null
)
select
    sample,
    checkpoint_id,
    band,
    x_bin,
    y_bin,
    pow(10, x_bin / 10) as ew_band_low,
    pow(10, (x_bin + 1) / 10) as ew_band_high,
    pow(10, y_bin / 10) as s_anom_low,
    pow(10, (y_bin + 1) / 10) as s_anom_high,
    count(*) as n,
    max(limit_2sigma) as limit_2sigma,
    max(limit_3sigma) as limit_3sigma
from cells
group by sample, checkpoint_id, band, position, x_bin, y_bin
order by sample, checkpoint_id, position, x_bin, y_bin;
