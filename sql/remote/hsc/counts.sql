-- brings: the server's own count of the rows of one of the other queries, by tract; ours must equal it
select
    '{result}' as result,
    {tract_of_row} as tract,
    count(*) as n_rows
from (
    {query}
) q
group by {tract_of_row}
