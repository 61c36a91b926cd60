-- shows: the 20 strangest galaxies, and how many of the checkpoints agree
-- paper: section 4.4
select sample, object_id, ra, dec, bands, max_level, max_sigma, class, milliquas_class, n_checkpoints_selecting
from model.candidates
where aperture = 'disc'
order by max_sigma desc, n_checkpoints_selecting desc, object_id
limit 20;
