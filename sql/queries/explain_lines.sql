-- makes: the line strengths that decide the class of the object $1
-- reads: survey.line_strengths
-- paper: section 2.2
select ew_oii, ew_hbeta_oiii, ew_halpha_nii, xelg_ew, xelg_group, setting('xelg_ew_min') as xelg_ew_min, bptclass
from survey.line_strengths
where object_id = $1;
