-- makes: rank_cut_of(scores_table, thresholds_table), every object and selection band over the 2 sigma threshold
-- reads: survey.bands, survey.sample_members
-- paper: section 3.2; those with a negative residual are the objects of appendix 2, the others are selected
create or replace macro rank_cut_of(scores_table, thresholds_table) as table
with rank_cut_limits as materialized (
    select
        checkpoint_id,
        aperture,
        sample,
        band,
        max(s_anom_min) filter (where level = '2sigma') as limit_2sigma,
        max(s_anom_min) filter (where level = '3sigma') as limit_3sigma,
        max(s_anom_min) filter (where level = '3.5sigma') as limit_3_5sigma
    from query_table(thresholds_table)
    semi join (select band from survey.bands where is_selection_band) using (band)
    group by checkpoint_id, aperture, sample, band
)
select
    s.checkpoint_id,
    s.aperture,
    m.sample,
    s.object_id,
    s.band,
    s.s_anom,
    s.residual_flux,
    case
        when s.s_anom >= l.limit_3_5sigma then '3.5sigma'
        when s.s_anom >= l.limit_3sigma then '3sigma'
        else '2sigma'
    end as level,
    -- ambiguities 25 and 26: the residual of the same band, summed over the aperture, is positive
    s.residual_flux > 0 as is_selected
from query_table(scores_table) s
inner join survey.sample_members m using (object_id)
inner join rank_cut_limits l
    on l.checkpoint_id = s.checkpoint_id and l.aperture = s.aperture and l.sample = m.sample and l.band = s.band
where s.s_anom >= l.limit_2sigma
    and s.s_anom >= (select min(limit_2sigma) from rank_cut_limits);
