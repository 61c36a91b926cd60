-- makes: known(value), the value, or NULL where it is NaN, infinite or 99-like (archives' ways to write "missing")
-- reads:
-- paper: none; a magnitude, a seeing or a depth is never beyond 90
create or replace macro known(measured) as (
    case when isfinite(measured) and abs(measured) < 90 then measured end
);
