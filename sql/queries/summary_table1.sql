-- makes: table 1 as the summary prints it, ours beside the paper's
-- reads: paper.table1
-- paper: table 1
select
    sample,
    label as data,
    our_n as ours,
    printf('%.1f%%', 100 * our_fraction) as share,
    paper_n as "paper's",
    printf('%.1f%%', 100 * paper_fraction) as "its share"
from paper.table1
order by sample = 'colour', sample, position;
