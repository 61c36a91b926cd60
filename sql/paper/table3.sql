-- makes: paper.table3, the catalogue of anomaly candidates, with the columns that the paper prints and all others
-- reads: model.candidates, model.outlier_bands, model.published, survey.galaxies
-- paper: table 3 and its supplementary data
-- stage: candidates
-- The five rows that the paper prints stand beside ours where an object has the same id.
create or replace table paper.table3 as
with printed(object_id, paper_band, paper_s_anom) as (
    values
        (36411461425187990, 'i', '(0.00076, 0.00982, 0.00708)'),
        (36411590274208581, 'g', '(0.03182, 0.00485, 0.00031)'),
        (36415992615686651, 'g', '(0.05844, 0.00023, 0.00489)'),
        (36416117169733290, 'i', '(0.00296, 0.00096, 0.00786)'),
        (36416409227512668, 'g', '(0.05086, 0.00229, 0.00056)')
),
best as (
    select sample, checkpoint_id from model.published
),
scores as (
    select
        sample,
        checkpoint_id,
        object_id,
        '(' || string_agg(format('{:.5f}', s_anom), ', ' order by position) || ')' as s_anom
    from model.outlier_bands
    where aperture = 'disc' and is_selection_band and is_candidate
    group by sample, checkpoint_id, object_id
)
select
    c.sample,
    c.checkpoint_id,
    c.object_id,
    round(c.ra, 5) as ra,
    round(c.dec, 5) as dec,
    c.bands as band,
    s.s_anom,
    p.paper_band,
    p.paper_s_anom,
    g.redshift,
    c.max_level,
    c.max_sigma,
    c.class,
    c.milliquas_class,
    c.n_checkpoints_selecting,
    -- s_anom_g, residual_g, sigma_g and so on for every band
    c.* exclude (
        sample,
        aperture,
        checkpoint_id,
        object_id,
        ra,
        dec,
        bands,
        max_level,
        max_sigma,
        class,
        milliquas_class,
        n_checkpoints_selecting
    )
from model.candidates c
inner join best b using (sample, checkpoint_id)
inner join scores s using (sample, checkpoint_id, object_id)
inner join survey.galaxies g using (object_id)
left join printed p using (object_id)
where c.aperture = 'disc'
order by c.sample, c.checkpoint_id, c.object_id;
