-- makes: survey.stellar_properties, stellar masses and star-formation rates of galaxies by MPA-JHU and by GSWLC-2 (view)
-- reads: raw.gswlc, survey.line_strengths, survey.matches
-- paper: sections 4.3 and 4.4, figure 13
-- MPA-JHU's are for a Kroupa IMF, GSWLC's for Chabrier's: not converted (ambiguity 37). Ambiguity 32: GSWLC's SED fit
-- failed where the mass or the rate is -99 or FLAG_SED is not 0.
create or replace view survey.stellar_properties as
select
    object_id,
    'mpa_jhu' as catalog,
    log_mass,
    log_sfr,
    log_mass is null or log_sfr is null as is_failed
from survey.line_strengths
union all
select
    m.object_id,
    'gswlc',
    case when not failed then g.logmstar end,
    case when not failed then g.logsfr_sed end,
    failed
from survey.matches m
inner join (
    select
        *,
        not coalesce(isfinite(logmstar) and logmstar > -99 and isfinite(logsfr_sed) and logsfr_sed > -99, false)
        or coalesce(flag_sed, 0) <> 0 as failed
    from raw.gswlc
) g on g.source_file = m.source_file and g.file_row = m.file_row
where m.catalog = 'gswlc' and m.rank = 1;
