-- makes: model.best_thresholds, thresholds of the best checkpoints in all other bands and apertures
-- reads: model.best_scores, survey.sample_members
-- paper: section 3.2, appendix 3
-- stage: candidates
create or replace table model.best_thresholds as
from thresholds_of('model.best_scores');
