-- makes: paper.figure3, the layers of the published network, in the order in which data pass
-- reads: model.layers
-- paper: figure 3, section 3.1
-- stage: paper
create or replace table paper.figure3 as
select sample, checkpoint_id, position, part, layer, channels, height, width, n_weights
from model.layers
order by sample, checkpoint_id, position;
