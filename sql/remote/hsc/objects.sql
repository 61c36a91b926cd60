-- brings: the objects of some tracts, every flag as a column (FORMATS.md sections 1.1, 1.2 and 1.8)
-- A line that holds {band} or a list of flags stands for one line of each.
select
    f.object_id,
    f.ra,
    f.dec,
    f.tract,
    f.patch,
    f.isprimary,
    f.{band}_cmodel_mag,
    f.{band}_cmodel_magerr,
    f2.{band}_psfflux_mag,
    f.a_{band},
    f.{band}_{pixel_flag},
    f2.{band}_{shape_flag},
    f.skymap_id
from {schema}.{forced} f
left join {schema}.{forced2} f2 using (object_id)
where
    {coarse_cuts}
