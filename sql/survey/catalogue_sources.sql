-- makes: survey.catalogue_sources, the sources of all catalogues that galaxies are matched to, in one shape (view)
-- reads: raw.dr16q, raw.galspec_info, raw.gama, raw.gswlc, raw.milliquas
-- paper: sections 2.2, 4.2 and 4.3
create or replace view survey.catalogue_sources as
with mpa_jhu as (
    -- row-aligned with specObj: a row without a result has ids of -1 or blank and is no source
    select
        'mpa_jhu' as catalog,
        trim(specobjid) as source_id,
        ra,
        dec,
        sky_cell,
        sn_median as signal_to_noise,
        setting('match_radius_mpa_jhu') as radius_arcsec,
        source_file,
        file_row
    from raw.galspec_info
    where coalesce(plateid, -1) > 0
        and coalesce(trim(specobjid), '') not in ('', '-1', '0')
        -- ambiguity 12: no cut on reliability unless mpa_jhu_require_reliable is set
        and (setting('mpa_jhu_require_reliable') = 0 or coalesce(reliable = 1 and z_warning = 0, false))
),
dr16q as (
    -- every row of the version 4 file is a quasar; where a flag says otherwise it is believed
    select
        'dr16q' as catalog,
        trim(sdss_name) as source_id,
        ra,
        dec,
        sky_cell,
        sn_median_all as signal_to_noise,
        setting('match_radius_dr16q') as radius_arcsec,
        source_file,
        file_row
    from raw.dr16q
    where setting('dr16q_require_final') = 0 or coalesce(is_qso_final, 1) > 0
),
milliquas as (
    select
        'milliquas' as catalog,
        trim(name) as source_id,
        ra,
        dec,
        sky_cell,
        cast(null as double) as signal_to_noise,
        setting('match_radius_milliquas') as radius_arcsec,
        source_file,
        file_row
    from raw.milliquas
),
gama as (
    select
        'gama' as catalog,
        trim(specid) as source_id,
        ra,
        dec,
        sky_cell,
        -- GAMA gives no S/N: the more reliable redshift counts as the better of two at one place
        cast(nq as double) as signal_to_noise,
        setting('match_radius_gama') as radius_arcsec,
        source_file,
        file_row
    from raw.gama
),
gswlc as (
    select
        'gswlc' as catalog,
        cast(objid as varchar) as source_id,
        ra,
        dec,
        sky_cell,
        cast(null as double) as signal_to_noise,
        setting('match_radius_gswlc') as radius_arcsec,
        source_file,
        file_row
    from raw.gswlc
)
select * from mpa_jhu
union all
select * from dr16q
union all
select * from milliquas
union all
select * from gama
union all
select * from gswlc;
