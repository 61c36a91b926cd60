-- makes: angular_separation(ra_1, dec_1, ra_2, dec_2), arcsec between two positions given in degrees
-- reads:
-- paper: none; the chord between unit vectors, accurate from 1e-6 arcsec to 180 degrees
create or replace macro angular_separation(ra_1, dec_1, ra_2, dec_2) as (
    2 * degrees(asin(least(1.0, sqrt(
        pow(sin(radians(dec_2 - dec_1) / 2), 2)
        + cos(radians(dec_1)) * cos(radians(dec_2)) * pow(sin(radians(ra_2 - ra_1) / 2), 2)
    )))) * 3600
);
