-- makes: model.best_above_threshold, the rank cut of the best checkpoints in the other apertures
-- reads: model.best_scores, model.best_thresholds, survey.bands, survey.sample_members
-- paper: section 3.2 ("the area A' can be varied")
-- stage: candidates
create or replace table model.best_above_threshold as
from rank_cut_of('model.best_scores', 'model.best_thresholds');
