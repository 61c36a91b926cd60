-- makes: samples whose groups in table 1 overlap or do not sum to the sample
-- reads: paper.table1
-- paper: table 1; 25 714 + 23 + 23 582 = 49 319 and 21 151 + 701 + 3862 = 25 714
with counts as (
    select
        sample,
        max(our_n) filter (where position = 1) as n_all,
        sum(our_n) filter (where position in (2, 6, 7)) as n_groups,
        max(our_n) filter (where position = 2) as n_mpa_jhu,
        sum(our_n) filter (where position in (3, 4, 5)) as n_mpa_jhu_groups
    from paper.table1
    group by sample
)
select * from counts where n_all <> n_groups or n_mpa_jhu <> n_mpa_jhu_groups;
