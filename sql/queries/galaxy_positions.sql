-- makes: where the galaxies of the samples are, for archives that are asked by position
-- reads: survey.galaxies
-- paper: section 2.2
select ra, dec
from survey.galaxies
order by object_id;
