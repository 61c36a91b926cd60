-- makes: paper.figure12, score against magnitude: the galaxies that are drawn one by one (selected, XELG, AGN or quasar)
-- reads: model.judged_scores, survey.active_nuclei, survey.classes, survey.photometry
-- paper: figure 12
-- stage: paper
-- All galaxies, these included, are counted in paper.figure12_density; Spearman's coefficients are in
-- paper.figure12_correlations.
create or replace table paper.figure12 as
select
    s.sample,
    s.checkpoint_id,
    s.band,
    s.object_id,
    p.cmodel_mag as magnitude,
    s.s_anom,
    s.sigma,
    s.level,
    s.is_selected,
    coalesce(c.class = 'xelg', false) as is_xelg,
    a.object_id is not null as is_agn,
    s.limit_2sigma,
    s.limit_3sigma
from model.judged_scores s
inner join survey.photometry p on p.object_id = s.object_id and p.band = s.band
left join survey.classes c on c.object_id = s.object_id
left join survey.active_nuclei a on a.object_id = s.object_id
where s.is_selection_band
    and p.cmodel_mag is not null
    and (s.is_selected or c.class = 'xelg' or a.object_id is not null)
order by s.sample, s.checkpoint_id, s.position, s.object_id;
