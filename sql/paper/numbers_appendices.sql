-- makes: paper.numbers_appendices, the fractions that appendices 1 to 3 quote: counted (view)
-- reads: model.best_checkpoint, model.candidates, model.judged_scores, model.published, model.selection_rates, paper.figure17, survey.bands, survey.colour_trial
-- paper: appendices 1 to 3
-- stage: paper
create or replace view paper.numbers_appendices as
with
-- appendix 1: what the choice by labels adds
medians as (
    select
        p.sample,
        p.median_checkpoint_id as checkpoint_id,
        q.name,
        'app. 1' as section,
        null as paper_value,
        coalesce(r.n_selected, 0) as our_n,
        coalesce(r.n, 0) as our_total,
        'sql/model/best_checkpoint.sql' as source,
        'the best checkpoint is chosen with these labels, the median is not (ambiguity 29)' as note
    from model.published p
    cross join (
        values
            ('all', 'candidates of the median checkpoint'),
            ('xelg', 'XELGs selected by the median checkpoint')
    ) q(class, name)
    left join model.selection_rates r
        on r.checkpoint_id = p.median_checkpoint_id
        and r.aperture = 'disc'
        and r.sample = p.sample
        and r.class = q.class
    where p.median_checkpoint_id is not null
),
stable as (
    select
        c.sample,
        c.checkpoint_id,
        'candidates that at least half of the checkpoints select',
        'app. 1',
        null,
        count(*) filter (where c.n_checkpoints_selecting >= b.n_checkpoints / 2),
        count(*),
        'sql/paper/stability.sql',
        'the paper leaves it out'
    from model.candidates c
    inner join model.published p using (sample, checkpoint_id)
    inner join model.best_checkpoint b
        on b.experiment = p.experiment and b.sample = p.sample and b.aperture = 'disc'
    where c.aperture = 'disc'
    group by c.sample, c.checkpoint_id
),
-- appendix 2
only_this_band as (
    select
        f.sample,
        f.checkpoint_id,
        'strongest negative residuals in ' || f.selection_band || ' that are positive in all other bands',
        'app. 2',
        null,
        count(*) filter (where f.n_positive_bands = b.n - 1),
        count(*),
        'sql/paper/figure17.sql',
        'the paper: "almost all", of 25 in r'
    from paper.figure17 f
    cross join (select count(*) as n from survey.bands) b
    group by f.sample, f.checkpoint_id, f.selection_band
),
-- appendix 3
limits as (
    select coalesce(setting('redshift_min'), 0) as low, coalesce(setting('redshift_max'), 'infinity') as high
),
trial as (
    select t.*, t.is_sdss and t.redshift > l.low and t.redshift < l.high as is_inside
    from survey.colour_trial t
    cross join limits l
),
colour_trial as (
    select 'objects left by the colour cut' as name, 487152 / 839908 as paper_value,
        count(*) filter (where passes_colour) as our_n, count(*) as our_total,
        'of all that pass the other cuts, with a redshift or without' as note
    from trial
    union all
    select 'completeness of the colour cut', 0.965,
        count(*) filter (where is_inside and passes_colour), count(*) filter (where is_inside),
        'of the galaxies between the redshift limits; SDSS redshifts'
    from trial
    union all
    select 'galaxies outside the redshift limits that the colour cut removes', 0.886,
        count(*) filter (where is_sdss and not is_inside and not passes_colour),
        count(*) filter (where is_sdss and not is_inside),
        'SDSS redshifts'
    from trial
    union all
    select 'outliers in what the colour cut leaves', 0.209,
        count(*) filter (where is_sdss and not is_inside and passes_colour),
        count(*) filter (where is_sdss and passes_colour),
        'galaxies outside the redshift limits; SDSS redshifts'
    from trial
),
most_anomalous as (
    select
        'colour',
        p.checkpoint_id,
        'colour sample selected at 3.5 sigma in ' || b.band,
        'app. 3',
        225 / 487152,
        count(*) filter (where s.is_selected and s.level = '3.5sigma'),
        count(s.object_id),
        'sql/paper/table6.sql',
        'top 0.0465 %, then a positive residual (ambiguity 35)'
    from survey.bands b
    left join model.published p on p.sample = 'colour'
    left join model.judged_scores s
        on s.sample = p.sample and s.checkpoint_id = p.checkpoint_id and s.band = b.band
    where b.is_selection_band
    group by p.checkpoint_id, b.band
),
united as (
    select * from medians
    union all
    select * from stable
    union all
    select * from only_this_band
    union all
    select 'colour', null, name, 'app. 3', paper_value, our_n, our_total, 'sql/survey/colour_trial.sql', note
    from colour_trial
    union all
    select * from most_anomalous
)
select * from united;
