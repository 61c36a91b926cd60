-- shows: which lines are in which band decides where a band selects
-- paper: section 4.3, figure 10
with galaxies as (
    select m.sample, g.object_id, floor(g.redshift / 0.01) * 0.01 as redshift_from
    from survey.galaxies g
    inner join survey.sample_members m using (object_id)
    where g.redshift is not null
),
totals as (
    select sample, redshift_from, count(*) as n from galaxies group by sample, redshift_from
),
selected as (
    select g.sample, g.redshift_from, o.band, count(*) as n_selected
    from model.outlier_bands o
    inner join galaxies g using (sample, object_id)
    where o.aperture = 'disc' and o.is_selected
    group by g.sample, g.redshift_from, o.band
)
select
    t.sample,
    round(t.redshift_from, 2) as redshift_from,
    s.band,
    t.n,
    s.n_selected,
    round(s.n_selected / t.n, 3) as rate
from totals t
inner join selected s using (sample, redshift_from)
order by t.sample, s.band, t.redshift_from;
