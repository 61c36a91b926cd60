-- makes: candidates_of(checkpoint_id, sample, aperture), the candidates of any checkpoint as model.candidates has the best's
-- reads: model.above_threshold, model.checkpoints, model.rank_cut, model.runs, model.scores, survey.bands, survey.classes, survey.galaxies
-- paper: section 3.2, appendix 1
create or replace macro candidates_of(of_checkpoint, of_sample, of_aperture) as table
with candidates_checkpoint as (
    select of_checkpoint as checkpoint_id, of_sample as sample, of_aperture as aperture
),
candidates_bands as (
    from outlier_bands_of('candidates_checkpoint')
)
from candidates_from('candidates_bands');
