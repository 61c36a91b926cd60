-- makes: survey.line_strengths, EWs of the three line groups and physical properties of galaxies with an MPA-JHU spectrum
-- reads: raw.galspec_extra, raw.galspec_info, survey.line_measurements, survey.lines, survey.matches
-- paper: section 2.2 (XELGs) and 4.3 (masses, star-formation rates)
-- Ambiguity 13: both frames and both estimators are here; settings xelg_ew_frame and xelg_ew_estimator choose
-- `xelg_ew`. A group's EW is the sum of its measured lines, NULL where none is; sums are ordered, so that they are the
-- same to the last bit in every run.
create or replace table survey.line_strengths as
with groups as (
    select
        object_id,
        line_group,
        sum(ew order by line) as ew,
        sqrt(sum(pow(ew_err, 2) order by line)) as ew_err,
        sum(ew_rest order by line) as ew_rest,
        sqrt(sum(pow(ew_rest_err, 2) order by line)) as ew_rest_err,
        sum(ew_flux order by line) as ew_flux,
        sum(ew_flux_rest order by line) as ew_flux_rest
    from survey.line_measurements
    inner join survey.lines using (line)
    where line_group is not null
    group by object_id, line_group
),
chosen as (
    select
        *,
        case
            when setting_text('xelg_ew_estimator') = 'eqw' and setting_text('xelg_ew_frame') = 'observed' then ew
            when setting_text('xelg_ew_estimator') = 'eqw' then ew_rest
            when setting_text('xelg_ew_frame') = 'observed' then ew_flux
            else ew_flux_rest
        end as xelg_ew
    from groups
),
wide as (
    select
        object_id,
        max(ew) filter (where line_group = 'oii') as ew_oii,
        max(ew_err) filter (where line_group = 'oii') as ew_oii_err,
        max(ew) filter (where line_group = 'hbeta_oiii') as ew_hbeta_oiii,
        max(ew_err) filter (where line_group = 'hbeta_oiii') as ew_hbeta_oiii_err,
        max(ew) filter (where line_group = 'halpha_nii') as ew_halpha_nii,
        max(ew_err) filter (where line_group = 'halpha_nii') as ew_halpha_nii_err,
        max(ew_rest) filter (where line_group = 'oii') as ew_oii_rest,
        max(ew_rest) filter (where line_group = 'hbeta_oiii') as ew_hbeta_oiii_rest,
        max(ew_rest) filter (where line_group = 'halpha_nii') as ew_halpha_nii_rest,
        max(ew_flux) filter (where line_group = 'oii') as ew_oii_flux,
        max(ew_flux) filter (where line_group = 'hbeta_oiii') as ew_hbeta_oiii_flux,
        max(ew_flux) filter (where line_group = 'halpha_nii') as ew_halpha_nii_flux,
        max(ew_flux_rest) filter (where line_group = 'oii') as ew_oii_flux_rest,
        max(ew_flux_rest) filter (where line_group = 'hbeta_oiii') as ew_hbeta_oiii_flux_rest,
        max(ew_flux_rest) filter (where line_group = 'halpha_nii') as ew_halpha_nii_flux_rest,
        max(xelg_ew) as xelg_ew,
        arg_max(line_group, xelg_ew) as xelg_group,
        max(ew) as ew_max_eqw_observed,
        max(ew_rest) as ew_max_eqw_rest,
        max(ew_flux) as ew_max_flux_observed,
        max(ew_flux_rest) as ew_max_flux_rest
    from chosen
    group by object_id
)
select
    m.object_id,
    m.source_id as specobjid,
    known(i.z) as spectrum_redshift,
    w.* exclude (object_id),
    cast(e.bptclass as integer) as bptclass,
    case when isfinite(e.lgm_tot_p50) and e.lgm_tot_p50 > -99 then e.lgm_tot_p50 end as log_mass,
    case when isfinite(e.sfr_tot_p50) and e.sfr_tot_p50 > -99 then e.sfr_tot_p50 end as log_sfr,
    i.sn_median,
    i.reliable,
    i.z_warning
from survey.matches m
inner join raw.galspec_info i on i.source_file = m.source_file and i.file_row = m.file_row
left join raw.galspec_extra e on e.file_row = m.file_row
left join wide w on w.object_id = m.object_id
where m.catalog = 'mpa_jhu' and m.rank = 1;
