-- makes: paper.table6, the catalogue of the colour sample's most anomalous galaxies, selected at 3.5 sigma
-- reads: model.judged_scores, paper.table3
-- paper: table 6 and its supplementary data, appendix 3
-- stage: paper
-- Ambiguity 27: the caption says "over 3 sigma", the number of objects 3.5 sigma (top 0.0465 % per band). `band` names the
-- bands that select at 3.5 sigma. The five rows that the paper prints stand beside ours where an object has the same id.
-- Without the colour sample (setting samples), or where 0.0465 % of it is less than one object, there are no rows.
create or replace table paper.table6 as
with printed(object_id, paper_band, paper_s_anom) as (
    values
        (36411444245320355, 'g&r&i', '(0.05678, 0.05687, 0.37663)'),
        (36411452835251719, 'i', '(0.00299, 0.00687, 0.02174)'),
        (36411577389302008, 'g', '(0.16888, 0.00131, 0.00347)'),
        (36411590274208996, 'r', '(0.00419, 0.08369, 0.00053)'),
        (36411594569174631, 'i', '(0.00106, 0.00612, 0.02948)')
),
most_anomalous as (
    select sample, checkpoint_id, object_id, string_agg(band, '&' order by position) as band
    from model.judged_scores
    where sample = 'colour' and is_selected and level = '3.5sigma'
    group by sample, checkpoint_id, object_id
)
select
    t.sample,
    t.checkpoint_id,
    t.object_id,
    t.ra,
    t.dec,
    m.band,
    t.s_anom,
    p.paper_band,
    p.paper_s_anom,
    t.* exclude (
        sample, checkpoint_id, object_id, ra, dec, band, s_anom, paper_band, paper_s_anom, redshift, class
    )
from paper.table3 t
inner join most_anomalous m using (sample, checkpoint_id, object_id)
left join printed p using (object_id)
order by t.sample, t.checkpoint_id, t.object_id;
