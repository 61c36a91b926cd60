-- makes: paper.figure13_density, star-formation rate against stellar mass: how many galaxies fall into each cell
-- reads: model.published, survey.active_nuclei, survey.sample_members, survey.stellar_properties
-- paper: figure 13
-- stage: paper
-- Cells of 0.1 by 0.1 dex.
create or replace table paper.figure13_density as
with cells as (
    select
        p.catalog,
        m.sample,
        cast(floor(p.log_mass * 10) as integer) as x_bin,
        cast(floor(p.log_sfr * 10) as integer) as y_bin
    from survey.sample_members m
    semi join model.published b on b.sample = m.sample
    inner join survey.stellar_properties p using (object_id)
    where p.log_mass is not null
        and p.log_sfr is not null
        and m.object_id not in (select object_id from survey.active_nuclei)
)
select
    catalog,
    sample,
    x_bin,
    y_bin,
    x_bin / 10 as log_mass_low,
    (x_bin + 1) / 10 as log_mass_high,
    y_bin / 10 as log_sfr_low,
    (y_bin + 1) / 10 as log_sfr_high,
    count(*) as n
from cells
group by catalog, sample, x_bin, y_bin
order by catalog, sample, x_bin, y_bin;
