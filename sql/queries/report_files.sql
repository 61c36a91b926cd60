-- makes: how many files each source brought or made, their size and when, for the report
-- reads: meta.files
-- paper: none
select source, count(*) as n_files, cast(sum(bytes) as bigint) as bytes, max(fetched_at) as latest
from meta.files
group by source
order by min(fetched_at), source;
