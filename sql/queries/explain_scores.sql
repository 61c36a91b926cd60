-- makes: the scores of the object $1 by the published checkpoint, against the thresholds of its samples
-- reads: model.best_checkpoint, model.scores, model.thresholds, survey.bands, survey.sample_members
-- paper: section 3.2
with limits as (
    select
        checkpoint_id,
        aperture,
        sample,
        band,
        max(s_anom_min) filter (where level = '2sigma') as s_anom_2sigma,
        max(s_anom_min) filter (where level = '3sigma') as s_anom_3sigma
    from model.thresholds
    group by checkpoint_id, aperture, sample, band
)
select
    b.sample,
    b.aperture,
    s.band,
    case
        when not d.is_selection_band then 'not a selection band'
        when l.s_anom_2sigma is null then 'no threshold'
        when s.s_anom < l.s_anom_2sigma then 'below 2 sigma'
        when s.residual_flux <= 0 then 'above, but a negative residual'
        when s.s_anom >= l.s_anom_3sigma then 'selected, 3 sigma'
        else 'selected, 2 sigma'
    end as judgement,
    s.s_anom,
    l.s_anom_2sigma,
    l.s_anom_3sigma,
    s.residual_flux,
    b.checkpoint_id
from model.best_checkpoint b
inner join survey.sample_members m on m.sample = b.sample and m.object_id = $1
inner join model.scores s on s.checkpoint_id = b.checkpoint_id and s.aperture = b.aperture and s.object_id = $1
inner join survey.bands d on d.band = s.band
left join limits l
    on l.checkpoint_id = b.checkpoint_id and l.aperture = b.aperture and l.sample = b.sample and l.band = s.band
where b.experiment = setting_text('experiment')
order by b.sample, array_position(['disc', 'annulus', 'stamp'], b.aperture), d.position;
