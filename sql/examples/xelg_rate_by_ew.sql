-- shows: the stronger the lines, the more XELGs are found
-- paper: section 4.1, figure 9
with binned as (
    select
        m.sample,
        case
            when l.xelg_ew < 100 then '0-100'
            when l.xelg_ew < 150 then '100-150'
            when l.xelg_ew < 250 then '150-250'
            when l.xelg_ew < 500 then '250-500'
            else '500 and more'
        end as ew_bin,
        min(l.xelg_ew) as ew_lowest,
        count(*) as n,
        count(k.object_id) as n_selected
    from survey.line_strengths l
    inner join survey.sample_members m using (object_id)
    left join (from model.candidates where aperture = 'disc') k on k.object_id = l.object_id and k.sample = m.sample
    where l.xelg_ew >= 0
    group by m.sample, ew_bin
)
select
    sample,
    ew_bin,
    n,
    n_selected,
    round(n_selected / n, 3) as rate,
    round(wilson_lower(n_selected, n), 3) as lower,
    round(wilson_upper(n_selected, n), 3) as upper
from binned
order by sample, ew_lowest;
