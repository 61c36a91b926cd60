-- makes: survey.line_measurements, the equivalent width of each emission line of each galaxy with an MPA-JHU spectrum
-- reads: raw.galspec_info, raw.galspec_line, survey.galaxies, survey.lines, survey.matches
-- paper: section 2.2 ("observed equivalent width"); emission is positive here, negative in the archive
create or replace table survey.line_measurements as
with spectra as (
    select m.object_id, m.source_file, m.file_row, coalesce(known(i.z), g.redshift) as spectrum_redshift
    from survey.matches m
    inner join raw.galspec_info i on i.source_file = m.source_file and i.file_row = m.file_row
    inner join survey.galaxies g on g.object_id = m.object_id
    where m.catalog = 'mpa_jhu' and m.rank = 1
),
line_columns as (
    -- galSpecInfo and galSpecLine are aligned row by row: the row's number is the key
    select s.object_id, columns('^[a-z_]+_?[0-9]*_(eqw|eqw_err|flux|flux_err|cont|cont_err)$')
    from spectra s
    inner join raw.galspec_line l on l.file_row = s.file_row
),
line_values as (
    from line_columns unpivot include nulls (value for name in (columns(* exclude object_id)))
),
names as (
    select line || '_' || quantity as name, line, quantity
    from survey.lines
    cross join (values ('eqw'), ('eqw_err'), ('flux'), ('flux_err'), ('cont'), ('cont_err')) quantities(quantity)
),
measured as (
    select
        object_id,
        line,
        max(value) filter (where quantity = 'eqw') as eqw,
        max(value) filter (where quantity = 'eqw_err') as eqw_err,
        max(value) filter (where quantity = 'flux') as flux,
        max(value) filter (where quantity = 'flux_err') as flux_err,
        max(value) filter (where quantity = 'cont') as cont,
        max(value) filter (where quantity = 'cont_err') as cont_err
    from line_values
    inner join names using (name)
    group by object_id, line
),
believed as (
    -- FORMATS 3.1: an error of 0 or less, or a value beyond 9e3 (setting mpa_jhu_value_max), means no measurement
    select
        *,
        coalesce(
            isfinite(eqw) and abs(eqw) <= setting('mpa_jhu_value_max') and isfinite(eqw_err) and eqw_err > 0, false
        ) as has_eqw,
        coalesce(
            isfinite(flux) and abs(flux) < 1e30 and flux <> -9999 and isfinite(flux_err) and flux_err > 0
            and isfinite(cont) and cont > 0 and abs(flux / cont) <= setting('mpa_jhu_value_max'),
            false
        ) as has_flux
    from measured
)
select
    b.object_id,
    b.line,
    s.spectrum_redshift,
    case when has_eqw then -eqw end as ew_rest,
    case when has_eqw then eqw_err end as ew_rest_err,
    case when has_flux then flux / cont end as ew_flux_rest,
    -- a continuum without an error of its own adds none
    case when has_flux then sqrt(
        pow(flux_err / cont, 2)
        + pow(flux / cont * (case when isfinite(cont_err) and cont_err > 0 then cont_err else 0 end) / cont, 2)
    ) end as ew_flux_rest_err,
    case when has_eqw then -eqw * (1 + s.spectrum_redshift) end as ew,
    case when has_eqw then eqw_err * (1 + s.spectrum_redshift) end as ew_err,
    case when has_flux then flux / cont * (1 + s.spectrum_redshift) end as ew_flux
from believed b
inner join spectra s using (object_id);
