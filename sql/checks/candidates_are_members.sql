-- makes: candidates that are not members of their sample, or whose scores do not say that they are candidates
-- reads: model.candidates, model.outlier_bands, survey.sample_members
-- paper: section 3.2
-- after: model.candidates
select c.sample, c.object_id, 'not a member' as fault
from model.candidates c
anti join survey.sample_members m on m.sample = c.sample and m.object_id = c.object_id
union all
select o.sample, o.object_id, 'selected without a positive residual over the threshold'
from model.outlier_bands o
where o.is_selected and not coalesce(o.residual_flux > 0 and o.level is not null and o.is_selection_band, false);
