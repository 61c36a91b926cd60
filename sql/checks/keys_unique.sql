-- makes: values of a key that occur more than once
-- reads: raw.hsc_objects, raw.own_objects, survey.classes, survey.galaxies, survey.parents, survey.sample_members
-- paper: none
with repeated as (
    select 'survey.parents' as "table", cast(object_id as varchar) as "key", count(*) as n
    from survey.parents
    group by object_id
    union all
    select 'survey.sample_members', sample || ' ' || object_id, count(*)
    from survey.sample_members
    group by sample, object_id
    union all
    select 'survey.galaxies', cast(object_id as varchar), count(*) from survey.galaxies group by object_id
    union all
    select 'survey.classes', cast(object_id as varchar), count(*) from survey.classes group by object_id
    union all
    -- one workspace, one survey: an id means one object, whichever table brought it
    select 'raw.hsc_objects and raw.own_objects', cast(object_id as varchar), 2
    from raw.hsc_objects
    semi join raw.own_objects using (object_id)
)
select * from repeated where n > 1;
