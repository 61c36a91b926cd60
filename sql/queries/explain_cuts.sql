-- makes: every cut of every sample with the value of the object $1, in order
-- reads: survey.cut_values
-- paper: sections 2.1 and 2.2, appendix 3
select sample, step, cut, quantity, value, lower_limit, upper_limit, is_strict, unit, is_kept, section
from survey.cut_values
where object_id = $1
order by sample, step;
