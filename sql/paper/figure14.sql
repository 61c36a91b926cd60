-- makes: paper.figure14, the most anomalous galaxies: selected at 3 sigma (top 0.3 %), by band, the highest score first
-- reads: model.candidates, model.judged_scores, model.published, survey.galaxies
-- paper: figure 14
-- stage: paper
create or replace table paper.figure14 as
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
    g.redshift,
    s.s_anom,
    s.residual_flux,
    s.sigma,
    s.level,
    c.bands,
    c.class,
    c.milliquas_class
from model.judged_scores s
inner join model.published p using (sample, checkpoint_id)
inner join survey.galaxies g using (object_id)
left join model.candidates c
    on c.sample = s.sample
    and c.checkpoint_id = s.checkpoint_id
    and c.aperture = 'disc'
    and c.object_id = s.object_id
where s.is_selected and s.level in ('3sigma', '3.5sigma')
order by s.sample, s.checkpoint_id, s.position, place;
