-- makes: members that failed a cut, and objects that passed all and are no members
-- reads: survey.cut_results, survey.galaxies, survey.sample_members
-- paper: section 2.2
select r.sample, r.object_id, r.first_failed_cut
from survey.cut_results r
left join survey.sample_members m using (sample, object_id)
where (r.first_failed_cut is null) <> (m.object_id is not null)
union all
select m.sample, m.object_id, 'not in survey.galaxies'
from survey.sample_members m
anti join survey.galaxies g using (object_id);
