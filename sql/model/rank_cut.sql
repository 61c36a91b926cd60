-- makes: model.rank_cut, every object and selection band over the 2 sigma threshold, of all checkpoints and apertures scored (view)
-- reads: model.above_threshold, model.best_above_threshold
-- paper: section 3.2
-- stage: candidates
create or replace view model.rank_cut as
select * from model.above_threshold
union all
select * from model.best_above_threshold;
