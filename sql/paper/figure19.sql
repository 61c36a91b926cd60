-- makes: paper.figure19, the most anomalous galaxies of the colour sample, by band, the highest score first
-- reads: model.candidates, model.judged_scores, model.published, model.thresholds, survey.galaxies
-- paper: figure 19, appendix 3
-- stage: paper
-- Selected at 3.5 sigma (top 0.0465 %). Where that is less than one object of the sample, at the highest level that is
-- at least one: `level_shown` says which. Without the colour sample (setting samples) there are no rows.
create or replace table paper.figure19 as
with levels as (
    select t.sample, t.checkpoint_id, max(cast(replace(t.level, 'sigma', '') as double)) as shown
    from model.thresholds t
    inner join model.published p using (sample, checkpoint_id)
    where t.aperture = 'disc' and t.sample = 'colour' and t.n_wanted > 0
    group by t.sample, t.checkpoint_id
)
select
    s.sample,
    s.checkpoint_id,
    s.band as selection_band,
    cast(row_number() over (
        partition by s.sample, s.checkpoint_id, s.band order by s.s_anom desc, s.object_id
    ) as integer) as place,
    s.object_id,
    g.ra,
    g.dec,
    s.s_anom,
    s.residual_flux,
    s.sigma,
    s.level,
    case l.shown when 3.5 then '3.5sigma' when 3 then '3sigma' else '2sigma' end as level_shown,
    c.bands
from model.judged_scores s
inner join levels l using (sample, checkpoint_id)
inner join survey.galaxies g using (object_id)
left join model.candidates c
    on c.sample = s.sample
    and c.checkpoint_id = s.checkpoint_id
    and c.aperture = 'disc'
    and c.object_id = s.object_id
where s.is_selected and cast(replace(s.level, 'sigma', '') as double) >= l.shown
order by s.sample, s.checkpoint_id, s.position, place;
