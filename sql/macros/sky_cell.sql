-- makes: sky_cell(ra, dec), the key of the cell of 60" that holds a position (degrees), null where it is none; cell_key(x, y, z, cell)
-- reads:
-- paper: sections 2.2 and 4.2, what the cross-match joins on
-- Cells are cubes in the space of unit vectors: no special case at the poles or at RA 0/360. Every catalogue's table
-- keeps its positions' cells in the column sky_cell, written when it is ingested.
create or replace macro cell_key(x, y, z, cell) as
    -- one integer: |floor| < 2^13, shifted to be positive
    (cast(floor(x / cell) as bigint) + 16384) * 4294967296
    + (cast(floor(y / cell) as bigint) + 16384) * 65536
    + cast(floor(z / cell) as bigint) + 16384;

create or replace macro sky_cell(ra, dec, cell := radians(60 / 3600.0)) as
    case
        when isfinite(ra) and isfinite(dec) and abs(dec) <= 90
            then cell_key(cos(radians(dec)) * cos(radians(ra)), cos(radians(dec)) * sin(radians(ra)), sin(radians(dec)), cell)
    end;
