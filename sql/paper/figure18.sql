-- makes: paper.figure18, spectroscopic redshifts of the sample limited in magnitude and of what the colour cut leaves of it
-- reads: survey.colour_trial
-- paper: figure 18
-- stage: paper
-- Redshifts of SDSS, in bins of 0.01. Without the colour sample (setting samples) there are no rows.
create or replace table paper.figure18 as
with binned as (
    select cast(floor(redshift * 100) as integer) as bin, passes_colour
    from survey.colour_trial
    where is_sdss and isfinite(redshift)
)
select
    bin,
    bin / 100 as redshift_low,
    (bin + 1) / 100 as redshift_high,
    count(*) as n_all,
    count(*) filter (where passes_colour) as n_colour
from binned
group by bin
order by bin;
