-- makes: what `swimmy why` says first of the object $1: where it is, its redshift, samples and class
-- reads: survey.classes, survey.galaxies, survey.parents, survey.spec_redshifts
-- paper: sections 2.1 and 2.2
select
    p.object_id,
    p.ra,
    p.dec,
    p.tract,
    p.patch,
    s.redshift,
    s.specz_source,
    g.samples,
    c.class,
    c.is_training,
    c.milliquas_class,
    c.milliquas_type,
    c.class_hint
from survey.parents p
left join survey.spec_redshifts s using (object_id)
left join survey.galaxies g using (object_id)
left join survey.classes c using (object_id)
where p.object_id = $1;
