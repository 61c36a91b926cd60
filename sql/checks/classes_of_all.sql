-- makes: galaxies without a class, and classes that contradict the matches or the training rule
-- reads: raw.galspec_info, survey.classes, survey.galaxies, survey.line_strengths, survey.matches
-- paper: section 2.2 and table 1
select g.object_id, 'no class' as fault from survey.galaxies g anti join survey.classes c using (object_id)
union all
select c.object_id, 'a class but no galaxy' from survey.classes c anti join survey.galaxies g using (object_id)
union all
select c.object_id, 'DR16Q match and class disagree'
from survey.classes c
left join (select object_id from survey.matches where catalog = 'dr16q' and rank = 1) m using (object_id)
where (c.class = 'dr16q') <> (m.object_id is not null)
union all
select c.object_id, 'MPA-JHU match and class disagree'
from survey.classes c
left join survey.line_strengths l using (object_id)
where c.class <> 'dr16q' and (c.class = 'other_specz') <> (l.object_id is null)
union all
select object_id, 'trains the network although it is known to be uncommon'
from survey.classes
where is_training and class <> 'training' and exists (from raw.galspec_info);
