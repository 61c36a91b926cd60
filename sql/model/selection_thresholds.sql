-- makes: model.selection_thresholds, thresholds of every checkpoint in the selection bands
-- reads: model.selection_scores, survey.sample_members
-- paper: section 3.2, appendices 1 and 3
-- stage: choose
create or replace table model.selection_thresholds as
from thresholds_of('model.selection_scores');
