-- makes: survey.band_line_strengths, EW_band: the observed EWs of the lines weighted by the band's throughput where they fall
-- reads: raw.filter_curves, survey.bands, survey.line_measurements, survey.lines
-- paper: section 4.1; the paper prints no formula, FORMATS 6.3 is followed (ambiguity 15, setting ew_band_throughput)
create or replace table survey.band_line_strengths as
with curves as (
    select
        band,
        wavelength,
        -- small negative responses occur
        greatest(response, 0) as response,
        lead(wavelength) over (partition by band order by wavelength) as next_wavelength,
        greatest(lead(response) over (partition by band order by wavelength), 0) as next_response,
        max(response) over (partition by band) as peak
    from raw.filter_curves
),
areas as (
    select
        band,
        max(peak) as peak,
        sum((response + next_response) / 2 * ln(next_wavelength / wavelength) order by wavelength) as area
    from curves
    group by band
),
lines_in_bands as (
    select m.object_id, b.band, m.line, m.ew, m.ew_flux, l.wavelength * (1 + m.spectrum_redshift) as wavelength
    from survey.line_measurements m
    inner join survey.lines l using (line)
    cross join survey.bands b
),
weighed as (
    select
        l.object_id,
        l.band,
        l.line,
        l.ew,
        l.ew_flux,
        l.wavelength,
        case
            when c.wavelength is null or l.wavelength > coalesce(c.next_wavelength, c.wavelength) then 0
            when c.next_wavelength is null then c.response
            else c.response + (c.next_response - c.response)
                * (l.wavelength - c.wavelength) / (c.next_wavelength - c.wavelength)
        end as throughput
    from lines_in_bands l
    asof left join curves c on l.band = c.band and l.wavelength >= c.wavelength
),
scaled as (
    select
        w.*,
        -- a band without a curve has no EW_band: NULL, not 0
        case
            when p.peak is null then null
            when setting_text('ew_band_throughput') = 'relative' then w.throughput / p.peak
            -- the integral of T over ln wavelength made 1: what a line adds to the band's light, as a fraction
            when setting_text('ew_band_throughput') = 'fraction' then w.throughput / w.wavelength / p.area
            else w.throughput
        end as weight
    from weighed w
    left join areas p using (band)
)
select
    object_id,
    band,
    case when count(weight) > 0 then coalesce(sum(greatest(ew, 0) * weight order by line), 0) end as ew_band,
    case when count(weight) > 0 then coalesce(sum(ew * weight order by line), 0) end as ew_band_signed,
    case when count(weight) > 0 then coalesce(sum(greatest(ew_flux, 0) * weight order by line), 0) end as ew_band_flux,
    arg_max(line, greatest(ew, 0) * weight) filter (where ew * weight > 0) as strongest_line
from scaled
group by object_id, band;
