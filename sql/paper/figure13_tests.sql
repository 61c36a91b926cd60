-- makes: paper.figure13_tests, Kolmogorov-Smirnov tests of the selected galaxies' masses and rates, as printed in figure 13
-- reads: model.ks_tests, survey.bands
-- paper: figure 13, section 4.3 ("small p-values")
-- stage: paper
-- The paper does not say what the selected are compared with: all galaxies, as the panels draw, and the others stand here.
create or replace table paper.figure13_tests as
select
    k.catalog,
    k.sample,
    k.checkpoint_id,
    k.band,
    k.quantity,
    k.compared_with,
    k.n_selected,
    k.n_compared,
    k.statistic,
    k.p_value
from model.ks_tests k
inner join survey.bands b using (band)
order by k.catalog, k.sample, k.checkpoint_id, b.position, k.quantity, k.compared_with;
