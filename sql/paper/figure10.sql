-- makes: paper.figure10, the selection rate of each selection band by redshift
-- reads: model.judged_scores, survey.galaxies
-- paper: figure 10
-- stage: paper
-- 15 bins between the limits of the sample (0.01 wide for 0.05 to 0.2), or of its redshifts where a limit is not set.
-- The throughputs of the lines are in paper.figure10_lines.
create or replace table paper.figure10 as
with scored as (
    select s.sample, s.checkpoint_id, s.band, s.position, s.is_selected, g.redshift
    from model.judged_scores s
    inner join survey.galaxies g using (object_id)
    where s.is_selection_band and isfinite(g.redshift)
),
limits as (
    select
        sample,
        coalesce(setting('redshift_min'), min(redshift)) as low,
        coalesce(setting('redshift_max'), max(redshift)) as high
    from scored
    group by sample
),
binned as (
    select
        s.*,
        l.low,
        (l.high - l.low) / 15 as width,
        -- the highest redshift belongs to the last bin
        least(14, cast(floor((s.redshift - l.low) / nullif(l.high - l.low, 0) * 15) as integer)) as bin
    from scored s
    inner join limits l using (sample)
    where s.redshift between l.low and l.high
)
select
    sample,
    checkpoint_id,
    band,
    bin,
    low + bin * width as redshift_low,
    low + (bin + 1) * width as redshift_high,
    count(*) as n_all,
    count(*) filter (where is_selected) as n_selected,
    count(*) filter (where is_selected) / count(*) as selection_rate,
    wilson_lower(count(*) filter (where is_selected), count(*)) as selection_rate_lower,
    wilson_upper(count(*) filter (where is_selected), count(*)) as selection_rate_upper
from binned
where bin is not null
group by sample, checkpoint_id, band, position, bin, low, width
order by sample, checkpoint_id, position, bin;
