-- makes: number of candidates in the disc by sample and highest level, for the summary
-- reads: model.candidates
-- paper: sections 3.2 and 4.1
select sample, max_level, count(*) as n_candidates
from model.candidates
where aperture = 'disc'
group by sample, max_level
order by sample = 'colour', sample, max_level;
