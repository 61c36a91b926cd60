-- shows: the most significant candidates that no catalogue of quasars, AGNs or emission lines explains
-- paper: sections 4.2 and 5 ("new quasars and AGNs that are still unidentified")
select c.object_id, c.ra, c.dec, g.redshift, c.bands, c.max_level, c.max_sigma, c.n_checkpoints_selecting
from model.candidates c
inner join survey.galaxies g using (object_id)
anti join (from survey.matches where catalog in ('dr16q', 'milliquas')) m using (object_id)
where c.aperture = 'disc' and c.class in ('training', 'other_specz')
order by c.max_sigma desc, c.object_id
limit 20;
