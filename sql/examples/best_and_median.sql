-- shows: what the choice of the best checkpoint by its labels adds to the rates
-- paper: appendix 1, figure 16
select
    sample,
    checkpoint_id,
    rule,
    n_checkpoints,
    round(rate_dr16q, 3) as rate_dr16q,
    round(median_rate_dr16q, 3) as median_rate_dr16q,
    round(rate_xelg, 3) as rate_xelg,
    round(median_rate_xelg, 3) as median_rate_xelg,
    round(rate_all, 3) as rate_all,
    round(median_rate_all, 3) as median_rate_all
from model.best_checkpoint
where aperture = 'disc'
order by sample, checkpoint_id;
