-- shows: how many objects each cut leaves
-- paper: sections 2.1 and 2.2
select sample, step, cut, lower_limit, upper_limit, unit, n_before, n_after, n_before - n_after as n_lost
from survey.cut_flow
order by sample, step;
