-- makes: paper.figure11, score against EW_band: the galaxies that are drawn one by one (selected, XELG, AGN or quasar)
-- reads: model.judged_scores, survey.active_nuclei, survey.band_line_strengths, survey.classes
-- paper: figure 11
-- stage: paper
-- All galaxies with EWs, these included, are counted in paper.figure11_density.
create or replace table paper.figure11 as
select
    s.sample,
    s.checkpoint_id,
    s.band,
    s.object_id,
    l.ew_band,
    s.s_anom,
    s.sigma,
    s.level,
    s.is_selected,
    coalesce(c.class = 'xelg', false) as is_xelg,
    a.object_id is not null as is_agn,
    s.limit_2sigma,
    s.limit_3sigma
from model.judged_scores s
inner join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
left join survey.classes c on c.object_id = s.object_id
left join survey.active_nuclei a on a.object_id = s.object_id
where s.is_selection_band
    and l.ew_band is not null
    and (s.is_selected or c.class = 'xelg' or a.object_id is not null)
order by s.sample, s.checkpoint_id, s.position, s.object_id;
