-- makes: members of a sample that have neither a cube nor a reject that says why
-- reads: meta.rejects, survey.cubes, survey.sample_members
-- paper: section 2.3; members = cubes + rejected
-- after: survey.cubes
with members as (
    select distinct object_id from survey.sample_members
),
cube_sets as (
    select distinct cube_set from survey.cubes
)
select s.cube_set, m.object_id, 'neither a cube nor a reject' as fault
from members m
cross join cube_sets s
anti join survey.cubes c on c.cube_set = s.cube_set and c.object_id = m.object_id
anti join (select object_id from meta.rejects where object_id is not null) r on r.object_id = m.object_id;
