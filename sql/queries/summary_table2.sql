-- makes: table 2 as the summary prints it, cell by cell: a row a combination of bands, columns ours and the paper's by class
-- reads: paper.table2
-- paper: table 2
with cells as (
    select
        sample,
        checkpoint_id,
        bands,
        rowid as place,
        case class when 'all' then 1 when 'dr16q' then 2 else 3 end as position,
        case class when 'all' then 'all' when 'dr16q' then 'DR16Q' else 'XELG' end as name,
        unnest([
            {'whose': 1, 'n': our_n, 'fraction': our_fraction, 'total': our_total},
            {'whose': 2, 'n': paper_n, 'fraction': paper_fraction, 'total': null}
        ], recursive := true)
    from paper.table2
)
select
    sample,
    bands,
    case whose when 1 then format('{} (N={})', name, total) else 'paper''s' || repeat(' ', position) end as column_name,
    case when n is not null then printf('%d (%.1f%%)', n, 100 * fraction) end as cell
from cells
order by sample = 'colour', sample, checkpoint_id, min(place) over (partition by sample, checkpoint_id, bands), position, whose;
