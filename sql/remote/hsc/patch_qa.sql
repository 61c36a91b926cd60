-- brings: seeing and depth of every patch (FORMATS.md section 1.6); it says which tracts there are
select
    q.tract,
    q.patch,
    q.{band}seeing,
    q.{band}mag_psf_depth,
    q.skymap_id
from {schema}.{patch_qa} q
