-- makes: survey.cuts, the cuts of each sample in order: the quantity that is judged and the limits between which it is kept
-- reads:
-- paper: sections 2.1 and 2.2, appendix 3
-- A cut whose setting is empty is not here. A cut without limits keeps an object whose value is not missing. The order
-- is the text's.
create or replace table survey.cuts as
with samples as (
    select trim(unnest(string_split(setting_text('samples'), ','))) as sample
),
flags as (
    -- setting flag_cuts. Ambiguity 7: a flag must be false in all bands; 8: "ghost" is the ghost mask of that name
    select trim(flag) as flag, flag_position
    from (
        select
            unnest(string_split(setting_text('flag_cuts'), ',')) as flag,
            unnest(range(len(string_split(setting_text('flag_cuts'), ',')))) as flag_position
    )
    where trim(flag) <> ''
),
definitions(position, samples, cut, quantity, lower_limit, upper_limit, is_strict, unit, section, is_applied) as (
    values
        (10, 'specz colour', 'not primary', 'is primary', 1, null, false, null, '2.1', true),
        -- ambiguity 5: a patch is dropped where any band fails; the printed depths, survey.bands.psf_depth_min
        (20, 'specz colour', 'seeing missing', 'bands without seeing', null, 0, false, null, '2.1',
            setting('seeing_max') is not null),
        (21, 'specz colour own', 'seeing', 'worst seeing', null, setting('seeing_max'), false, 'arcsec', '2.1',
            setting('seeing_max') is not null),
        (30, 'specz colour', 'depth missing', 'bands without depth', null, 0, false, null, '2.1',
            setting('apply_depth_cut') = 1),
        (31, 'specz colour own', 'depth', 'depth beyond the limit', 0, null, false, 'mag', '2.1',
            setting('apply_depth_cut') = 1),
        (40, 'specz colour own', 'magnitude missing', 'magnitude', null, null, false, 'mag', '2.2',
            setting('magnitude_max') is not null),
        (41, 'specz colour own', 'magnitude', 'magnitude', null, setting('magnitude_max'), true, 'mag', '2.2',
            setting('magnitude_max') is not null),
        -- the paper does not say it, but a galaxy without flux in a band has no cube
        (42, 'specz colour', 'magnitude missing in a band', 'bands without magnitude', null, 0, false, null, '2.2',
            true),
        (50, 'specz', 'redshift missing', 'redshift', null, null, false, null, '2.2',
            coalesce(setting('redshift_min'), setting('redshift_max')) is not null),
        -- ambiguity 9: both limits strict
        (51, 'specz', 'redshift', 'redshift', setting('redshift_min'), setting('redshift_max'), true, null, '2.2',
            coalesce(setting('redshift_min'), setting('redshift_max')) is not null),
        -- "without spectroscopic counterparts"
        (52, 'colour', 'has a redshift', 'redshifts', null, 0, false, null, 'app. 3', true),
        (60, 'specz colour', 'flag missing', 'flags missing', null, 0, false, null, '2.2',
            setting_text('flag_cuts') <> ''),
        (70, 'own', 'flagged', 'is flagged', null, 0, false, null, '2.2', true),
        (80, 'specz colour', 'psf magnitude missing', 'psf - cmodel', null, null, false, 'mag', '2.2',
            setting('extendedness_min') is not null),
        (81, 'specz colour own', 'point source', 'psf - cmodel', setting('extendedness_min'), null, true, 'mag', '2.2',
            setting('extendedness_min') is not null),
        (82, 'own', 'point source by its catalogue', 'is point source', null, 0, false, null, '2.2', true),
        (90, 'colour', 'g - r missing', 'g - r', null, null, false, 'mag', 'app. 3', true),
        (91, 'colour', 'g - r', 'g - r', null, setting('colour_gr_max'), true, 'mag', 'app. 3', true),
        (92, 'colour', 'r - z missing', 'r - z', null, null, false, 'mag', 'app. 3', true),
        (93, 'colour', 'r - z', 'r - z', null, setting('colour_rz_max'), true, 'mag', 'app. 3', true)
),
flag_definitions as (
    select
        61 + flag_position / 1000 as position,
        'specz colour' as samples,
        flag as cut,
        flag || ', bands set' as quantity,
        null as lower_limit,
        0 as upper_limit,
        false as is_strict,
        null as unit,
        '2.2' as section,
        true as is_applied
    from flags
),
united as (
    select * from definitions
    union all
    select * from flag_definitions
)
select
    s.sample,
    cast(row_number() over (partition by s.sample order by d.position) as integer) as step,
    d.cut,
    d.quantity,
    cast(d.lower_limit as double) as lower_limit,
    cast(d.upper_limit as double) as upper_limit,
    d.is_strict,
    -- what one's own catalogue does not give is not cut on; its magnitude it must give
    s.sample = 'own' and d.quantity <> 'magnitude' as missing_passes,
    cast(d.unit as varchar) as unit,
    d.section
from samples s
inner join united d on list_contains(string_split(d.samples, ' '), s.sample)
where d.is_applied;
