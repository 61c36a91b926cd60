-- makes: survey.sample_members, who is in which sample
-- reads: survey.cut_results
-- paper: section 2.2, appendix 3
create or replace table survey.sample_members as
select sample, object_id
from survey.cut_results
where first_failed_cut is null;
