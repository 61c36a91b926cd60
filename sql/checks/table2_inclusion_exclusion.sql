-- makes: totals of table 2 that are not g + r + i - (g&r) - (r&i) - (g&i) + (g&r&i), for any number of bands
-- reads: paper.table2
-- paper: table 2; 2461 + 2147 + 2455 - 391 - 385 - 418 + 86 = 5955
with sums as (
    select
        sample,
        checkpoint_id,
        class,
        max(our_n) filter (where n_bands = 0) as total,
        sum(case when n_bands = 0 then 0 when n_bands % 2 = 1 then our_n else -our_n end) as by_bands
    from paper.table2
    group by sample, checkpoint_id, class
)
select * from sums where total is distinct from by_bands;
