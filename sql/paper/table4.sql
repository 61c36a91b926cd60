-- makes: paper.table4, candidates among the Milliquas catalogue's quasars and AGNs
-- reads: model.outlier_bands, model.published, model.selection_rates, survey.bands, survey.classes
-- paper: table 4
-- stage: candidates
-- Ambiguity 30: DR16Q's quasars leave the sample before the match: they took part in the choice of the checkpoint.
create or replace table paper.table4 as
with best as (
    select sample, checkpoint_id from model.published
),
classes(position, milliquas_class, label) as (
    values
        (0, 'all', 'all but DR16Q'),
        (1, 'quasar', 'quasar'),
        (2, 'type_i', 'Type-I AGN'),
        (3, 'type_ii', 'Type-II AGN'),
        (4, 'others', 'Others'),
        (5, 'any', 'total')
),
columns_printed as (
    select cast(position as integer) as column_position, band as selected_in from survey.bands where is_selection_band
    union all
    select 1000, 'total'
),
memberships as (
    select object_id, 'all' as milliquas_class from survey.classes where class <> 'dr16q'
    union all
    select object_id, milliquas_class from survey.classes where class <> 'dr16q' and milliquas_class is not null
    union all
    select object_id, 'any' from survey.classes where class <> 'dr16q' and milliquas_class is not null
),
rates as (
    select r.sample, r.checkpoint_id, r.class, r.n
    from model.selection_rates r
    inner join best b using (sample, checkpoint_id)
    where r.aperture = 'disc'
),
totals as (
    select sample, checkpoint_id, 'all' as milliquas_class, sum(case class when 'all' then n else -n end) as n
    from rates
    where class in ('all', 'dr16q')
    group by sample, checkpoint_id
    union all
    select sample, checkpoint_id, replace(class, 'milliquas_', ''), n
    from rates
    where class like 'milliquas\_%' escape '\'
    union all
    select sample, checkpoint_id, 'any', sum(n)
    from rates
    where class like 'milliquas\_%' escape '\'
    group by sample, checkpoint_id
),
selected as (
    select o.sample, o.checkpoint_id, o.object_id, o.band as selected_in
    from model.outlier_bands o
    inner join best b using (sample, checkpoint_id)
    where o.aperture = 'disc' and o.is_selected
    union
    select o.sample, o.checkpoint_id, o.object_id, 'total'
    from model.outlier_bands o
    inner join best b using (sample, checkpoint_id)
    where o.aperture = 'disc' and o.is_selected
),
selections as (
    select s.sample, s.checkpoint_id, m.milliquas_class, s.selected_in, count(*) as n
    from selected s
    inner join memberships m using (object_id)
    group by s.sample, s.checkpoint_id, m.milliquas_class, s.selected_in
),
printed(milliquas_class, n_test, g, r, i, total) as (
    values
        ('all', 49296, 2454, 2144, 2446, 5941),
        ('quasar', 23, 10, 2, 7, 16),
        ('type_i', 286, 62, 20, 87, 130),
        ('type_ii', 580, 35, 11, 40, 74),
        ('others', 49, 6, 5, 7, 14),
        ('any', 938, 113, 38, 141, 234)
),
printed_rows as (
    select milliquas_class, n_test, selected_in, paper_n
    from printed unpivot (paper_n for selected_in in (g, r, i, total))
)
select
    b.sample,
    b.checkpoint_id,
    cast(k.position as integer) as position,
    k.label,
    c.selected_in,
    cast(coalesce(s.n, 0) as bigint) as our_n,
    cast(coalesce(t.n, 0) as bigint) as our_total,
    case when t.n > 0 then coalesce(s.n, 0) / t.n end as our_fraction,
    wilson_lower(coalesce(s.n, 0), t.n) as our_fraction_lower,
    wilson_upper(coalesce(s.n, 0), t.n) as our_fraction_upper,
    cast(p.paper_n as bigint) as paper_n,
    cast(p.n_test as bigint) as paper_total,
    p.paper_n / p.n_test as paper_fraction
from (select distinct sample, checkpoint_id from best) b
cross join classes k
cross join columns_printed c
left join totals t
    on t.sample = b.sample and t.checkpoint_id = b.checkpoint_id and t.milliquas_class = k.milliquas_class
left join selections s
    on s.sample = b.sample
    and s.checkpoint_id = b.checkpoint_id
    and s.milliquas_class = k.milliquas_class
    and s.selected_in = c.selected_in
left join printed_rows p
    on b.sample = 'specz' and p.milliquas_class = k.milliquas_class and p.selected_in = c.selected_in
order by b.sample, b.checkpoint_id, k.position, c.column_position;
