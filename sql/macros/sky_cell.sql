-- makes: sky_cell(ra_deg, dec_deg), the key of the cell of 60" that holds a position, null where it is none; cell_key(x, y, z, cell)
-- reads:
-- paper: sections 2.2 and 4.2, what the cross-match joins on
-- Cells are cubes in the space of unit vectors: no special case at the poles or at RA 0/360. Every catalogue's table
-- keeps its positions' cells in the column sky_cell, written when it is ingested.
create or replace macro cell_key(x, y, z, cell) as
    -- one integer: |floor| < 2^13, shifted to be positive
    (cast(floor(x / cell) as bigint) + 16384) * 4294967296
    + (cast(floor(y / cell) as bigint) + 16384) * 65536
    + cast(floor(z / cell) as bigint) + 16384;

create or replace macro sky_cell(ra_deg, dec_deg, cell := radians(60 / 3600.0)) as
    case
        when isfinite(ra_deg) and isfinite(dec_deg) and abs(dec_deg) <= 90
            then cell_key(
                cos(radians(dec_deg)) * cos(radians(ra_deg)), cos(radians(dec_deg)) * sin(radians(ra_deg)), sin(radians(dec_deg)), cell
            )
    end;
