-- makes: model.published, the checkpoint whose results the paper's figures and tables show: the experiment's best, per sample (view)
-- reads: model.best_checkpoint
-- paper: appendix 1
-- stage: choose
-- A workspace may hold further experiments (table 5); setting experiment names the one that is published.
create or replace view model.published as
select sample, experiment, checkpoint_id, rule, median_checkpoint_id
from model.best_checkpoint
where aperture = 'disc' and experiment = setting_text('experiment');
