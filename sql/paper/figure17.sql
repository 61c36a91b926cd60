-- makes: paper.figure17, the 25 galaxies of each selection band with a negative residual and the largest score in it
-- reads: model.judged_scores, survey.galaxies
-- paper: figure 17 (the r band), appendix 2
-- stage: paper
create or replace table paper.figure17 as
with negative as (
    select
        *,
        row_number() over (
            partition by sample, checkpoint_id, band
            order by s_anom desc, object_id
        ) as place
    from model.judged_scores
    where is_selection_band and level is not null and residual_flux <= 0
),
over_bands as (
    select
        sample,
        checkpoint_id,
        object_id,
        count(*) filter (where residual_flux > 0) as n_positive_bands,
        bool_or(is_selected) as is_candidate
    from model.judged_scores
    group by sample, checkpoint_id, object_id
)
select
    n.sample,
    n.checkpoint_id,
    n.band as selection_band,
    cast(n.place as integer) as place,
    n.object_id,
    g.ra,
    g.dec,
    g.redshift,
    n.s_anom,
    n.residual_flux,
    n.sigma,
    n.level,
    n.n_clipped,
    b.n_positive_bands,
    b.is_candidate
from negative n
inner join survey.galaxies g using (object_id)
inner join over_bands b using (sample, checkpoint_id, object_id)
where n.place <= 25
order by n.sample, n.checkpoint_id, n.position, n.place;
