-- makes: model.candidates, the anomaly candidates of the best checkpoints
-- reads: model.above_threshold, model.checkpoints, model.outlier_bands, model.runs, survey.bands, survey.classes, survey.galaxies
-- paper: section 3.2 and table 3
-- stage: candidates
-- The scores of each band are columns here (s_anom_g, residual_g, sigma_g ...), whatever the survey's bands are.
create or replace table model.candidates as
with per_band as (
    select sample, aperture, checkpoint_id, object_id, 's_anom_' || band as name, s_anom as value
    from model.outlier_bands
    where is_candidate
    union all
    select sample, aperture, checkpoint_id, object_id, 'residual_' || band, residual_flux
    from model.outlier_bands
    where is_candidate
    union all
    select sample, aperture, checkpoint_id, object_id, 'sigma_' || band, sigma
    from model.outlier_bands
    where is_candidate
),
wide as (
    pivot per_band
    on name in (
        select quantity || '_' || band
        from (values (1, 's_anom'), (2, 'residual'), (3, 'sigma')) quantities(quantity_position, quantity)
        cross join survey.bands
        order by quantity_position, position
    )
    using max(value)
    group by sample, aperture, checkpoint_id, object_id
)
select c.* exclude (s_anom, residual, sigma), w.* exclude (sample, aperture, checkpoint_id, object_id)
from candidates_from('model.outlier_bands') c
inner join wide w using (sample, aperture, checkpoint_id, object_id)
order by c.sample, c.aperture, c.object_id;
