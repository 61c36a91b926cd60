-- makes: survey.cut_values, one row per sample, object and cut: the value, its limits and whether it is kept (view)
-- reads: raw.hsc_masks, raw.hsc_objects, survey.bands, survey.cuts, survey.parents, survey.photometry, survey.spec_redshifts
-- paper: sections 2.1 and 2.2, appendix 3
create or replace view survey.cut_values as
with magnitudes as (
    select
        object_id,
        band,
        -- ambiguities 6 and 35: not corrected for extinction unless extinction_corrected is set
        cmodel_mag - case when setting('extinction_corrected') = 1 then extinction else 0 end as magnitude,
        psf_mag - cmodel_mag as extendedness,
        seeing_fwhm,
        psf_depth,
        psf_depth - psf_depth_min as depth_beyond_limit,
        psf_depth_min is not null as has_depth_limit
    from survey.photometry
    inner join survey.bands using (band)
),
over_bands as (
    select
        object_id,
        max(magnitude) filter (where band = setting_text('magnitude_band')) as magnitude,
        max(extendedness) filter (where band = setting_text('magnitude_band')) as extendedness,
        count(*) filter (where magnitude is null) as bands_without_magnitude,
        max(seeing_fwhm) as worst_seeing,
        count(*) filter (where seeing_fwhm is null) as bands_without_seeing,
        min(depth_beyond_limit) as depth_beyond_limit,
        count(*) filter (where has_depth_limit and psf_depth is null) as bands_without_depth,
        max(magnitude) filter (where band = 'g') as g,
        max(magnitude) filter (where band = 'r') as r,
        max(magnitude) filter (where band = 'z') as z
    from magnitudes
    group by object_id
),
wanted_flags as (
    select cut as flag, band || '_' || cut as name
    from (select distinct cut from survey.cuts where quantity = cut || ', bands set')
    cross join survey.bands
),
flag_columns as (
    select object_id, columns('^[a-z][a-z0-9]*_(.*flag.*|mask_.*)$')
    from raw.hsc_objects
    left join raw.hsc_masks using (object_id)
),
flag_values as (
    from flag_columns unpivot include nulls (is_set for name in (columns(* exclude object_id)))
),
-- only what speaks against an object is counted: set or missing flags are few
raised_flags as (
    select object_id, flag, count(*) filter (where is_set) as n_set, count(*) filter (where is_set is null) as n_missing
    from flag_values
    inner join wanted_flags using (name)
    where is_set is distinct from false
    group by object_id, flag
),
missing_flags as (
    select object_id, sum(n_missing) as n_missing from raised_flags group by object_id
),
known_columns as (
    select columns('^[a-z][a-z0-9]*_(.*flag.*|mask_.*)$')
    from (from raw.hsc_objects limit 1)
    left join (from raw.hsc_masks limit 1) on true
),
known_names as (
    from known_columns unpivot include nulls (is_set for name in (columns(*)))
),
-- a flag that the catalogue has not is missing in every object, not false in every object
unknown_flags as (
    select count(*) as n_unknown from wanted_flags anti join known_names using (name)
),
object_values as (
    select
        p.object_id,
        cast(p.is_primary as double) as is_primary,
        cast(b.bands_without_seeing as double) as bands_without_seeing,
        b.worst_seeing,
        cast(b.bands_without_depth as double) as bands_without_depth,
        b.depth_beyond_limit,
        b.magnitude,
        cast(b.bands_without_magnitude as double) as bands_without_magnitude,
        s.redshift,
        cast(s.redshift is not null as double) as n_redshifts,
        -- an own catalogue has one flag instead of HSC's many
        cast(
            case when p.origin = 'own' then coalesce(cast(p.is_flagged as integer), 0)
            else coalesce(f.n_missing, 0) + u.n_unknown end
            as double
        ) as flags_missing,
        cast(p.is_flagged as double) as is_flagged,
        -- where the catalogue says itself what is a point source, its magnitudes are not asked
        case when p.is_point_source is null then b.extendedness end as extendedness,
        cast(p.is_point_source as double) as is_point_source,
        b.g - b.r as g_r,
        b.r - b.z as r_z
    from survey.parents p
    cross join unknown_flags u
    left join over_bands b using (object_id)
    left join survey.spec_redshifts s using (object_id)
    left join missing_flags f using (object_id)
),
valued as (
    select object_id, quantity, value
    from object_values unpivot include nulls (value for quantity in (
        is_primary as 'is primary',
        bands_without_seeing as 'bands without seeing',
        worst_seeing as 'worst seeing',
        bands_without_depth as 'bands without depth',
        depth_beyond_limit as 'depth beyond the limit',
        magnitude as 'magnitude',
        bands_without_magnitude as 'bands without magnitude',
        redshift as 'redshift',
        n_redshifts as 'redshifts',
        flags_missing as 'flags missing',
        is_flagged as 'is flagged',
        extendedness as 'psf - cmodel',
        is_point_source as 'is point source',
        g_r as 'g - r',
        r_z as 'r - z'
    ))
    union all
    select p.object_id, w.flag || ', bands set', coalesce(f.n_set, 0)
    from survey.parents p
    cross join (select distinct flag from wanted_flags) w
    left join raised_flags f on f.object_id = p.object_id and f.flag = w.flag
)
select
    c.sample,
    v.object_id,
    c.step,
    c.cut,
    c.quantity,
    v.value,
    c.lower_limit,
    c.upper_limit,
    c.is_strict,
    c.unit,
    c.section,
    -- a cut is the condition for keeping: NULL, NaN and infinity do not pass
    (c.missing_passes and v.value is null) or coalesce(
        isfinite(v.value)
        and (c.lower_limit is null or v.value > c.lower_limit or (not c.is_strict and v.value = c.lower_limit))
        and (c.upper_limit is null or v.value < c.upper_limit or (not c.is_strict and v.value = c.upper_limit)),
        false
    ) as is_kept
from valued v
inner join survey.cuts c using (quantity);
