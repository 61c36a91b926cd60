-- makes: columns of table 4 whose classes do not sum to the total, or whose header is not table 2 less DR16Q's quasars
-- reads: paper.table2, paper.table4
-- paper: table 4; 23 + 286 + 580 + 49 = 938 and 5955 - 14 = 5941
with sums as (
    select
        sample,
        checkpoint_id,
        selected_in,
        sum(our_n) filter (where position between 1 and 4) as n_classes,
        max(our_n) filter (where position = 5) as n_total,
        sum(our_total) filter (where position between 1 and 4) as test_classes,
        max(our_total) filter (where position = 5) as test_total,
        max(our_n) filter (where position = 0) as n_header
    from paper.table4
    group by sample, checkpoint_id, selected_in
),
headers as (
    select
        sample,
        checkpoint_id,
        bands as selected_in,
        sum(case class when 'all' then our_n when 'dr16q' then -our_n else 0 end) as n_expected
    from paper.table2
    where n_bands <= 1
    group by sample, checkpoint_id, bands
)
select s.*, h.n_expected
from sums s
left join headers h using (sample, checkpoint_id, selected_in)
where s.n_classes <> s.n_total or s.test_classes <> s.test_total or s.n_header is distinct from h.n_expected;
