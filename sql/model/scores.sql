-- makes: model.scores, all scores: those of every checkpoint in the selection bands and all others of the best (view)
-- reads: model.best_scores, model.selection_scores
-- paper: equation 6
-- stage: candidates
create or replace view model.scores as
select checkpoint_id, aperture, object_id, band, s_anom, residual_flux, n_pixels, n_clipped, n_guarded
from model.selection_scores
union all
select checkpoint_id, aperture, object_id, band, s_anom, residual_flux, n_pixels, n_clipped, n_guarded
from model.best_scores;
