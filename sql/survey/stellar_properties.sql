-- makes: survey.stellar_properties, stellar masses and star-formation rates of galaxies by MPA-JHU and by GSWLC-2 (view)
-- reads: raw.gswlc, survey.line_strengths, survey.matches
-- paper: sections 4.3 and 4.4, figure 13
-- MPA-JHU's are for a Kroupa IMF, GSWLC's for Chabrier's: not converted (ambiguity 37). Ambiguity 32: GSWLC's SED fit
-- failed where the mass or the rate is -99 or FLAG_SED is not 0 (settings gswlc_missing and gswlc_good_flags).
create or replace view survey.stellar_properties as
with good_flags as (
    select try_cast(trim(unnest(string_split(setting_text('gswlc_good_flags'), ','))) as integer) as flag_sed
)
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
        not coalesce(
            isfinite(logmstar) and logmstar <> setting('gswlc_missing')
            and isfinite(logsfr_sed) and logsfr_sed <> setting('gswlc_missing'),
            false
        )
        or (
            setting_text('gswlc_good_flags') <> ''
            and flag_sed is not null
            and flag_sed not in (select f.flag_sed from good_flags f where f.flag_sed is not null)
        ) as failed
    from raw.gswlc
) g on g.source_file = m.source_file and g.file_row = m.file_row
where m.catalog = 'gswlc' and m.rank = 1;
