-- makes: survey.galaxies, the objects of any sample, where they are and their redshift
-- reads: survey.parents, survey.sample_members, survey.spec_redshifts
-- paper: section 2.2
create or replace table survey.galaxies as
with members as (
    select object_id, string_agg(sample, ',' order by sample) as samples
    from survey.sample_members
    group by object_id
)
select
    m.object_id,
    p.ra,
    p.dec,
    s.redshift,
    s.redshift_err,
    s.specz_source,
    p.tract,
    p.patch,
    p.skymap_id,
    m.samples
from members m
inner join survey.parents p using (object_id)
left join survey.spec_redshifts s using (object_id);
