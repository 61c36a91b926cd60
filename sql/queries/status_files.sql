-- makes: number and size of the recorded files by folder, for `swimmy status`
-- reads: meta.files
-- paper: none
select
    regexp_extract(path, '^(downloads/[^/]+|[^/]+)', 1) as folder,
    count(*) as n_files,
    cast(sum(bytes) as bigint) as bytes
from meta.files
group by all
order by all;
