-- makes: paper.table1, the data used: how many galaxies of each class, ours beside the paper's
-- reads: survey.classes, survey.sample_members
-- paper: table 1
-- stage: candidates
-- Ambiguity 10: MPA-JHU, DR16Q and other spec-z are disjoint and sum to the sample; the paper calls them (1), (3), (4).
-- Ambiguity 11: the 3862 MPA-JHU galaxies that are neither training data nor XELGs have a row of their own here.
create or replace table paper.table1 as
with printed(position, label, classes, paper_n) as (
    values
        (1, 'test data', 'dr16q xelg agn_liner_composite training other_specz', 49319),
        (2, '(1) SDSS MPA-JHU', 'xelg agn_liner_composite training', 25714),
        (3, '(1-1) training data', 'training', 21151),
        (4, '(1-2) XELGs', 'xelg', 701),
        (5, '(1-3) AGN, LINERs, composites (not printed)', 'agn_liner_composite', 3862),
        (6, '(3) DR16Q quasars', 'dr16q', 23),
        (7, '(4) other spec-z', 'other_specz', 23582)
),
counted as (
    select m.sample, c.class, count(*) as n
    from survey.sample_members m
    inner join survey.classes c using (object_id)
    group by m.sample, c.class
),
totals as (
    select sample, sum(n) as n from counted group by sample
)
select
    t.sample,
    cast(p.position as integer) as position,
    p.label,
    cast(coalesce(sum(c.n), 0) as bigint) as our_n,
    cast(t.n as bigint) as our_total,
    coalesce(sum(c.n), 0) / t.n as our_fraction,
    wilson_lower(coalesce(sum(c.n), 0), t.n) as our_fraction_lower,
    wilson_upper(coalesce(sum(c.n), 0), t.n) as our_fraction_upper,
    case when t.sample = 'specz' then cast(p.paper_n as bigint) end as paper_n,
    case when t.sample = 'specz' then p.paper_n / 49319 end as paper_fraction
from totals t
cross join printed p
left join counted c on c.sample = t.sample and list_contains(string_split(p.classes, ' '), c.class)
group by t.sample, t.n, p.position, p.label, p.paper_n
order by t.sample, p.position;
