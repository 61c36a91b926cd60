-- makes: model.outlier_bands, all bands of the published experiment's objects over the threshold, candidates or not
-- reads: model.best_checkpoint, model.rank_cut, model.scores, survey.bands, survey.classes
-- paper: section 3.2, figure 6, appendix 2
-- stage: candidates
-- Those of another experiment are candidates_of(checkpoint_id, sample, aperture).
create or replace table model.outlier_bands as
with published_checkpoints as (
    select checkpoint_id, sample, aperture from model.best_checkpoint where experiment = setting_text('experiment')
)
from outlier_bands_of('published_checkpoints');
