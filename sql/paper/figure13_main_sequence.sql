-- makes: paper.figure13_main_sequence, the dashed line of figure 13: the main sequence of star-forming galaxies
-- reads:
-- paper: figure 13; Renzini and Peng 2015: log SFR = 0.76 log M - 7.64 (ambiguity 38)
-- stage: paper
create or replace table paper.figure13_main_sequence as
select log_mass, 0.76 * log_mass - 7.64 as log_sfr
from (values (cast(7 as double)), (12)) ends(log_mass);
