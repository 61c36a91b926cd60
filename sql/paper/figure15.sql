-- makes: paper.figure15, the stacked spectra of the most anomalous galaxies, in the rest frame
-- reads: model.spectra_stacks, paper.figure14, survey.bands
-- paper: figure 15, panels a to c; ambiguity 34
-- stage: paper
create or replace table paper.figure15 as
with most_anomalous as (
    select sample, checkpoint_id, selection_band as band, count(*) as n_galaxies
    from paper.figure14
    group by sample, checkpoint_id, selection_band
)
select
    s.sample,
    s.checkpoint_id,
    s.band as selection_band,
    s.pixel,
    s.wavelength,
    s.flux,
    s.n_values,
    s.n_spectra,
    m.n_galaxies
from model.spectra_stacks s
inner join survey.bands b using (band)
inner join most_anomalous m using (sample, checkpoint_id, band)
order by s.sample, s.checkpoint_id, b.position, s.pixel;
