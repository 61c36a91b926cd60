-- makes: bands in which candidates + negative residuals are not the rank cut
-- reads: model.best_checkpoint, model.candidates, model.negative_residuals, model.thresholds, survey.bands
-- paper: section 3.2, appendix 2; 2461 + 8 = 2147 + 322 = 2455 + 14 (ambiguity 24)
-- after: model.candidates
with best as (
    select distinct sample, aperture, checkpoint_id
    from model.best_checkpoint
    where experiment = setting_text('experiment')
),
cuts as (
    select t.sample, t.aperture, t.checkpoint_id, t.band, t.n_above
    from model.thresholds t
    inner join best b using (sample, aperture, checkpoint_id)
    semi join (select band from survey.bands where is_selection_band) s using (band)
    where t.level = '2sigma'
),
selected as (
    select sample, aperture, checkpoint_id, unnest(string_split(bands, '&')) as band from model.candidates
),
candidates as (
    select sample, aperture, checkpoint_id, band, count(*) as n
    from selected
    group by sample, aperture, checkpoint_id, band
),
negatives as (
    select sample, aperture, checkpoint_id, band, count(*) as n
    from model.negative_residuals
    group by sample, aperture, checkpoint_id, band
)
select
    t.sample,
    t.aperture,
    t.checkpoint_id,
    t.band,
    t.n_above,
    coalesce(c.n, 0) as n_candidates,
    coalesce(n.n, 0) as n_negative
from cuts t
full join candidates c using (sample, aperture, checkpoint_id, band)
full join negatives n using (sample, aperture, checkpoint_id, band)
where coalesce(t.n_above, 0) <> coalesce(c.n, 0) + coalesce(n.n, 0);
