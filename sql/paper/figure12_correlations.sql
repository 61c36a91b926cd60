-- makes: paper.figure12_correlations, Spearman's coefficient of score and magnitude (figure 12), and of score and EW_band (figure 11)
-- reads: model.rank_correlations, survey.bands
-- paper: figure 12, section 4.3 ("could not derive any correlation")
-- stage: paper
create or replace table paper.figure12_correlations as
select r.sample, r.checkpoint_id, r.band, r.quantity, r.n, r.rho, r.p_value
from model.rank_correlations r
inner join survey.bands b using (band)
order by r.sample, r.checkpoint_id, r.quantity desc, b.position;
