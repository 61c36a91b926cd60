-- makes: the SDSS spectra of the most anomalous candidates (top 0.3 % and beyond), as plate, mjd, fiberid
-- reads: model.candidates, raw.dr16q, raw.galspec_info, survey.matches
-- paper: section 4.4, figure 15
with strangest as (
    select distinct object_id
    from model.candidates
    where aperture = 'disc' and max_level <> '2sigma'
),
matched as (
    select m.catalog, m.source_file, m.file_row
    from survey.matches m
    inner join strangest using (object_id)
    where m.rank = 1
)
select i.plateid as plate, i.mjd, i.fiberid
from matched m
inner join raw.galspec_info i on i.source_file = m.source_file and i.file_row = m.file_row
where m.catalog = 'mpa_jhu' and i.plateid > 0
union
select q.plate, q.mjd, q.fiberid
from matched m
inner join raw.dr16q q on q.source_file = m.source_file and q.file_row = m.file_row
where m.catalog = 'dr16q' and q.plate > 0
order by plate, mjd, fiberid;
