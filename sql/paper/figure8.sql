-- makes: paper.figure8, radial profiles of the DR16Q quasars that a band selects and of those that it does not: each, and means
-- reads: model.judged_scores, model.radial_profiles
-- paper: figure 8 (selection in g)
-- stage: paper
-- `object_id` is empty in the rows that hold the mean of the group, over all quasars of model.radial_profiles; singly there
-- are 40 of them at most, in the order of a checksum of the id. Profiles are in stretched flux.
create or replace table paper.figure8 as
with grouped as (
    select
        s.sample,
        s.checkpoint_id,
        s.band as selection_band,
        s.position,
        s.is_selected,
        r.object_id,
        r.band,
        r.image,
        r.ring,
        r.radius,
        r.radius_arcsec,
        r.value
    from model.radial_profiles r
    inner join model.judged_scores s using (sample, checkpoint_id, object_id)
    where s.is_selection_band
),
means as (
    select
        sample,
        checkpoint_id,
        selection_band,
        position,
        is_selected,
        cast(null as bigint) as object_id,
        band,
        image,
        ring,
        any_value(radius) as radius,
        any_value(radius_arcsec) as radius_arcsec,
        avg(value order by object_id) as value,
        count(*) as n_objects
    from grouped
    group by sample, checkpoint_id, selection_band, position, is_selected, band, image, ring
),
singles as (
    select sample, object_id
    from (select distinct sample, object_id from grouped)
    qualify row_number() over (partition by sample order by md5(cast(object_id as varchar)), object_id) <= 40
),
united as (
    select g.*, cast(1 as bigint) as n_objects from grouped g semi join singles using (sample, object_id)
    union all
    select * from means
)
select
    sample,
    checkpoint_id,
    selection_band,
    is_selected,
    band,
    image,
    object_id,
    ring,
    radius,
    radius_arcsec,
    value,
    n_objects
from united
order by sample, checkpoint_id, position, is_selected desc, image, band, object_id nulls first, ring;
