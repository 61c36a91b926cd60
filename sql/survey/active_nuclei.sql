-- makes: survey.active_nuclei, galaxies that a catalogue calls a quasar or an AGN, and which one (view)
-- reads: survey.classes, survey.line_strengths
-- paper: section 4.3, figures 11 to 13
-- Ambiguity 31: the paper does not say who is left out of figure 13: DR16Q, Milliquas, or a BPTCLASS of setting agn_bptclasses.
create or replace view survey.active_nuclei as
with agn_bptclasses as (
    select cast(trim(unnest(string_split(setting_text('agn_bptclasses'), ','))) as integer) as bptclass
)
select
    c.object_id,
    c.class = 'dr16q' as is_dr16q,
    c.milliquas_class,
    l.bptclass
from survey.classes c
left join survey.line_strengths l using (object_id)
where c.class = 'dr16q'
    or c.milliquas_class is not null
    or l.bptclass in (select bptclass from agn_bptclasses);
