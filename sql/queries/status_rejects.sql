-- makes: what was left out, by stage and reason, for `swimmy status`
-- reads: meta.rejects
-- paper: none
select stage, reason, count(*) as n, count(distinct object_id) as n_objects
from meta.rejects
group by stage, reason
order by stage, n desc, reason;
