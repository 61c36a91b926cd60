-- makes: flags of the setting flag_cuts that the catalogue does not have: every object would fail for want of them
-- reads: raw.hsc_objects, survey.bands, survey.cuts
-- paper: section 2.2
with wanted as (
    select band || '_' || cut as name
    from (select distinct cut from survey.cuts where quantity = cut || ', bands set')
    cross join survey.bands
),
present as (
    select column_name as name
    from information_schema.columns
    -- raw.hsc_masks is joined to raw.hsc_objects
    where table_schema = 'raw' and table_name in ('hsc_objects', 'hsc_masks')
)
select name
from wanted
anti join present using (name)
where exists (from raw.hsc_objects);
