-- makes: paper.figure15_spectra, the spectra of the 12 most anomalous galaxies of each band that have one, in the rest frame
-- reads: paper.figure14, raw.spectra, survey.spectra_matches
-- paper: figure 15, panels d to f
-- stage: paper
-- Means of four pixels of SDSS (4e-4 in log10), over the median of 5400 to 5600 Angstrom (settings stack_window_min and
-- stack_window_max). Pixels that are not to be used are left out.
create or replace table paper.figure15_spectra as
with drawn as (
    select
        f.sample,
        f.checkpoint_id,
        f.selection_band,
        f.object_id,
        f.s_anom,
        m.plate,
        m.mjd,
        m.fiberid,
        m.redshift,
        row_number() over (partition by f.sample, f.checkpoint_id, f.selection_band order by f.place) as place
    from paper.figure14 f
    inner join survey.spectra_matches m on m.object_id = f.object_id and m.rank = 1
    where m.redshift is not null
),
pixels as (
    select
        s.plate,
        s.mjd,
        s.fiberid,
        unnest(s.loglam) - log10(1 + m.redshift) as loglam,
        unnest(s.flux) as flux,
        unnest(s.ivar) as ivar
    from (select distinct plate, mjd, fiberid, redshift from drawn where place <= 12) m
    inner join raw.spectra s using (plate, mjd, fiberid)
),
good as (
    select * from pixels where ivar > 0 and isfinite(flux)
),
levels as (
    select plate, mjd, fiberid, median(cast(flux as double)) as level
    from good
    where pow(10, loglam) between setting('stack_window_min') and setting('stack_window_max')
    group by plate, mjd, fiberid
),
binned as (
    select
        g.plate,
        g.mjd,
        g.fiberid,
        cast(floor(g.loglam * 2500) as integer) as pixel,
        avg(cast(g.flux as double) / l.level order by g.loglam) as flux
    from good g
    inner join levels l using (plate, mjd, fiberid)
    where l.level > 0
    group by g.plate, g.mjd, g.fiberid, floor(g.loglam * 2500)
)
select
    d.sample,
    d.checkpoint_id,
    d.selection_band,
    cast(d.place as integer) as place,
    d.object_id,
    d.s_anom,
    d.plate,
    d.mjd,
    d.fiberid,
    d.redshift,
    b.pixel,
    pow(10, (b.pixel + 0.5) / 2500) as wavelength,
    b.flux
from drawn d
inner join binned b using (plate, mjd, fiberid)
where d.place <= 12
order by d.sample, d.checkpoint_id, d.selection_band, d.place, b.pixel;
