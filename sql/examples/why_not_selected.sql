-- shows: how far the XELGs that were missed stay below the threshold, band by band
-- paper: section 4.1
with best as (
    select sample, checkpoint_id from model.published
),
missed as (
    select m.sample, c.object_id
    from survey.classes c
    inner join survey.sample_members m using (object_id)
    anti join (from model.candidates where aperture = 'disc') k on k.object_id = c.object_id and k.sample = m.sample
    where c.class = 'xelg'
)
select
    s.object_id,
    s.band,
    round(s.s_anom, 5) as s_anom,
    round(t.s_anom_min, 5) as threshold,
    round(s.s_anom / t.s_anom_min, 2) as share_of_threshold,
    round(s.residual_flux, 4) as residual_flux,
    case when s.s_anom < t.s_anom_min then 'below the threshold' else 'negative residual' end as because,
    round(l.ew_band, 1) as ew_band
from missed m
inner join best b using (sample)
inner join model.scores s
    on s.checkpoint_id = b.checkpoint_id and s.aperture = 'disc' and s.object_id = m.object_id
inner join model.thresholds t
    on t.checkpoint_id = b.checkpoint_id
    and t.aperture = 'disc'
    and t.sample = m.sample
    and t.band = s.band
    and t.level = '2sigma'
inner join survey.bands v on v.band = s.band and v.is_selection_band
left join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
order by share_of_threshold desc, s.object_id, s.band
limit 30;
