-- makes: crossmatch(left_table, left_key, right_table, right_key, radius_arcsec), all pairs within the radius (inclusive): left_id, right_id, separation_arcsec
-- reads:
-- paper: sections 2.2 and 4.2, every match of two catalogues
-- Tables by name ('schema.table', or a CTE's name) with columns ra, dec in degrees; keys are columns or expressions.
-- Unit vectors are put in cubic cells of at least 60" and four radii: no special case at the poles or at RA 0/360.
-- The left side is copied into every cell that its sphere touches (so put the smaller table there), the right side into
-- its own; an equi-join on the cell finds the pairs and the exact chord decides. A position that is missing, NaN,
-- infinite or beyond a pole matches nothing. Radii from 0.01" to 10'.
create or replace macro crossmatch(left_table, left_key, right_table, right_key, radius_arcsec) as table
with crossmatch_left as (
    select
        left_key as id,
        cos(radians(dec)) * cos(radians(ra)) as x,
        cos(radians(dec)) * sin(radians(ra)) as y,
        sin(radians(dec)) as z,
        2 * sin(radians(radius_arcsec / 3600.0) / 2) as chord,
        greatest(radians(60 / 3600.0), 4 * radians(radius_arcsec / 3600.0)) as cell
    from query_table(left_table)
    where isfinite(ra) and isfinite(dec) and abs(dec) <= 90
),
crossmatch_corners(corner_x, corner_y, corner_z) as (
    values (-1, -1, -1), (-1, -1, 1), (-1, 1, -1), (-1, 1, 1), (1, -1, -1), (1, -1, 1), (1, 1, -1), (1, 1, 1)
),
crossmatch_left_cells as (
    -- a sphere touches one or two cells along an axis; where it is one, only the upper corner stays
    select
        id,
        x,
        y,
        z,
        chord,
        cast(floor((x + corner_x * chord) / cell) as bigint) as cell_x,
        cast(floor((y + corner_y * chord) / cell) as bigint) as cell_y,
        cast(floor((z + corner_z * chord) / cell) as bigint) as cell_z
    from crossmatch_left
    cross join crossmatch_corners
    where (corner_x = 1 or floor((x - chord) / cell) < floor((x + chord) / cell))
        and (corner_y = 1 or floor((y - chord) / cell) < floor((y + chord) / cell))
        and (corner_z = 1 or floor((z - chord) / cell) < floor((z + chord) / cell))
),
crossmatch_right as (
    select
        right_key as id,
        cos(radians(dec)) * cos(radians(ra)) as x,
        cos(radians(dec)) * sin(radians(ra)) as y,
        sin(radians(dec)) as z,
        greatest(radians(60 / 3600.0), 4 * radians(radius_arcsec / 3600.0)) as cell
    from query_table(right_table)
    where isfinite(ra) and isfinite(dec) and abs(dec) <= 90
),
crossmatch_right_cells as (
    select
        id,
        x,
        y,
        z,
        cast(floor(x / cell) as bigint) as cell_x,
        cast(floor(y / cell) as bigint) as cell_y,
        cast(floor(z / cell) as bigint) as cell_z
    from crossmatch_right
),
crossmatch_pairs as (
    select
        l.id as left_id,
        r.id as right_id,
        pow(l.x - r.x, 2) + pow(l.y - r.y, 2) + pow(l.z - r.z, 2) as chord_squared,
        l.chord
    from crossmatch_left_cells l
    inner join crossmatch_right_cells r
        -- one integer key: |cell| < 2^13, shifted to be positive
        on ((l.cell_x + 16384) * 4294967296 + (l.cell_y + 16384) * 65536 + l.cell_z + 16384)
        = ((r.cell_x + 16384) * 4294967296 + (r.cell_y + 16384) * 65536 + r.cell_z + 16384)
)
select
    left_id,
    right_id,
    degrees(2 * asin(least(1.0, sqrt(chord_squared) / 2))) * 3600 as separation_arcsec
from crossmatch_pairs
where chord_squared <= chord * chord;
