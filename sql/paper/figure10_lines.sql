-- makes: paper.figure10_lines, each selection band's relative throughput where H alpha, [O III] and [O II] fall, by redshift
-- reads: paper.figure10, raw.filter_curves, survey.bands, survey.lines
-- paper: figure 10
-- stage: paper
create or replace table paper.figure10_lines as
with curves as (
    select
        band,
        wavelength,
        greatest(response, 0) as response,
        lead(wavelength) over (partition by band order by wavelength) as next_wavelength,
        greatest(lead(response) over (partition by band order by wavelength), 0) as next_response,
        max(response) over (partition by band) as peak
    from raw.filter_curves
),
limits as (
    select min(redshift_low) as low, max(redshift_high) as high from paper.figure10
),
steps as (
    select low + (high - low) * step / 150 as redshift, step
    from limits
    cross join range(151) steps(step)
    where low is not null
),
falling as (
    select b.band, b.position, l.line, l.label, s.step, s.redshift, l.wavelength * (1 + s.redshift) as wavelength
    from survey.bands b
    cross join survey.lines l
    cross join steps s
    where b.is_selection_band
        and b.band in (select band from raw.filter_curves)
        and l.line in ('h_alpha', 'oiii_5007', 'oii_3729')
)
select
    f.band,
    f.line,
    f.label,
    cast(f.step as integer) as step,
    f.redshift,
    f.wavelength as wavelength_observed,
    case
        when c.wavelength is null or f.wavelength > coalesce(c.next_wavelength, c.wavelength) then 0
        when c.next_wavelength is null then c.response
        else c.response + (c.next_response - c.response)
            * (f.wavelength - c.wavelength) / (c.next_wavelength - c.wavelength)
    end / coalesce(c.peak, 1) as throughput
from falling f
asof left join curves c on f.band = c.band and f.wavelength >= c.wavelength
order by f.position, f.line, f.step;
