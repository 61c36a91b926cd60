-- makes: what was left out of the object $1 on the way, and why
-- reads: meta.rejects
-- paper: none
select stage, band, reason, column_name, value, source_file
from meta.rejects
where object_id = $1
order by stage, band, reason;
