-- brings: the server's own count of the rows of one of the other queries, by tract; ours must equal it
select
    '{result}' as result,
    -- an object's id begins with its tract (FORMATS.md section 1.7)
    q.object_id >> 42 as tract,
    count(*) as n_rows
from (
    {query}
) q
group by q.object_id >> 42
