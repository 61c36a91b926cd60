-- makes: paper.figure2, the galaxy that shows the arcsinh stretch
-- reads: survey.bands, survey.classes, survey.cubes, survey.galaxies, survey.photometry, survey.sample_members
-- paper: figure 2
-- stage: paper
-- The paper's spiral where the survey holds it. Else the bluest, between the first and the last selection band, of the
-- training galaxies between the 10th and the 30th percentile of magnitude: bright, and yet not larger than its stamp.
create or replace table paper.figure2 as
with ends as (
    select arg_min(band, position) as blue, arg_max(band, position) as red
    from survey.bands
    where is_selection_band
),
galaxies as (
    select
        m.sample,
        m.object_id,
        g.redshift,
        p.cmodel_mag as magnitude,
        blue.cmodel_mag - red.cmodel_mag as colour,
        m.object_id = 36429603367044827 as is_the_papers,
        c.is_training,
        percent_rank() over (partition by m.sample, c.is_training order by p.cmodel_mag nulls last) as brightness_rank
    from survey.sample_members m
    cross join ends e
    inner join survey.galaxies g using (object_id)
    inner join survey.classes c using (object_id)
    inner join (select distinct object_id from survey.cubes) using (object_id)
    left join survey.photometry p on p.object_id = m.object_id and p.band = setting_text('magnitude_band')
    left join survey.photometry blue on blue.object_id = m.object_id and blue.band = e.blue
    left join survey.photometry red on red.object_id = m.object_id and red.band = e.red
),
ranked as (
    select
        *,
        row_number() over (
            partition by sample
            order by
                is_the_papers desc,
                is_training desc,
                brightness_rank between 0.1 and 0.3 desc,
                colour nulls last,
                object_id
        ) as place
    from galaxies
)
select sample, object_id, redshift, magnitude, is_the_papers
from ranked
where place = 1
order by sample;
