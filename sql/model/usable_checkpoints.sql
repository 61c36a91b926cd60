-- makes: model.usable_checkpoints, the saved weights that are fit to score with (view)
-- reads: model.checkpoints, model.epochs, model.runs
-- paper: appendix 1, "epoch numbers 1-9 were excluded because they were at an insufficient stage of learning"
-- stage: train
-- The paper knows that by the epoch's number. A network whose validation loss is far above its training loss is at
-- such a stage too: BatchNorm's running statistics lag, and every blue compact galaxy looks anomalous. Setting
-- validation_loss_ratio_max, NULL: all are fit.
create or replace view model.usable_checkpoints as
with losses as (
    select
        c.checkpoint_id,
        c.run_id,
        c.epoch,
        c.path,
        e.train_loss,
        e.validation_loss
    from model.checkpoints c
    inner join model.epochs e using (run_id, epoch)
    inner join model.runs r using (run_id)
    where r.experiment = setting_text('experiment') or setting('score_all_experiments') = 1
)
select *
from losses
where setting('validation_loss_ratio_max') is null
    or coalesce(
        isfinite(validation_loss)
        and isfinite(train_loss)
        and validation_loss <= setting('validation_loss_ratio_max') * train_loss,
        false
    );
