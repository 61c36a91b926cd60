-- makes: the objects of sample $1 by how far the central disc stands out, for the best checkpoint of experiment $2
-- reads: model.best_checkpoint, model.checkpoints, model.scores, model.thresholds, survey.bands, survey.photometry
-- paper: section 3.2
-- `excess`: score over threshold in the selection band where that is largest; 0 where light is lacking, not in excess.
with best as (
    select b.sample, b.aperture, b.checkpoint_id, c.path
    from model.best_checkpoint b
    inner join model.checkpoints c using (checkpoint_id)
    where b.sample = $1 and b.experiment = $2 and b.aperture = 'disc'
),
excesses as (
    select
        b.path,
        s.object_id,
        s.band,
        s.s_anom,
        case when s.residual_flux > 0 then s.s_anom / t.s_anom_min else 0 end as excess
    from best b
    inner join model.scores s using (checkpoint_id, aperture)
    inner join model.thresholds t using (checkpoint_id, aperture, sample, band)
    inner join survey.bands d using (band)
    where t.level = '2sigma' and d.is_selection_band
),
galaxies as (
    select
        path,
        object_id,
        max(excess) as excess,
        arg_max(band, excess) as band,
        arg_max(s_anom, excess) as s_anom
    from excesses
    group by path, object_id
)
select g.object_id, g.excess, g.band, g.s_anom, p.cmodel_mag as magnitude, g.path
from galaxies g
left join survey.photometry p on p.object_id = g.object_id and p.band = setting_text('magnitude_band')
order by g.excess desc, g.object_id;
