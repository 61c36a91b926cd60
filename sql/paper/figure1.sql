-- makes: paper.figure1, redshifts of all sources brighter than the limit, of the test data and of those in MPA-JHU
-- reads: survey.classes, survey.galaxies, survey.photometry, survey.sample_members, survey.spec_redshifts
-- paper: figure 1
-- stage: paper
-- Bins of 0.01. A sample without redshifts has no rows.
create or replace table paper.figure1 as
with bright as (
    select object_id
    from survey.photometry
    where band = setting_text('magnitude_band')
        and coalesce(
            cmodel_mag - case when setting('extinction_corrected') = 1 then extinction else 0 end
            < coalesce(setting('magnitude_max'), 'infinity'),
            false
        )
),
samples as (
    select distinct sample from survey.sample_members
),
members as (
    select m.sample, m.object_id, g.redshift, c.has_mpa_jhu
    from survey.sample_members m
    inner join survey.galaxies g using (object_id)
    inner join survey.classes c using (object_id)
    where g.redshift is not null
),
populations as (
    select s.sample, 'all with a redshift' as population, 1 as position, z.redshift
    from survey.spec_redshifts z
    inner join bright using (object_id)
    cross join samples s
    union all
    select sample, 'test data', 2, redshift from members
    union all
    select sample, 'MPA-JHU', 3, redshift from members where has_mpa_jhu
),
binned as (
    select sample, population, position, cast(floor(redshift / 0.01 + 1e-9) as integer) as bin
    from populations
    where isfinite(redshift)
)
select
    sample,
    population,
    cast(position as integer) as position,
    cast(bin as double) / 100 as z_lower,
    cast(bin + 1 as double) / 100 as z_upper,
    count(*) as n
from binned
group by sample, population, position, bin
order by sample, position, bin;
