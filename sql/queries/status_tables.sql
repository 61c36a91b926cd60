-- makes: the tables of the survey with their number of rows, for `swimmy status`
-- reads:
-- paper: none
select schema_name || '.' || table_name as "table", estimated_size as n_rows, comment as description
from duckdb_tables()
where schema_name in ('raw', 'survey', 'model', 'paper')
    and not temporary
order by case schema_name when 'raw' then 1 when 'survey' then 2 when 'model' then 3 else 4 end, table_name;
