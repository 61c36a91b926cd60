-- brings: the bright-star masks of the same objects (FORMATS.md section 1.4)
select
    m.{band}_{mask_flag},
    m.object_id
from {schema}.{forced} f
left join {schema}.{forced2} f2 using (object_id)
inner join {schema}.{masks} m using (object_id)
where
    {coarse_cuts}
