-- makes: rows of MPA-JHU's {table} for the spectra near some positions, in one order for all three tables
-- reads: galSpecInfo, galSpecLine, galSpecExtra of SDSS CAS (T-SQL)
-- paper: section 2.2
select t.*
from ({near}) n
join galSpecInfo i on i.specObjID = n.specObjID
join galSpecLine l on l.specObjID = n.specObjID
join galSpecExtra e on e.specObjID = n.specObjID
join {table} t on t.specObjID = n.specObjID
order by t.specObjID
