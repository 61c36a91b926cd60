-- makes: paper.needs, what the paper's figures, tables and numbers are made of: whether this survey has it (view)
-- reads: model.judged_scores, model.runs, raw.dr16q, raw.filter_curves, raw.galspec_info, raw.gswlc, raw.milliquas, raw.spectra, survey.bands, survey.classes, survey.cubes, survey.cuts, survey.galaxies, survey.photometry
-- paper: all
-- stage: paper
create or replace view paper.needs as
select 'runs' as need, exists (from model.runs) as is_met, 'no network is trained' as reason
union all
select 'scores', exists (from model.judged_scores), 'no checkpoint of the published experiment is scored'
union all
select 'cubes', exists (from survey.cubes), 'no galaxy of the sample has a cube'
union all
select 'training magnitudes', exists (
    select c.object_id
    from survey.classes c
    inner join survey.photometry p using (object_id)
    inner join survey.bands b on b.band = p.band and b.is_selection_band
    where c.is_training
    group by c.object_id
    having count(p.cmodel_mag) = (select count(*) from survey.bands where is_selection_band)
), 'no training galaxy has magnitudes in the selection bands'
union all
select 'negative residuals', exists (
    from model.judged_scores where is_selection_band and level is not null and residual_flux <= 0
), 'no galaxy over a threshold has a negative residual'
union all
select 'redshifts', exists (from survey.galaxies where isfinite(redshift)), 'no galaxy has a redshift'
union all
select 'curves', exists (
    from raw.filter_curves inner join survey.bands using (band) where is_selection_band
), 'no selection band has a throughput curve'
union all
select 'mpa_jhu', exists (from raw.galspec_info), 'no MPA-JHU catalogue'
union all
select 'xelgs', exists (from survey.classes where class = 'xelg'), 'no extreme emission-line galaxy in the sample'
union all
select 'dr16q', exists (from raw.dr16q), 'no DR16Q catalogue'
union all
select 'quasars', exists (from survey.classes where class = 'dr16q'), 'no DR16Q quasar in the sample'
union all
select 'milliquas', exists (from raw.milliquas), 'no Milliquas catalogue'
union all
select 'gswlc', exists (from raw.gswlc), 'no GSWLC-2 catalogue'
union all
select 'spectra', exists (from raw.spectra), 'no SDSS spectra'
union all
select 'two runs', (select count(*) > 1 from model.runs), 'there is one run only'
union all
select 'colour', exists (from survey.cuts where sample = 'colour'),
    'the colour sample is not selected (setting samples)'
union all
select 'two settings', (select count(distinct concat(latent_dim, ' ', noise_std)) > 1 from model.runs),
    'only one setting of the network is trained'
union all
select '3 sigma', exists (
    from model.judged_scores where is_selected and level in ('3sigma', '3.5sigma')
), 'no galaxy is selected at 3 sigma: the sample is too small, or their residuals are negative'
union all
select '3.5 sigma', exists (
    from model.judged_scores where sample = 'colour' and is_selected and level = '3.5sigma'
), 'no galaxy of the colour sample is selected at 3.5 sigma: 0.0465 % of it may be less than one';
