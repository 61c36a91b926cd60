-- makes: the cut flow as the summary prints it: how many each cut leaves
-- reads: survey.cut_flow
-- paper: sections 2.1 and 2.2
select sample, step, cut, n_before, n_after, n_before - n_after as n_dropped, section
from survey.cut_flow
order by sample = 'colour', sample, step;
