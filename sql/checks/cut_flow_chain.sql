-- makes: steps of the cut flow that do not continue the one before, and ends that are not the sample's size
-- reads: survey.cut_flow, survey.parents, survey.sample_members
-- paper: sections 2.1 and 2.2
with steps as (
    select
        sample,
        step,
        n_before,
        n_after,
        coalesce(
            lag(n_after) over (partition by sample order by step),
            (select count(*) from survey.parents)
        ) as n_expected
    from survey.cut_flow
),
ends as (
    select sample, min(n_after) as n_after from survey.cut_flow group by sample
),
members as (
    select sample, count(*) as n from survey.sample_members group by sample
)
select sample, step, n_before, n_expected, n_after from steps where n_before <> n_expected or n_after > n_before
union all
select e.sample, null, null, coalesce(m.n, 0), e.n_after
from ends e
left join members m using (sample)
where e.n_after <> coalesce(m.n, 0);
