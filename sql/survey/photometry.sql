-- makes: survey.photometry, magnitudes, extinction and the patch's seeing and depth, one row per object and band
-- reads: raw.hsc_objects, raw.hsc_patches, raw.own_objects, raw.own_photometry, survey.bands
-- paper: sections 2.1 and 2.2
-- HSC's wide columns become rows here, whatever the survey's bands are. A value that is NaN, infinite or 99-like is
-- NULL from here on: "missing" is a cut of its own.
create or replace table survey.photometry as
with hsc_names as (
    select band || suffix as name, band, quantity
    from survey.bands
    cross join (
        values ('_cmodel_mag', 'cmodel_mag'), ('_cmodel_magerr', 'cmodel_magerr'), ('_psfflux_mag', 'psf_mag')
    ) quantities(suffix, quantity)
    union all
    select 'a_' || band, band, 'extinction' from survey.bands
),
hsc_columns as (
    select object_id, columns('^a_[a-z0-9]+$|_cmodel_mag$|_cmodel_magerr$|_psfflux_mag$')
    from raw.hsc_objects
),
hsc_values as (
    from hsc_columns unpivot include nulls (value for name in (columns(* exclude object_id)))
),
hsc_magnitudes as (
    select
        object_id,
        band,
        max(value) filter (where quantity = 'cmodel_mag') as cmodel_mag,
        max(value) filter (where quantity = 'cmodel_magerr') as cmodel_magerr,
        max(value) filter (where quantity = 'psf_mag') as psf_mag,
        max(value) filter (where quantity = 'extinction') as extinction
    from hsc_values
    inner join hsc_names using (name)
    group by object_id, band
),
patch_names as (
    select band || suffix as name, band, quantity
    from survey.bands
    cross join (values ('seeing', 'seeing_fwhm'), ('mag_psf_depth', 'psf_depth')) quantities(suffix, quantity)
),
patch_columns as (
    select skymap_id, columns('seeing$|mag_psf_depth$')
    from raw.hsc_patches
),
patch_values as (
    from patch_columns unpivot include nulls (value for name in (columns(* exclude skymap_id)))
),
patches as (
    select
        skymap_id,
        band,
        max(value) filter (where quantity = 'seeing_fwhm') as seeing_fwhm,
        max(value) filter (where quantity = 'psf_depth') as psf_depth
    from patch_values
    inner join patch_names using (name)
    group by skymap_id, band
),
hsc as (
    select
        m.object_id,
        m.band,
        m.cmodel_mag,
        m.cmodel_magerr,
        m.psf_mag,
        m.extinction,
        p.seeing_fwhm,
        p.psf_depth
    from hsc_magnitudes m
    inner join raw.hsc_objects o using (object_id)
    left join patches p on p.skymap_id = o.skymap_id and p.band = m.band
),
own as (
    select
        o.object_id,
        b.band,
        p.magnitude as cmodel_mag,
        p.magnitude_error as cmodel_magerr,
        p.psf_magnitude as psf_mag,
        p.extinction,
        p.seeing_fwhm,
        p.psf_depth
    from raw.own_objects o
    cross join survey.bands b
    left join raw.own_photometry p on p.object_id = o.object_id and p.band = b.band
),
united as (
    select * from hsc
    union all
    select * from own
)
select
    object_id,
    band,
    known(cmodel_mag) as cmodel_mag,
    known(cmodel_magerr) as cmodel_magerr,
    known(psf_mag) as psf_mag,
    known(extinction) as extinction,
    known(seeing_fwhm) as seeing_fwhm,
    known(psf_depth) as psf_depth
from united;
