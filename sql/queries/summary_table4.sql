-- makes: table 4 as the summary prints it, cell by cell: a row a class of Milliquas, columns ours, then the paper's
-- reads: paper.table4, survey.bands
-- paper: table 4
with ordered as (
    select t.*, coalesce(b.position, 1000) as column_position
    from paper.table4 t
    left join survey.bands b on b.band = t.selected_in
),
cells as (
    select sample, position, label, -1 as column_position, 'N' as column_name, cast(our_total as varchar) as cell, 1 as whose
    from ordered
    union
    select sample, position, label, -1, 'paper''s N', cast(paper_total as varchar), 2
    from ordered
    where paper_total is not null
    union all
    select
        sample,
        position,
        label,
        column_position,
        selected_in,
        printf('%d', our_n) || coalesce(printf(' (%.0f%%)', 100 * our_fraction), ''),
        1
    from ordered
    union all
    -- a space, because two columns of one name would be one
    select sample, position, label, column_position, selected_in || ' ', printf('%.0f%%', 100 * paper_fraction), 2
    from ordered
    where paper_fraction is not null
)
select sample, label as class, column_name, cell
from cells
order by sample = 'colour', sample, position, whose, column_position;
