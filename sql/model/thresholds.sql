-- makes: model.thresholds, the score from which an object is above a level (view)
-- reads: model.best_thresholds, model.selection_thresholds
-- paper: section 3.2, appendix 3
-- stage: candidates
create or replace view model.thresholds as
select * from model.selection_thresholds
union all
select * from model.best_thresholds;
