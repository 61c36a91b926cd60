-- makes: paper.figure13, star-formation rate against stellar mass: the selected galaxies, one by one
-- reads: model.judged_scores, survey.active_nuclei, survey.stellar_properties
-- paper: figure 13; by GSWLC-2 too, which the paper names but does not show
-- stage: paper
-- Quasars and AGNs are left out (ambiguity 31). All galaxies, these included, are counted in paper.figure13_density,
-- the side panels are in paper.figure13_histograms and paper.figure13_tests, the main sequence in
-- paper.figure13_main_sequence. "Diamonds": level is 3sigma or above.
create or replace table paper.figure13 as
select
    p.catalog,
    s.sample,
    s.checkpoint_id,
    s.band,
    s.object_id,
    p.log_mass,
    p.log_sfr,
    s.s_anom,
    s.sigma,
    s.level,
    coalesce(s.level <> '2sigma', false) as is_most_anomalous
from model.judged_scores s
inner join survey.stellar_properties p using (object_id)
where s.is_selected
    and p.log_mass is not null
    and p.log_sfr is not null
    and s.object_id not in (select object_id from survey.active_nuclei)
order by p.catalog, s.sample, s.checkpoint_id, s.position, s.object_id;
