-- part of the other files here: which objects are brought at all (FORMATS.md section 1.8)
-- Coarse on purpose: the paper's cuts are made and counted at home, and a changed setting needs no new query.
tractSearch(f.object_id, {first_tract}, {last_tract})
and (
    not {push_down}
    or (
        f.isprimary
        and f.{magnitude_band}_cmodel_mag - {extinction} * f.a_{magnitude_band} < {magnitude_limit}
        and f2.{magnitude_band}_psfflux_mag - f.{magnitude_band}_cmodel_mag > {extendedness_limit}
    )
)
