-- makes: outlier_bands_of(checkpoints_table), all bands of the objects over the threshold, with their sigma labels
-- reads: model.rank_cut, model.scores, survey.bands, survey.classes
-- paper: section 3.2, figure 6
-- The table by name: its columns checkpoint_id, sample and aperture say of which checkpoints.
create or replace macro outlier_bands_of(checkpoints_table) as table
with outlier_wanted as (
    select distinct checkpoint_id, sample, aperture from query_table(checkpoints_table)
),
outlier_cut as (
    select r.*
    from model.rank_cut r
    inner join outlier_wanted w using (checkpoint_id, sample, aperture)
),
outlier_objects as (
    select checkpoint_id, aperture, sample, object_id, bool_or(is_selected) as is_candidate
    from outlier_cut
    group by checkpoint_id, aperture, sample, object_id
),
outlier_scores as (
    select o.*, s.band, s.s_anom, s.residual_flux, s.n_clipped, s.n_guarded
    from outlier_objects o
    inner join model.scores s using (checkpoint_id, aperture, object_id)
),
-- ambiguity 28: sigma labels come from the training galaxies' distribution, p = (1 + #{training >= s}) / (N + 1)
outlier_training as (
    select
        s.checkpoint_id,
        s.aperture,
        s.band,
        s.s_anom,
        count(*) over (
            partition by s.checkpoint_id, s.aperture, s.band
            order by s.s_anom desc range between unbounded preceding and current row
        ) as n_at_or_above
    from model.scores s
    semi join outlier_wanted w on w.checkpoint_id = s.checkpoint_id and w.aperture = s.aperture
    semi join (select object_id from survey.classes where is_training) c on c.object_id = s.object_id
),
outlier_steps as (
    select checkpoint_id, aperture, band, s_anom, max(n_at_or_above) as n_at_or_above
    from outlier_training
    group by checkpoint_id, aperture, band, s_anom
),
outlier_totals as (
    select checkpoint_id, aperture, band, max(n_at_or_above) as n_training
    from outlier_steps
    group by checkpoint_id, aperture, band
),
outlier_ranked as (
    select
        s.*,
        -- the nearest training score at or above this one knows how many there are; none above: 0
        (1 + coalesce(t.n_at_or_above, 0)) as n_as_extreme
    from outlier_scores s
    asof left join outlier_steps t
        on s.checkpoint_id = t.checkpoint_id
        and s.aperture = t.aperture
        and s.band = t.band
        and s.s_anom <= t.s_anom
)
select
    r.checkpoint_id,
    r.aperture,
    r.sample,
    r.object_id,
    r.band,
    b.position,
    b.is_selection_band,
    r.s_anom,
    r.residual_flux,
    r.n_clipped,
    r.n_guarded,
    normal_isf(r.n_as_extreme / (n.n_training + 1) / 2) as sigma,
    c.level,
    coalesce(c.is_selected, false) as is_selected,
    r.is_candidate
from outlier_ranked r
inner join survey.bands b using (band)
left join outlier_totals n using (checkpoint_id, aperture, band)
left join outlier_cut c using (checkpoint_id, aperture, sample, object_id, band);
