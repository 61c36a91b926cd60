-- brings: the matched redshifts of the same objects, all of them, secure or not (FORMATS.md section 1.5)
select
    s.object_id,
    s.d_pos,
    s.specz_name,
    s.specz_ra,
    s.specz_dec,
    s.specz_redshift,
    s.specz_redshift_err,
    s.{specz_flag},
    s.specz_flag_homogeneous
from {schema}.{forced} f
left join {schema}.{forced2} f2 using (object_id)
inner join {schema}.{specz} s using (object_id)
where
    {coarse_cuts}
