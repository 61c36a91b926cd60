-- makes: survey.spectra_matches, every galaxy's SDSS spectra within match_radius_spectra, the nearest first
-- reads: raw.spectra, survey.galaxies
-- paper: section 4.4, figure 15
create or replace table survey.spectra_matches as
with pairs as (
    select left_id as object_id, unnest(right_id), separation_arcsec
    from crossmatch(
        'survey.galaxies',
        object_id,
        'raw.spectra',
        {'plate': plate, 'mjd': mjd, 'fiberid': fiberid, 'z': z},
        setting('match_radius_spectra'),
        right_cell := sky_cell
    )
)
select
    p.object_id,
    p.plate,
    p.mjd,
    p.fiberid,
    -- the spectrum's own redshift, else the galaxy's
    case when isfinite(p.z) and p.z > -1 then p.z else g.redshift end as redshift,
    p.separation_arcsec,
    cast(row_number() over (
        partition by p.object_id order by p.separation_arcsec, p.plate, p.mjd, p.fiberid
    ) as integer) as rank
from pairs p
inner join survey.galaxies g using (object_id);
