-- makes: paper.figure7, 25 candidates of each selection band
-- reads: model.candidates, model.judged_scores, model.published, survey.galaxies
-- paper: figure 7
-- stage: paper
-- "Randomly selected": in the order of a checksum of the id, so that everyone draws the same.
create or replace table paper.figure7 as
with drawn as (
    select
        *,
        row_number() over (
            partition by sample, checkpoint_id, band
            order by md5(cast(object_id as varchar)), object_id
        ) as place
    from model.judged_scores
    where is_selected
)
select
    d.sample,
    d.checkpoint_id,
    d.band as selection_band,
    cast(d.place as integer) as place,
    d.object_id,
    g.ra,
    g.dec,
    g.redshift,
    d.s_anom,
    d.residual_flux,
    d.sigma,
    d.level,
    c.bands,
    c.class,
    c.milliquas_class
from drawn d
inner join survey.galaxies g using (object_id)
inner join model.published p using (sample, checkpoint_id)
left join model.candidates c
    on c.sample = d.sample
    and c.checkpoint_id = d.checkpoint_id
    and c.aperture = 'disc'
    and c.object_id = d.object_id
where d.place <= 25
order by d.sample, d.checkpoint_id, d.position, d.place;
