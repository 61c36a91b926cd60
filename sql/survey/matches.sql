-- makes: survey.matches, every galaxy's catalogue sources within the catalogue's radius, ranked
-- reads: survey.catalogue_sources, survey.galaxies
-- paper: sections 2.2 and 4.2
create or replace table survey.matches as
with pairs as (
    -- one cross-match for all catalogues at the widest radius; each catalogue's own radius decides below
    select left_id as object_id, unnest(right_id), separation_arcsec
    from crossmatch(
        'survey.galaxies',
        object_id,
        'survey.catalogue_sources',
        {
            'catalog': catalog,
            'source_id': source_id,
            'signal_to_noise': signal_to_noise,
            'radius_arcsec': radius_arcsec,
            'source_file': source_file,
            'file_row': file_row
        },
        greatest(
            setting('match_radius_mpa_jhu'),
            setting('match_radius_dr16q'),
            setting('match_radius_milliquas'),
            setting('match_radius_gama'),
            setting('match_radius_gswlc')
        ),
        right_cell := sky_cell
    )
),
within_radius as (
    select * from pairs where separation_arcsec <= radius_arcsec
)
select
    object_id,
    catalog,
    source_id,
    separation_arcsec,
    -- the nearest; of several at one place the higher S/N, then the smaller id (digits as text: the shorter is smaller)
    cast(row_number() over (
        partition by object_id, catalog
        order by separation_arcsec, signal_to_noise desc nulls last, len(source_id), source_id, source_file, file_row
    ) as integer) as rank,
    cast(count(*) over (partition by object_id, catalog) as integer) as n_within_radius,
    cast(count(*) over (partition by catalog, source_file, file_row) as integer) as n_galaxies_claiming,
    source_file,
    file_row
from within_radius;
