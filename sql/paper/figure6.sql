-- makes: paper.figure6, 15 galaxies each of the training data, the DR16Q quasars and the XELGs, with their sigmas
-- reads: model.judged_scores, survey.classes, survey.galaxies
-- paper: figure 6
-- stage: paper
-- "Randomly selected": in the order of a checksum of the id, so that everyone draws the same.
create or replace table paper.figure6 as
with panels(panel, panel_position) as (
    values ('training', 1), ('dr16q', 2), ('xelg', 3)
),
members as (
    select object_id, 'training' as panel from survey.classes where is_training
    union all
    select object_id, class from survey.classes where class in ('dr16q', 'xelg')
),
drawn as (
    select
        s.sample,
        s.checkpoint_id,
        p.panel,
        p.panel_position,
        s.object_id,
        row_number() over (
            partition by s.sample, s.checkpoint_id, p.panel
            order by md5(cast(s.object_id as varchar)), s.object_id
        ) as place
    from (select distinct sample, checkpoint_id, object_id from model.judged_scores) s
    inner join members m using (object_id)
    inner join panels p using (panel)
)
select
    d.sample,
    d.checkpoint_id,
    d.panel,
    cast(d.place as integer) as place,
    d.object_id,
    g.ra,
    g.dec,
    g.redshift,
    s.band,
    s.is_selection_band,
    s.s_anom,
    s.residual_flux,
    s.sigma,
    s.is_selected
from drawn d
inner join model.judged_scores s using (sample, checkpoint_id, object_id)
inner join survey.galaxies g using (object_id)
where d.place <= 15
order by d.sample, d.checkpoint_id, d.panel_position, d.place, s.position;
