-- makes: model.above_threshold, the rank cut at every checkpoint in the disc: who is over the 2 sigma threshold of a selection band
-- reads: model.selection_scores, model.selection_thresholds, survey.bands, survey.sample_members
-- paper: section 3.2, appendix 1
-- stage: choose
create or replace table model.above_threshold as
from rank_cut_of('model.selection_scores', 'model.selection_thresholds');
