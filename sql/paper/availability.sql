-- makes: paper.availability, which of the paper's figures and tables this survey can give, and why the others are empty
-- reads: paper.figure1, paper.figure10, paper.figure10_lines, paper.figure11, paper.figure12, paper.figure12_correlations, paper.figure13, paper.figure13_tests, paper.figure14, paper.figure15, paper.figure15_spectra, paper.figure16, paper.figure17, paper.figure18, paper.figure19, paper.figure2, paper.figure3, paper.figure4, paper.figure5, paper.figure6, paper.figure7, paper.figure8, paper.figure9, paper.needs, paper.run_overlap, paper.table1, paper.table2, paper.table3, paper.table4, paper.table5, paper.table6
-- paper: all
-- stage: paper
-- A table needs what is listed, in this order; the first that is lacking is the reason.
create or replace table paper.availability as
with items(position, item, table_name, needed, n_rows) as (
    select 1, 'table 1', 'paper.table1', cast([] as varchar[]), (select count(*) from paper.table1)
    union all
    select 2, 'table 2', 'paper.table2', ['runs', 'scores'], (select count(*) from paper.table2)
    union all
    select 3, 'table 3', 'paper.table3', ['runs', 'scores'], (select count(*) from paper.table3)
    union all
    select 4, 'table 4', 'paper.table4', ['milliquas', 'runs', 'scores'],
        (select count(*) from paper.table4 where position > 0 and our_total > 0)
    union all
    select 5, 'table 5', 'paper.table5', ['runs'], (select count(*) from paper.table5 where n_runs > 0)
    union all
    select 6, 'table 6', 'paper.table6', ['colour', 'runs', 'scores', '3.5 sigma'], (select count(*) from paper.table6)
    union all
    select 11, 'figure 1', 'paper.figure1', ['redshifts'], (select count(*) from paper.figure1)
    union all
    select 12, 'figure 2', 'paper.figure2', ['cubes'], (select count(*) from paper.figure2)
    union all
    select 13, 'figure 3', 'paper.figure3', ['runs', 'scores'], (select count(*) from paper.figure3)
    union all
    select 14, 'figure 4', 'paper.figure4', ['runs', 'scores', 'cubes', 'training magnitudes'],
        (select count(*) from paper.figure4)
    union all
    select 15, 'figure 5', 'paper.figure5', ['runs', 'scores'], (select count(*) from paper.figure5)
    union all
    select 16, 'figure 6', 'paper.figure6', ['runs', 'scores'], (select count(*) from paper.figure6)
    union all
    select 16, 'figure 6, DR16Q quasars', 'paper.figure6', ['dr16q', 'quasars', 'runs', 'scores'],
        (select count(*) from paper.figure6 where panel = 'dr16q')
    union all
    select 16, 'figure 6, XELGs', 'paper.figure6', ['mpa_jhu', 'xelgs', 'runs', 'scores'],
        (select count(*) from paper.figure6 where panel = 'xelg')
    union all
    select 17, 'figure 7', 'paper.figure7', ['runs', 'scores'], (select count(*) from paper.figure7)
    union all
    select 18, 'figure 8', 'paper.figure8', ['dr16q', 'quasars', 'runs', 'scores'],
        (select count(*) from paper.figure8)
    union all
    select 19, 'figure 9', 'paper.figure9', ['mpa_jhu', 'xelgs', 'curves', 'runs', 'scores'],
        (select count(*) from paper.figure9)
    union all
    select 20, 'figure 10', 'paper.figure10', ['redshifts', 'runs', 'scores'], (select count(*) from paper.figure10)
    union all
    select 20, 'figure 10, throughputs', 'paper.figure10_lines', ['redshifts', 'curves', 'runs', 'scores'],
        (select count(*) from paper.figure10_lines)
    union all
    select 21, 'figure 11', 'paper.figure11', ['mpa_jhu', 'curves', 'runs', 'scores'],
        (select count(*) from paper.figure11)
    union all
    select 22, 'figure 12', 'paper.figure12', ['runs', 'scores'], (select count(*) from paper.figure12)
    union all
    select 22, 'figure 12, correlations', 'paper.figure12_correlations', ['runs', 'scores'],
        (select count(*) from paper.figure12_correlations)
    union all
    select 23, 'figure 13', 'paper.figure13', ['mpa_jhu', 'runs', 'scores'],
        (select count(*) from paper.figure13 where catalog = 'mpa_jhu')
    union all
    select 23, 'figure 13, by GSWLC-2', 'paper.figure13', ['gswlc', 'runs', 'scores'],
        (select count(*) from paper.figure13 where catalog = 'gswlc')
    union all
    select 23, 'figure 13, KS tests', 'paper.figure13_tests', ['mpa_jhu', 'runs', 'scores'],
        (select count(*) from paper.figure13_tests where catalog = 'mpa_jhu')
    union all
    select 24, 'figure 14', 'paper.figure14', ['runs', 'scores', '3 sigma'], (select count(*) from paper.figure14)
    union all
    select 25, 'figure 15, stacks', 'paper.figure15', ['spectra', 'runs', 'scores', '3 sigma'],
        (select count(*) from paper.figure15)
    union all
    select 25, 'figure 15, single spectra', 'paper.figure15_spectra', ['spectra', 'runs', 'scores', '3 sigma'],
        (select count(*) from paper.figure15_spectra)
    union all
    select 26, 'figure 16', 'paper.figure16', ['runs'], (select count(*) from paper.figure16)
    union all
    select 26, 'figure 16, rates of DR16Q quasars', 'paper.figure16', ['dr16q', 'quasars', 'runs', 'scores'],
        (select count(*) from paper.figure16 where quantity = 'rate_dr16q')
    union all
    select 26, 'figure 16, rates of XELGs', 'paper.figure16', ['mpa_jhu', 'xelgs', 'runs', 'scores'],
        (select count(*) from paper.figure16 where quantity = 'rate_xelg')
    union all
    select 26, 'overlap of runs', 'paper.run_overlap', ['runs', 'two runs', 'scores'],
        (select count(*) from paper.run_overlap)
    union all
    select 27, 'figure 17', 'paper.figure17', ['runs', 'scores', 'negative residuals'],
        (select count(*) from paper.figure17)
    union all
    select 28, 'figure 18', 'paper.figure18', ['colour', 'redshifts'], (select count(*) from paper.figure18)
    union all
    select 29, 'figure 19', 'paper.figure19', ['colour', 'runs', 'scores'], (select count(*) from paper.figure19)
),
lacking as (
    select i.item, n.reason, row_number() over (partition by i.item order by list_position(i.needed, n.need)) as place
    from items i
    inner join paper.needs n on list_contains(i.needed, n.need) and not n.is_met
)
select
    i.item,
    i.table_name,
    'sql/' || replace(i.table_name, '.', '/') || '.sql' as sql_file,
    i.n_rows > 0 as is_available,
    i.n_rows,
    case when i.n_rows = 0 then coalesce(l.reason, 'no galaxy of the sample belongs here') end as reason
from items i
left join lacking l on l.item = i.item and l.place = 1
order by i.position, i.item;
