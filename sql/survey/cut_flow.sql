-- makes: survey.cut_flow, how many objects each cut of a sample leaves
-- reads: survey.cut_results, survey.cuts
-- paper: sections 2.1 and 2.2, appendix 3
create or replace table survey.cut_flow as
with failures as (
    select sample, first_failed_step as step, count(*) as n_failed
    from survey.cut_results
    group by sample, first_failed_step
),
totals as (
    select sample, sum(n_failed) as n_objects from failures group by sample
),
counted as (
    select c.*, coalesce(f.n_failed, 0) as n_failed, coalesce(t.n_objects, 0) as n_objects
    from survey.cuts c
    left join failures f using (sample, step)
    left join totals t using (sample)
),
summed as (
    select *, sum(n_failed) over (partition by sample order by step) as n_failed_so_far
    from counted
)
select
    sample,
    step,
    cut,
    cast(n_objects - n_failed_so_far + n_failed as bigint) as n_before,
    cast(n_objects - n_failed_so_far as bigint) as n_after,
    quantity,
    lower_limit,
    upper_limit,
    unit,
    section
from summed
order by sample, step;
