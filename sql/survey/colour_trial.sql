-- makes: survey.colour_trial, every object that passes the cuts of the colour sample but those by colour, and whether it passes these
-- reads: survey.cut_values, survey.cuts, survey.parents, survey.spec_redshifts
-- paper: appendix 3 ("a sampling completeness is 96.5%, a removal rate ... 88.6%, and an outlier fraction ... 20.9%")
-- With or without a redshift. Without the colour sample (setting samples) there are no rows.
create or replace table survey.colour_trial as
with failed as (
    select
        object_id,
        bool_or(quantity not in ('g - r', 'r - z', 'redshifts')) as fails_others,
        bool_or(quantity in ('g - r', 'r - z')) as fails_colour
    from survey.cut_values
    where sample = 'colour' and not is_kept
    group by object_id
)
select
    p.object_id,
    s.redshift,
    s.specz_source,
    coalesce(s.specz_source ilike 'sdss%', false) as is_sdss,
    not coalesce(f.fails_colour, false) as passes_colour
from survey.parents p
left join failed f using (object_id)
left join survey.spec_redshifts s using (object_id)
where not coalesce(f.fails_others, false)
    and exists (from survey.cuts where sample = 'colour');
