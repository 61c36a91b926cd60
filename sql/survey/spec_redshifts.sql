-- makes: survey.spec_redshifts, the one secure spectroscopic redshift of an object, where it has one
-- reads: raw.own_objects, raw.specz
-- paper: section 2.2 ("counterparts in the SDSS DR15 and the GAMA DR3 with a search radius of 1 arcsec")
create or replace table survey.spec_redshifts as
with survey_flags as (
    -- names differ from release to release: setting specz_survey_flags
    select trim(unnest(string_split(setting_text('specz_survey_flags'), ','))) as survey_flag
),
numbered as (
    select row_number() over () as specz_row, * from raw.specz
),
flag_columns as (
    select specz_row, columns('^specz_flag_') from numbered
),
flag_values as (
    from flag_columns unpivot (is_set for survey_flag in (columns(* exclude specz_row)))
),
counted_surveys as (
    select distinct specz_row
    from flag_values
    inner join survey_flags using (survey_flag)
    where is_set
),
secure as (
    -- ambiguity 9: only secure redshifts (specz_flag_homogeneous) of the surveys named; of several the nearest
    select
        object_id,
        specz_redshift as redshift,
        specz_redshift_err as redshift_err,
        specz_name as specz_source,
        d_pos
    from numbered
    semi join counted_surveys using (specz_row)
    where coalesce(specz_flag_homogeneous, false)
        and coalesce(isfinite(specz_redshift), false)
        and coalesce(d_pos <= setting('specz_match_radius'), false)
),
ranked as (
    select
        *,
        row_number() over (
            partition by object_id
            order by d_pos, redshift_err nulls last, specz_source, redshift
        ) as rank,
        count(*) over (partition by object_id) as n_redshifts
    from secure
),
own as (
    select
        object_id,
        redshift,
        cast(null as double) as redshift_err,
        coalesce(redshift_source, 'own') as specz_source,
        cast(null as double) as d_pos,
        1 as n_redshifts
    from raw.own_objects
    where coalesce(isfinite(redshift), false)
)
select
    object_id,
    redshift,
    redshift_err,
    specz_source,
    d_pos as d_pos_arcsec,
    n_redshifts
from ranked
where rank = 1
union all
select * from own;
