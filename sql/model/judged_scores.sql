-- makes: model.judged_scores, every galaxy and band at the published checkpoint, in the disc: score, sigma and verdict
-- reads: model.published, model.scores, model.thresholds, survey.bands, survey.classes, survey.sample_members
-- paper: section 3.2; what figures 5 to 13 are counted from
-- stage: candidates
create or replace table model.judged_scores as
with limits as (
    select
        t.sample,
        t.checkpoint_id,
        t.band,
        max(t.s_anom_min) filter (where t.level = '2sigma') as limit_2sigma,
        max(t.s_anom_min) filter (where t.level = '3sigma') as limit_3sigma,
        max(t.s_anom_min) filter (where t.level = '3.5sigma') as limit_3_5sigma
    from model.thresholds t
    inner join model.published p using (sample, checkpoint_id)
    where t.aperture = 'disc'
    group by t.sample, t.checkpoint_id, t.band
),
scored as (
    select p.sample, s.checkpoint_id, s.object_id, s.band, s.s_anom, s.residual_flux, s.n_clipped
    from model.scores s
    inner join model.published p using (checkpoint_id)
    inner join survey.sample_members m on m.sample = p.sample and m.object_id = s.object_id
    where s.aperture = 'disc'
),
-- ambiguity 28: sigma labels come from the training galaxies' distribution, p = (1 + #{training >= s}) / (N + 1)
training as (
    select
        checkpoint_id,
        band,
        s_anom,
        count(*) over (
            partition by checkpoint_id, band
            order by s_anom desc range between unbounded preceding and current row
        ) as n_at_or_above
    from (
        select distinct s.checkpoint_id, s.band, s.object_id, s.s_anom
        from model.scores s
        semi join model.published p on p.checkpoint_id = s.checkpoint_id
        semi join (select object_id from survey.classes where is_training) c on c.object_id = s.object_id
        where s.aperture = 'disc'
    )
),
steps as (
    select checkpoint_id, band, s_anom, max(n_at_or_above) as n_at_or_above
    from training
    group by checkpoint_id, band, s_anom
),
totals as (
    select checkpoint_id, band, max(n_at_or_above) as n_training
    from steps
    group by checkpoint_id, band
),
ranked as (
    select s.*, 1 + coalesce(t.n_at_or_above, 0) as n_as_extreme
    from scored s
    asof left join steps t
        on s.checkpoint_id = t.checkpoint_id and s.band = t.band and s.s_anom <= t.s_anom
)
select
    r.sample,
    r.checkpoint_id,
    r.object_id,
    r.band,
    b.position,
    b.is_selection_band,
    r.s_anom,
    r.residual_flux,
    r.n_clipped,
    normal_isf(r.n_as_extreme / (n.n_training + 1) / 2) as sigma,
    case
        when r.s_anom >= l.limit_3_5sigma then '3.5sigma'
        when r.s_anom >= l.limit_3sigma then '3sigma'
        when r.s_anom >= l.limit_2sigma then '2sigma'
    end as level,
    coalesce(b.is_selection_band and r.s_anom >= l.limit_2sigma and r.residual_flux > 0, false) as is_selected,
    l.limit_2sigma,
    l.limit_3sigma,
    l.limit_3_5sigma
from ranked r
inner join survey.bands b using (band)
left join limits l using (sample, checkpoint_id, band)
left join totals n using (checkpoint_id, band);
