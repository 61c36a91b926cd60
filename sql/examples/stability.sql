-- shows: how many candidates stay candidates when the network is trained again
-- paper: appendix 1 (480 sets of weights)
with counted as (
    select sample, n_checkpoints_selecting / n_checkpoints as share
    from model.candidates
    inner join (from model.best_checkpoint) b using (sample, aperture, checkpoint_id)
    where aperture = 'disc'
)
select
    sample,
    count(*) as n_candidates,
    count(*) filter (where share = 1) as by_all,
    count(*) filter (where share >= 0.5) as by_half,
    count(*) filter (where share < 0.1) as by_a_tenth_or_fewer,
    round(median(share), 3) as median_share
from counted
group by sample
order by sample;
