-- makes: as what the object $1 was selected
-- reads: model.candidates
-- paper: sections 3.2 and 4.1
select sample, aperture, checkpoint_id, bands, max_level, class, n_checkpoints_selecting
from model.candidates
where object_id = $1
order by sample, array_position(['disc', 'annulus', 'stamp'], aperture);
