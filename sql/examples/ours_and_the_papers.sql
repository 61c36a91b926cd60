-- shows: our fractions beside those that the paper quotes
-- paper: sections 2.2, 3.2, 4.1 and 4.2
select
    section,
    name,
    round(paper_value, 3) as paper,
    round(our_value, 3) as ours,
    round(our_value_lower, 3) as lower,
    round(our_value_upper, 3) as upper,
    our_n,
    our_total
from paper.numbers
order by sample, section, name;
