-- makes: paper.table2, how many galaxies, DR16Q quasars and XELGs each selection band and each combination of them selects
-- reads: model.outlier_bands, model.published, model.selection_rates, survey.bands, survey.classes
-- paper: table 2
-- stage: candidates
-- A combination counts the galaxies that all of its bands select; "total" those that any band selects.
create or replace table paper.table2 as
with selection_bands as (
    select band, position, cast(row_number() over (order by position) - 1 as integer) as bit
    from survey.bands
    where is_selection_band
),
combinations as (
    select
        cast(mask as integer) as mask,
        string_agg(band, '&' order by position) as bands,
        cast(count(*) as integer) as n_bands
    from range(1, (select 1 << count(*) from selection_bands)) numbers(mask)
    inner join selection_bands on (mask >> bit) & 1 = 1
    group by mask
    union all
    select 0, 'total', 0 where exists (from selection_bands)
),
best as (
    select sample, checkpoint_id from model.published
),
selected as (
    select o.sample, o.checkpoint_id, o.object_id, cast(sum(1 << s.bit) as integer) as mask
    from model.outlier_bands o
    inner join best b using (sample, checkpoint_id)
    inner join selection_bands s using (band)
    where o.aperture = 'disc' and o.is_selected
    group by o.sample, o.checkpoint_id, o.object_id
),
classed as (
    select s.sample, s.checkpoint_id, s.mask, 'all' as class from selected s
    union all
    select s.sample, s.checkpoint_id, s.mask, c.class
    from selected s
    inner join survey.classes c using (object_id)
    where c.class in ('dr16q', 'xelg')
),
totals as (
    select r.sample, r.checkpoint_id, r.class, r.n
    from model.selection_rates r
    inner join best b using (sample, checkpoint_id)
    where r.aperture = 'disc' and r.class in ('all', 'dr16q', 'xelg')
),
counted as (
    select t.sample, t.checkpoint_id, t.class, t.n as our_total, k.bands, k.n_bands, k.mask, count(c.mask) as our_n
    from totals t
    cross join combinations k
    left join classed c
        on c.sample = t.sample
        and c.checkpoint_id = t.checkpoint_id
        and c.class = t.class
        and (c.mask & k.mask) = k.mask
    group by t.sample, t.checkpoint_id, t.class, t.n, k.bands, k.n_bands, k.mask
),
printed(bands, "all", dr16q, xelg) as (
    values
        ('g', 2461, 7, 263),
        ('r', 2147, 3, 119),
        ('i', 2455, 9, 282),
        ('g&r', 391, 1, 77),
        ('r&i', 385, 2, 51),
        ('g&i', 418, 2, 119),
        ('g&r&i', 86, 0, 26),
        ('total', 5955, 14, 443)
),
printed_rows as (
    select bands, 'all' as class, "all" as paper_n, 49319 as paper_total from printed
    union all
    select bands, 'dr16q', dr16q, 23 from printed
    union all
    select bands, 'xelg', xelg, 701 from printed
)
select
    c.sample,
    c.checkpoint_id,
    c.bands,
    c.n_bands,
    c.class,
    c.our_n,
    c.our_total,
    c.our_n / c.our_total as our_fraction,
    wilson_lower(c.our_n, c.our_total) as our_fraction_lower,
    wilson_upper(c.our_n, c.our_total) as our_fraction_upper,
    cast(p.paper_n as bigint) as paper_n,
    p.paper_n / p.paper_total as paper_fraction
from counted c
left join printed_rows p on c.sample = 'specz' and p.bands = c.bands and p.class = c.class
order by c.sample, c.checkpoint_id, c.class, c.n_bands = 0, c.n_bands, c.mask;
