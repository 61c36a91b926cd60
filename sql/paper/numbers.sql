-- makes: paper.numbers, the numbers that the text quotes, ours beside the paper's
-- reads: model.best_checkpoint, model.published, paper.figure12_correlations, paper.figure13_tests, paper.needs, paper.numbers_appendices, paper.numbers_characteristics, paper.numbers_selection, paper.numbers_words, paper.run_overlap, paper.table4, paper.table5, survey.bands
-- paper: sections 2.2 to 4.4, appendices 1 to 3
-- stage: paper
-- Mostly fractions, our_n of our_total, so that surveys of different sizes compare; `kind` is `value` for what is none.
-- The paper's numbers are about its sample with redshifts (appendix 3: about its colour sample). One row a number, sample
-- and checkpoint; our_total is 0 and our_value empty where the survey has nothing to count:
-- `reason` says why.
create or replace table paper.numbers as
with fractions as (
    select * from paper.numbers_selection
    union all
    select * from paper.numbers_characteristics
    union all
    select * from paper.numbers_words
    union all
    select * from paper.numbers_appendices
),
quantities as (
    select
        sample,
        checkpoint_id,
        'Spearman coefficient of score and '
            || case quantity when 'magnitude' then 'magnitude in ' else 'EW_band in ' end || band as name,
        '4.3' as section,
        cast(null as double) as paper_value,
        rho as our_value,
        n as our_n,
        'sql/paper/figure12_correlations.sql' as source,
        'p = ' || format('{:.2g}', p_value)
            || case quantity when 'magnitude' then '; the paper: no correlation' else '' end as note
    from paper.figure12_correlations
    union all
    select
        sample,
        checkpoint_id,
        'KS p-value of ' || case quantity when 'log_mass' then 'mass' else 'star-formation rate' end
            || ' of galaxies selected in ' || band
            || case catalog when 'mpa_jhu' then ', MPA-JHU' else ', GSWLC-2' end,
        '4.3',
        null,
        p_value,
        n_selected,
        'sql/paper/figure13_tests.sql',
        'statistic ' || format('{:.3f}', statistic) || ', against all galaxies; the paper: p << 0.01'
    from paper.figure13_tests
    where compared_with = 'all'
    union all
    select
        p.sample,
        p.checkpoint_id,
        'weights compared',
        'app. 1',
        480,
        b.n_checkpoints,
        b.n_checkpoints,
        'sql/model/best_checkpoint.sql',
        '16 epochs of 30 runs; ours: those saved and fit to score with'
    from model.published p
    inner join model.best_checkpoint b using (sample, checkpoint_id, experiment)
    where b.aperture = 'disc'
    union all
    -- "variations in the results of multiple runs under a fixed set of hyperparameter values were larger than the
    -- systematic variations caused by different hyperparameter sets"
    select
        p.sample,
        p.checkpoint_id,
        'scatter of the validation loss, runs of a setting over settings',
        'app. 1',
        null,
        avg(t.validation_loss_scatter order by t.experiment)
            / nullif(stddev_samp(t.validation_loss order by t.experiment), 0),
        count(*),
        'sql/paper/table5.sql',
        'standard deviations; the paper: larger than 1'
    from model.published p
    cross join paper.table5 t
    where t.n_runs > 0
    group by p.sample, p.checkpoint_id
    union all
    -- "the selections based on the g and i bands yield three to five times higher selection rates"
    select
        a.sample,
        a.checkpoint_id,
        'Milliquas ' || a.label || ': rate over that of r, selected in ' || a.selected_in,
        '4.2',
        a.paper_n / r.paper_n,
        a.our_n / nullif(r.our_n, 0),
        a.our_n,
        'sql/paper/table4.sql',
        'the paper: three to five times'
    from paper.table4 a
    inner join paper.table4 r using (sample, checkpoint_id, position)
    where a.position between 1 and 3 and r.selected_in = 'r' and a.selected_in not in ('r', 'total')
    union all
    select
        p.sample,
        p.checkpoint_id,
        'mean overlap of two runs'' candidates (Jaccard)',
        'app. 1',
        null,
        avg(o.jaccard order by o.run_a, o.run_b),
        count(*),
        'sql/paper/run_overlap.sql',
        'the paper leaves it out; by chance ' || format(
            '{:.3f}',
            avg(o.expected_both / (o.n_a + o.n_b - o.expected_both) order by o.run_a, o.run_b)
        )
    from model.published p
    inner join paper.run_overlap o on o.experiment = p.experiment and o.sample = p.sample
    group by p.sample, p.checkpoint_id
),
-- what a number needs, in this order: the first that is lacking is why there is none
needed as (
    select
        name,
        case
            when starts_with(name, 'scatter') then ['two settings']
            when section = '2.2' then ['mpa_jhu']
            when section = 'app. 3' then ['colour', 'runs', 'scores']
            when starts_with(name, 'DR16Q quasars') then ['dr16q', 'quasars']
            when starts_with(name, 'XELGs with EW_') then ['mpa_jhu', 'xelgs', 'curves']
            when starts_with(name, 'XELGs selected') then ['mpa_jhu', 'xelgs']
            when starts_with(name, 'XELGs of the MPA-JHU galaxies') then ['mpa_jhu', '3 sigma']
            when starts_with(name, 'Milliquas') or name like '%or Milliquas' then ['milliquas']
            when starts_with(name, 'galaxies above 3 sigma') then ['mpa_jhu', 'curves', '3 sigma']
            when starts_with(name, 'most anomalous galaxies') then ['mpa_jhu', '3 sigma']
            when starts_with(name, 'galaxies with EW_') then ['mpa_jhu', 'curves']
            when name like 'failed SED fits%most anomalous%' then ['gswlc', '3 sigma']
            when name like '%GSWLC-2%' then ['gswlc']
            else []
        end as needs
    from (
        select name, section from fractions
        union
        select name, section from quantities
    )
),
lacking as (
    select d.name, n.reason
    from needed d
    inner join paper.needs n on list_contains(d.needs, n.need) and not n.is_met
    qualify row_number() over (partition by d.name order by list_position(d.needs, n.need)) = 1
),
united as (
    select
        sample,
        checkpoint_id,
        name,
        'fraction' as kind,
        section,
        paper_value,
        case when our_total > 0 then our_n / our_total end as our_value,
        wilson_lower(our_n, our_total) as our_value_lower,
        wilson_upper(our_n, our_total) as our_value_upper,
        our_n,
        our_total,
        source,
        note
    from fractions
    union all
    select sample, checkpoint_id, name, 'value', section, paper_value, our_value, null, null, our_n, null, source, note
    from quantities
)
select
    u.sample,
    u.checkpoint_id,
    u.name,
    u.section,
    case when u.sample = 'specz' or u.section = 'app. 3' then cast(u.paper_value as double) end as paper_value,
    u.our_value,
    u.our_value_lower,
    u.our_value_upper,
    cast(u.our_n as bigint) as our_n,
    cast(u.our_total as bigint) as our_total,
    u.source as sql_file,
    u.note,
    u.kind,
    case when u.our_value is null then coalesce(l.reason, 'too few galaxies') end as reason
from united u
left join lacking l using (name)
left join survey.bands b on b.is_selection_band and regexp_matches(u.name, ' in ' || b.band || '([ ,]|$)')
-- the same number in one band after the other
order by
    u.sample,
    u.section,
    u.kind,
    case when b.band is null then u.name
    else replace(replace(u.name, ' in ' || b.band, ' in'), 'EW_' || b.band, 'EW') end,
    b.position,
    u.checkpoint_id;
