-- makes: thresholds that leave fewer objects than wanted, or that do not rise with the level
-- reads: model.selection_thresholds
-- paper: section 3.2
with levels as (
    select
        *,
        lag(s_anom_min) over (partition by checkpoint_id, aperture, sample, band order by fraction desc) as lower_level
    from model.selection_thresholds
)
select *
from levels
where (s_anom_min is null) <> (n_wanted = 0)
    or n_above < n_wanted
    or s_anom_min < lower_level;
