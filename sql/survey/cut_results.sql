-- makes: survey.cut_results, the first cut that each object fails in each sample (NULL: it is a member)
-- reads: survey.cut_values, survey.cuts, survey.parents
-- paper: sections 2.1 and 2.2, appendix 3
create or replace table survey.cut_results as
with failed as (
    select sample, object_id, min(step) as first_failed_step, count(*) as n_failed
    from survey.cut_values
    where not is_kept
    group by sample, object_id
),
samples as (
    select distinct sample from survey.cuts
),
judged as (
    select s.sample, p.object_id, f.first_failed_step, coalesce(f.n_failed, 0) as n_failed
    from survey.parents p
    cross join samples s
    left join failed f on f.sample = s.sample and f.object_id = p.object_id
)
select
    j.sample,
    j.object_id,
    c.cut as first_failed_cut,
    j.first_failed_step,
    j.n_failed
from judged j
left join survey.cuts c on c.sample = j.sample and c.step = j.first_failed_step;
