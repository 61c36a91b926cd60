-- makes: the answer of `swimmy match`, one row per position of a user's list and object within the radius ($1, arcsec)
-- reads: meta.rejects, survey.classes, survey.cut_results, survey.galaxies, survey.parents
-- paper: section 4.2 does this with Milliquas
-- Temporary tables of the session: user_positions (list_row, ra, dec), user_list (list_row and the list's own columns),
-- user_candidates (model.candidates, or nothing before it is made). A position that is missing matches nothing.
with pairs as (
    select
        left_id as list_row,
        right_id as object_id,
        separation_arcsec,
        row_number() over (partition by left_id order by separation_arcsec, right_id) as rank
    from crossmatch('user_positions', list_row, 'survey.parents', object_id, $1, right_cell := sky_cell)
),
cuts as (
    select
        object_id,
        string_agg(sample, ',' order by sample) filter (where first_failed_cut is null) as samples,
        string_agg(distinct first_failed_cut, ', ' order by first_failed_cut) as failed
    from survey.cut_results
    group by object_id
),
left_out as (
    -- of a stage after the selection: a bad cutout, or none
    select object_id, string_agg(distinct stage || ': ' || reason, ', ' order by stage || ': ' || reason) as reasons
    from meta.rejects
    where object_id is not null
    group by object_id
),
candidates as (
    select
        object_id,
        string_agg(sample || ' ' || aperture || ' ' || bands, ', ' order by sample, aperture) as selections,
        arg_max(max_level, cast(replace(max_level, 'sigma', '') as double)) as max_level
    from user_candidates
    group by object_id
)
select
    u.list_row,
    p.object_id,
    p.separation_arcsec,
    case
        when s.ra is null or s.dec is null then 'no position'
        when p.object_id is null then 'nothing here'
        when k.object_id is not null then 'candidate'
        when l.reasons is not null then 'left out, ' || l.reasons
        when c.samples is not null then 'member'
        else 'cut: ' || c.failed
    end as outcome,
    t.class,
    t.milliquas_class,
    k.selections,
    k.max_level,
    g.redshift,
    c.samples,
    cast(p.rank as integer) as rank,
    o.ra,
    o.dec,
    u.* exclude (list_row)
from user_list u
inner join user_positions s using (list_row)
left join pairs p using (list_row)
left join survey.parents o on o.object_id = p.object_id
left join cuts c on c.object_id = p.object_id
left join left_out l on l.object_id = p.object_id
left join survey.galaxies g on g.object_id = p.object_id
left join survey.classes t on t.object_id = p.object_id
left join candidates k on k.object_id = p.object_id
order by u.list_row, p.rank;
