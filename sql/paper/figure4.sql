-- makes: paper.figure4, three training galaxies, blue to red, whose layer outputs are drawn with the best checkpoint
-- reads: model.published, survey.bands, survey.classes, survey.cubes, survey.galaxies, survey.photometry, survey.sample_members
-- paper: figure 4
-- stage: paper
-- The paper shows spirals and an early type near z = 0.105. Ours: of the brighter half of the training galaxies those
-- at the 10th, 50th and 90th percentile of the colour between the first and the last selection band.
create or replace table paper.figure4 as
with ends as (
    select arg_min(band, position) as blue, arg_max(band, position) as red
    from survey.bands
    where is_selection_band
),
training as (
    select
        m.sample,
        m.object_id,
        g.redshift,
        blue.cmodel_mag - red.cmodel_mag as colour,
        percent_rank() over (partition by m.sample order by p.cmodel_mag) as brightness_rank
    from survey.sample_members m
    cross join ends e
    inner join survey.classes c using (object_id)
    inner join survey.galaxies g using (object_id)
    inner join (select distinct object_id from survey.cubes) using (object_id)
    inner join survey.photometry p on p.object_id = m.object_id and p.band = setting_text('magnitude_band')
    inner join survey.photometry blue on blue.object_id = m.object_id and blue.band = e.blue
    inner join survey.photometry red on red.object_id = m.object_id and red.band = e.red
    where c.is_training
),
bright as (
    select *, percent_rank() over (partition by sample order by colour, object_id) as colour_rank
    from training
    where brightness_rank <= 0.5 and colour is not null
),
wanted(position, example, percentile) as (
    values (1, 'blue', 0.1), (2, 'median', 0.5), (3, 'red', 0.9)
),
ranked as (
    select
        b.*,
        w.position,
        w.example,
        row_number() over (
            partition by b.sample, w.position order by abs(b.colour_rank - w.percentile), b.object_id
        ) as place
    from bright b
    cross join wanted w
)
select
    r.sample,
    b.checkpoint_id,
    cast(r.position as integer) as position,
    r.example,
    r.object_id,
    r.redshift,
    r.colour
from ranked r
inner join model.published b on b.sample = r.sample
where r.place = 1
order by r.sample, b.checkpoint_id, r.position;
