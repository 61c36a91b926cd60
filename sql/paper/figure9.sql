-- makes: paper.figure9, the XELGs of each selection band from the strongest lines down: selected, not selected, and the rate so far
-- reads: model.judged_scores, survey.band_line_strengths, survey.classes
-- paper: figure 9
-- stage: paper
-- A band without a throughput curve has no EW_band and no row.
create or replace table paper.figure9 as
with xelgs as (
    select s.sample, s.checkpoint_id, s.band, s.position, s.object_id, l.ew_band, l.strongest_line, s.is_selected
    from model.judged_scores s
    inner join survey.classes c on c.object_id = s.object_id and c.class = 'xelg'
    inner join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
    where s.is_selection_band and l.ew_band is not null
),
counted as (
    select
        *,
        row_number() over (
            partition by sample, checkpoint_id, band
            order by ew_band desc, object_id
        ) as place,
        -- those of equal EW are counted together
        count(*) filter (where is_selected) over (
            partition by sample, checkpoint_id, band
            order by ew_band desc range between unbounded preceding and current row
        ) as n_selected_above,
        count(*) filter (where not is_selected) over (
            partition by sample, checkpoint_id, band
            order by ew_band desc range between unbounded preceding and current row
        ) as n_unselected_above,
        count(*) filter (where is_selected) over (partition by sample, checkpoint_id, band) as n_selected,
        count(*) filter (where not is_selected) over (partition by sample, checkpoint_id, band) as n_unselected
    from xelgs
)
select
    sample,
    checkpoint_id,
    band,
    cast(place as integer) as place,
    object_id,
    ew_band,
    strongest_line,
    is_selected,
    n_selected_above,
    n_unselected_above,
    n_selected_above / (n_selected_above + n_unselected_above) as selection_rate_above,
    n_selected,
    n_unselected
from counted
order by sample, checkpoint_id, position, place;
