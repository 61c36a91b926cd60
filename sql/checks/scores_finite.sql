-- makes: scores that are not finite, or negative (a sum of squares is not)
-- reads: model.selection_scores
-- paper: equation 6
select checkpoint_id, aperture, object_id, band, s_anom, residual_flux
from model.selection_scores
where not coalesce(isfinite(s_anom) and s_anom >= 0 and isfinite(residual_flux), false)
limit 20;
