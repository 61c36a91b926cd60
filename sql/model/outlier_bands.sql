-- makes: model.outlier_bands, all bands of the best checkpoints' objects over the threshold, candidates or not
-- reads: model.best_checkpoint, model.rank_cut, model.scores, survey.bands, survey.classes
-- paper: section 3.2, figure 6, appendix 2
-- stage: candidates
create or replace table model.outlier_bands as
from outlier_bands_of('model.best_checkpoint');
