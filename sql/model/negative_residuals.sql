-- makes: model.negative_residuals, what is over the threshold of a band but fainter than its reconstruction there
-- reads: model.outlier_bands, survey.classes, survey.galaxies
-- paper: appendix 2
-- stage: candidates
create or replace table model.negative_residuals as
with over_bands as (
    select sample, aperture, checkpoint_id, object_id, count(*) filter (where residual_flux > 0) as n_positive_bands
    from model.outlier_bands
    group by sample, aperture, checkpoint_id, object_id
)
select
    o.sample,
    o.aperture,
    o.checkpoint_id,
    o.object_id,
    g.ra,
    g.dec,
    o.band,
    o.s_anom,
    o.residual_flux,
    o.sigma,
    o.level,
    o.n_clipped,
    o.is_candidate,
    b.n_positive_bands,
    c.class,
    c.milliquas_class
from model.outlier_bands o
inner join over_bands b using (sample, aperture, checkpoint_id, object_id)
inner join survey.galaxies g using (object_id)
left join survey.classes c using (object_id)
where o.level is not null and not o.is_selected;
