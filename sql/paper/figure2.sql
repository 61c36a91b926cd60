-- makes: paper.figure2, the galaxy that shows the arcsinh stretch
-- reads: survey.classes, survey.cubes, survey.galaxies, survey.photometry, survey.sample_members
-- paper: figure 2
-- stage: paper
-- The paper's spiral where the survey holds it, else the brightest galaxy that trains the network.
create or replace table paper.figure2 as
with ranked as (
    select
        m.sample,
        m.object_id,
        g.redshift,
        p.cmodel_mag as magnitude,
        m.object_id = 36429603367044827 as is_the_papers,
        row_number() over (
            partition by m.sample
            order by m.object_id = 36429603367044827 desc, c.is_training desc, p.cmodel_mag nulls last, m.object_id
        ) as place
    from survey.sample_members m
    inner join survey.galaxies g using (object_id)
    inner join survey.classes c using (object_id)
    inner join (select distinct object_id from survey.cubes) using (object_id)
    left join survey.photometry p on p.object_id = m.object_id and p.band = setting_text('magnitude_band')
)
select sample, object_id, redshift, magnitude, is_the_papers
from ranked
where place = 1
order by sample;
