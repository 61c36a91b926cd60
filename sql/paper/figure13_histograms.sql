-- makes: paper.figure13_histograms, the side panels of figure 13: masses and star-formation rates of all and of selected galaxies
-- reads: model.judged_scores, survey.active_nuclei, survey.stellar_properties
-- paper: figure 13
-- stage: paper
-- Bins of 0.2 dex.
create or replace table paper.figure13_histograms as
with galaxies as (
    select
        p.catalog,
        s.sample,
        s.checkpoint_id,
        s.band,
        s.position,
        s.is_selected,
        p.log_mass,
        p.log_sfr
    from model.judged_scores s
    inner join survey.stellar_properties p using (object_id)
    where s.is_selection_band
        and p.log_mass is not null
        and p.log_sfr is not null
        and s.object_id not in (select object_id from survey.active_nuclei)
),
long as (
    from galaxies unpivot (value for quantity in (log_mass, log_sfr))
),
binned as (
    select *, cast(floor(value * 5) as integer) as bin from long
)
select
    catalog,
    sample,
    checkpoint_id,
    band,
    quantity,
    bin,
    bin / 5 as low,
    (bin + 1) / 5 as high,
    count(*) as n_all,
    count(*) filter (where is_selected) as n_selected,
    cast(sum(count(*)) over quantities as bigint) as n_total,
    cast(sum(count(*) filter (where is_selected)) over quantities as bigint) as n_selected_total
from binned
group by catalog, sample, checkpoint_id, band, position, quantity, bin
window quantities as (partition by catalog, sample, checkpoint_id, band, quantity)
order by catalog, sample, checkpoint_id, position, quantity, bin;
