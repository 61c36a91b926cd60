-- makes: survey.classes, the one class of each galaxy, whether it trains the network, and what Milliquas calls it
-- reads: raw.galspec_info, raw.milliquas, survey.galaxies, survey.line_strengths, survey.matches, survey.parents, survey.sample_members
-- paper: section 2.2 and table 1; section 4.2 for Milliquas
-- Ambiguities 10 and 11: classes are disjoint, DR16Q before XELG before BPTCLASS.
create or replace table survey.classes as
with quasars as (
    select object_id from survey.matches where catalog = 'dr16q' and rank = 1
),
class_letters as (
    select trim(split_part(pair, '=', 1)) as letter, any_value(trim(split_part(pair, '=', 2))) as milliquas_class
    from (select unnest(string_split(setting_text('milliquas_classes'), ',')) as pair)
    where contains(pair, '=')
    group by letter
),
milliquas as (
    select
        m.object_id,
        -- ambiguity 30: the class letter, case-sensitive; K (type II, core-dominated) goes with N. Lower-case q, blank
        -- and association letters alone (R, X, 2) are candidates: others
        coalesce(l.milliquas_class, 'others') as milliquas_class,
        trim(s.type) as milliquas_type
    from survey.matches m
    inner join raw.milliquas s on s.source_file = m.source_file and s.file_row = m.file_row
    left join class_letters l on l.letter = substr(ltrim(s.type), 1, 1)
    where m.catalog = 'milliquas' and m.rank = 1
),
blind as (
    -- without MPA-JHU there is nothing to clean the training sample with: the whole sample trains (section 5)
    select count(*) = 0 as is_blind from raw.galspec_info
),
trainable as (
    -- the colour sample is searched with the network of the spectroscopic one (appendix 3); alone, it trains its own
    select distinct object_id
    from survey.sample_members
    where sample <> 'colour' or not exists (from survey.sample_members where sample <> 'colour')
),
classified as (
    select
        g.object_id,
        case
            when q.object_id is not null then 'dr16q'
            when coalesce(l.xelg_ew > setting('xelg_ew_min'), false) then 'xelg'
            when coalesce(l.bptclass > setting('training_bptclass_max'), false) then 'agn_liner_composite'
            when l.object_id is not null then 'training'
            else 'other_specz'
        end as class,
        l.object_id is not null as has_mpa_jhu
    from survey.galaxies g
    left join quasars q using (object_id)
    left join survey.line_strengths l using (object_id)
)
select
    c.object_id,
    c.class,
    t.object_id is not null and (c.class = 'training' or (b.is_blind and c.class <> 'dr16q')) as is_training,
    m.milliquas_class,
    m.milliquas_type,
    c.has_mpa_jhu,
    p.class_hint
from classified c
cross join blind b
inner join survey.parents p using (object_id)
left join milliquas m using (object_id)
left join trainable t using (object_id);
