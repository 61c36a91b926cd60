-- makes: model.selection_rates, the share of each class that a checkpoint selects, with Wilson's 95 % bounds
-- reads: model.above_threshold, model.selection_scores, survey.classes, survey.sample_members
-- paper: sections 3.2, 4.1 and 4.2, appendix 1
-- stage: choose
-- An object is selected where any selection band selects it. Milliquas's classes leave the DR16Q quasars out (table 4).
create or replace table model.selection_rates as
with memberships as (
    select object_id, 'all' as class from survey.classes
    union all
    select object_id, class from survey.classes
    union all
    select object_id, 'milliquas_' || milliquas_class
    from survey.classes
    where milliquas_class is not null and class <> 'dr16q'
),
scored_bands as (
    -- every object has every selection band: one band counts them
    select checkpoint_id, aperture, min(band) as band
    from model.selection_scores
    group by checkpoint_id, aperture
),
scored as (
    select s.checkpoint_id, s.aperture, s.object_id
    from model.selection_scores s
    inner join scored_bands b using (checkpoint_id, aperture, band)
),
totals as (
    select s.checkpoint_id, s.aperture, m.sample, c.class, count(*) as n
    from scored s
    inner join survey.sample_members m using (object_id)
    inner join memberships c using (object_id)
    group by s.checkpoint_id, s.aperture, m.sample, c.class
),
selected as (
    select distinct checkpoint_id, aperture, sample, object_id
    from model.above_threshold
    where is_selected
),
selections as (
    select s.checkpoint_id, s.aperture, s.sample, c.class, count(*) as n_selected
    from selected s
    inner join memberships c using (object_id)
    group by s.checkpoint_id, s.aperture, s.sample, c.class
)
select
    t.checkpoint_id,
    t.aperture,
    t.sample,
    t.class,
    t.n,
    coalesce(s.n_selected, 0) as n_selected,
    coalesce(s.n_selected, 0) / t.n as rate,
    wilson_lower(coalesce(s.n_selected, 0), t.n) as rate_lower,
    wilson_upper(coalesce(s.n_selected, 0), t.n) as rate_upper
from totals t
left join selections s using (checkpoint_id, aperture, sample, class);
