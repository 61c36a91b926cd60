-- makes: survey.parents, every object of the catalogue brought, HSC's or one's own, with the columns that cuts need (view)
-- reads: raw.hsc_objects, raw.own_objects
-- paper: section 2.1
create or replace view survey.parents as
with hsc as (
    select
        object_id,
        ra,
        dec,
        sky_cell,
        tract,
        patch,
        skymap_id,
        isprimary as is_primary,
        cast(null as boolean) as is_point_source,
        cast(null as boolean) as is_flagged,
        cast(null as varchar) as class_hint,
        'hsc' as origin
    from raw.hsc_objects
),
own as (
    select
        object_id,
        ra,
        dec,
        sky_cell,
        tract,
        patch,
        cast(null as bigint) as skymap_id,
        true as is_primary,
        is_point_source,
        flagged as is_flagged,
        class_hint,
        'own' as origin
    from raw.own_objects
)
select * from hsc
union all
select * from own;
