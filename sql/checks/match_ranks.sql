-- makes: matches whose ranks have gaps, repeat or do not follow the separation
-- reads: survey.matches
-- paper: sections 2.2 and 4.2
with ordered as (
    select
        object_id,
        catalog,
        rank,
        n_within_radius,
        separation_arcsec,
        lag(separation_arcsec) over (partition by object_id, catalog order by rank) as separation_before,
        row_number() over (partition by object_id, catalog order by rank) as expected_rank,
        count(*) over (partition by object_id, catalog) as n
    from survey.matches
)
select *
from ordered
where rank <> expected_rank or n_within_radius <> n or separation_arcsec < separation_before;
