-- makes: the candidates of sample $1 at checkpoint $2 with what a reader wants to sort by, the most significant first
-- reads: model.candidates, survey.galaxies, survey.photometry
-- paper: table 3
select
    c.* exclude (sample, aperture, checkpoint_id),
    g.redshift,
    p.cmodel_mag as magnitude
from model.candidates c
inner join survey.galaxies g using (object_id)
left join survey.photometry p on p.object_id = c.object_id and p.band = setting_text('magnitude_band')
where c.sample = $1 and c.checkpoint_id = $2 and c.aperture = 'disc'
order by c.max_sigma desc, c.n_checkpoints_selecting desc, c.object_id;
