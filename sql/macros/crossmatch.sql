-- makes: crossmatch(left_table, left_key, right_table, right_key, radius_arcsec, right_cell := null), all pairs within the radius (inclusive): left_id, right_id, separation_arcsec
-- reads:
-- paper: sections 2.2 and 4.2, every match of two catalogues
-- Tables by name ('schema.table', or a CTE's name) with columns ra, dec in degrees; keys are columns or expressions.
-- The left side is copied into every cell that its sphere touches (so put the smaller table there), the right side
-- into its own; an equi-join on the cell finds the pairs and the exact chord decides. A position that is missing, NaN,
-- infinite or beyond a pole matches nothing. Radii from 0.01" to 10'.
-- right_cell := sky_cell where the right table keeps that column: its cells are then not computed anew. Radii over 15"
-- need larger cells than the stored ones, and compute them.
create or replace macro crossmatch(left_table, left_key, right_table, right_key, radius_arcsec, right_cell := null) as table
with crossmatch_vectors as (
    select
        left_key as id,
        dec,
        cos(radians(dec)) * cos(radians(ra)) as x,
        cos(radians(dec)) * sin(radians(ra)) as y,
        sin(radians(dec)) as z,
        2 * sin(radians(radius_arcsec / 3600.0) / 2) as chord,
        radians(greatest(60, 4 * radius_arcsec) / 3600.0) as cell
    from query_table(left_table)
    where isfinite(ra) and isfinite(dec) and abs(dec) <= 90
),
crossmatch_left as (
    select
        *,
        -- whether the sphere reaches over a side of its cell along an axis
        floor((x - chord) / cell) < floor((x + chord) / cell) as over_x,
        floor((y - chord) / cell) < floor((y + chord) / cell) as over_y,
        floor((z - chord) / cell) < floor((z + chord) / cell) as over_z
    from crossmatch_vectors
),
crossmatch_corners(corner_x, corner_y, corner_z) as (
    values (-1, -1, -1), (-1, -1, 1), (-1, 1, -1), (-1, 1, 1), (1, -1, -1), (1, -1, 1), (1, 1, -1), (1, 1, 1)
),
crossmatch_left_cells as (
    select id, dec, x, y, z, chord, cell_key(x, y, z, cell) as cell
    from crossmatch_left
    where not (over_x or over_y or over_z)
    union all
    -- two cells along an axis; where it is one, only the upper corner stays
    select
        id, dec, x, y, z, chord,
        cell_key(x + corner_x * chord, y + corner_y * chord, z + corner_z * chord, cell)
    from crossmatch_left
    cross join crossmatch_corners
    where (over_x or over_y or over_z)
        and (corner_x = 1 or over_x)
        and (corner_y = 1 or over_y)
        and (corner_z = 1 or over_z)
),
crossmatch_right as (
    select
        right_key as id,
        ra,
        dec,
        coalesce(
            case when radius_arcsec <= 15 then right_cell end,
            sky_cell(ra, dec, cell := radians(greatest(60, 4 * radius_arcsec) / 3600.0))
        ) as cell
    from query_table(right_table)
),
crossmatch_pairs as (
    select
        l.id as left_id,
        r.id as right_id,
        pow(l.x - cos(radians(r.dec)) * cos(radians(r.ra)), 2)
        + pow(l.y - cos(radians(r.dec)) * sin(radians(r.ra)), 2)
        + pow(l.z - sin(radians(r.dec)), 2) as chord_squared,
        l.chord
    from crossmatch_left_cells l
    inner join crossmatch_right r
        on l.cell = r.cell
        -- cheap, and most of a cell fails it: declinations alone are too far apart
        and abs(l.dec - r.dec) * 3600 <= radius_arcsec + 1e-6
)
select
    left_id,
    right_id,
    degrees(2 * asin(least(1.0, sqrt(chord_squared) / 2))) * 3600 as separation_arcsec
from crossmatch_pairs
where chord_squared <= chord * chord;
