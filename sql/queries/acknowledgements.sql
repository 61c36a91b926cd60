-- makes: what to acknowledge: the words of every archive whose files are in the workspace, and how many files those are
-- reads: meta.files
-- paper: acknowledgments
select replace(source, 'ingest-', '') as archive, count(*) as n_files, acknowledgement
from meta.files
where acknowledgement is not null
group by source, acknowledgement
order by archive, acknowledgement;
