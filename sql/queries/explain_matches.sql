-- makes: the catalogue sources within the match radius of the object $1
-- reads: survey.matches
-- paper: sections 2.2 and 4.2
select catalog, source_id, separation_arcsec, rank, n_within_radius, n_galaxies_claiming
from survey.matches
where object_id = $1
order by catalog, rank;
