-- makes: the best checkpoint of each sample and how it compares with the median of all, for the summary
-- reads: model.best_checkpoint
-- paper: appendix 1
select
    sample,
    checkpoint_id,
    rule,
    n_checkpoints,
    rate_dr16q,
    median_rate_dr16q,
    rate_xelg,
    median_rate_xelg,
    rate_all,
    median_rate_all,
    validation_loss
from model.best_checkpoint
where aperture = 'disc' and experiment = setting_text('experiment')
order by sample = 'colour', sample;
