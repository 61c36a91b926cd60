-- makes: thresholds_of(scores_table), the score from which an object is above a level, by checkpoint, aperture, sample and band
-- reads: survey.sample_members
-- paper: section 3.2 ("top-5th percentile", 2 sigma; 0.3 %, 3 sigma) and appendix 3 (0.0465 %, 3.5 sigma)
-- Ambiguities 24 and 27: a cut by rank over the whole sample, per band: the round(fraction * n) largest are above, and
-- those that tie with the last of them. Settings fraction_2sigma, fraction_3sigma and fraction_3_5sigma.
create or replace macro thresholds_of(scores_table) as table
with threshold_scores as not materialized (
    select s.checkpoint_id, s.aperture, m.sample, s.band, s.s_anom
    from query_table(scores_table) s
    inner join survey.sample_members m using (object_id)
),
threshold_levels(level, fraction) as (
    values
        ('2sigma', setting('fraction_2sigma')),
        ('3sigma', setting('fraction_3sigma')),
        ('3.5sigma', setting('fraction_3_5sigma'))
),
threshold_counts as (
    select checkpoint_id, aperture, sample, band, count(*) as n_scored
    from threshold_scores
    group by checkpoint_id, aperture, sample, band
),
threshold_wanted as materialized (
    select c.*, l.level, l.fraction, cast(round(l.fraction * c.n_scored) as bigint) as n_wanted
    from threshold_counts c
    cross join threshold_levels l
),
-- the largest scores of each group, in heaps as deep as the deepest needs: scores are never sorted, nor joined by text
threshold_largest as (
    select
        checkpoint_id,
        aperture,
        sample,
        band,
        max(s_anom, (select greatest(max(n_wanted), 1) from threshold_wanted)) as scores
    from threshold_scores
    group by checkpoint_id, aperture, sample, band
),
threshold_ranked as materialized (
    select w.*, case when w.n_wanted > 0 then l.scores[w.n_wanted] end as s_anom_min
    from threshold_wanted w
    inner join threshold_largest l using (checkpoint_id, aperture, sample, band)
),
threshold_above as (
    select r.checkpoint_id, r.aperture, r.sample, r.band, r.level, count(*) as n_above
    from threshold_scores s
    inner join threshold_ranked r using (checkpoint_id, aperture, sample, band)
    where s.s_anom >= r.s_anom_min
        and s.s_anom >= (select min(s_anom_min) from threshold_ranked)
    group by r.checkpoint_id, r.aperture, r.sample, r.band, r.level
)
select
    r.checkpoint_id,
    r.aperture,
    r.sample,
    r.band,
    r.level,
    cast(r.fraction as double) as fraction,
    r.n_scored,
    r.n_wanted,
    r.s_anom_min,
    coalesce(a.n_above, 0) as n_above
from threshold_ranked r
left join threshold_above a using (checkpoint_id, aperture, sample, band, level);
