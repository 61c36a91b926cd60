"""The ring sky map against the ids and positions that the paper prints, and against astropy's TAN projection."""

import numpy as np
import pytest
from astropy.wcs import WCS

from swimmy_db.sources.skymap import (
    N_TRACTS,
    decode_object_id,
    encode_object_id,
    locate,
    pixel_to_sky,
    sky_to_pixel,
    skymap_id,
    tract_centre,
    tract_of,
)

PAPER_ROWS = [  # Tables 3 and 6: object_id, RA, Dec
    (36411461425187990, 30.58684, -5.99814),
    (36411590274208581, 30.44342, -6.28742),
    (36415992615686651, 31.99153, -6.09370),
    (36416117169733290, 31.81884, -6.76016),
    (36416409227512668, 31.37596, -5.98973),
    (36411444245320355, 30.59056, -6.67457),
    (36411452835251719, 30.57699, -6.38626),
    (36411577389302008, 30.34561, -6.90563),
    (36411590274208996, 30.47591, -6.27652),
    (36411594569174631, 30.52445, -6.16192),
]


@pytest.mark.parametrize(("object_id", "ra", "dec"), PAPER_ROWS)
def test_positions_lie_in_the_tract_and_patch_that_the_papers_ids_encode(object_id, ra, dec):
    tract, patch_x, patch_y, _ = decode_object_id(object_id)
    place = locate(ra, dec)
    # Five decimals of a degree are 0.2 pixels: one of the ten lies 2 pixels from a patch's edge and still agrees.
    assert (place.tract, place.patch_x, place.patch_y) == (tract, patch_x, patch_y)


@pytest.mark.parametrize(
    ("object_id", "tract", "patch"),
    [
        (36429603367044827, 8283, 408),  # figure 2
        (40022257610803902, 9100, 8),  # figure 4
        (40031324286770027, 9102, 207),
        (40031182552849262, 9102, 106),
    ],
)
def test_the_ids_of_the_papers_figures_lie_in_hsc_wide(object_id, tract, patch):
    found, patch_x, patch_y, _ = decode_object_id(object_id)
    assert (found, 100 * patch_x + patch_y) == (tract, patch)
    assert max(patch_x, patch_y) < 9
    _, dec = tract_centre(tract)
    assert -8.0 < dec < 6.0, "the fields of the equator, where the paper's redshifts are"


def test_ids_encode_and_decode():
    assert encode_object_id(8279, 0, 8, 19606) == 36411461425187990
    assert decode_object_id(encode_object_id(18937, 8, 8, 2**32 - 1)) == (18937, 8, 8, 2**32 - 1)
    assert skymap_id(8279, 305) == 82790305
    assert locate(30.58684, -5.99814).skymap_id == 82790008


def test_there_are_18938_tracts_and_each_holds_its_centre():
    assert N_TRACTS == 18938
    assert tract_centre(8279) == pytest.approx(
        (29.8755186721992, -6.69421487603305), abs=1e-10
    )  # a real cutout's CRVAL
    for tract in [*range(0, N_TRACTS, 97), N_TRACTS - 1]:
        assert tract_of(*tract_centre(tract)) == tract
    with pytest.raises(ValueError, match="no tract 18938"):
        tract_centre(N_TRACTS)


@pytest.mark.parametrize("tract", [8279, 9469, 15829])
def test_pixels_are_those_of_a_tan_projection(tract):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = tract_centre(tract)
    wcs.wcs.crpix = [18000.0, 18000.0]
    wcs.wcs.cd = [[-0.168 / 3600, 0.0], [0.0, 0.168 / 3600]]
    rng = np.random.default_rng(1)
    for x, y in rng.uniform(0, 36_000, (20, 2)):
        ra, dec = pixel_to_sky(tract, x, y)
        assert 0.0 <= ra < 360.0
        ra_wcs, dec_wcs = wcs.wcs_pix2world([[x, y]], 0)[0]
        assert (ra, dec) == pytest.approx((ra_wcs % 360.0, dec_wcs), abs=1e-9)
        assert sky_to_pixel(tract, ra, dec) == pytest.approx((x, y), abs=1e-5)


def test_a_tract_lies_on_both_sides_of_ra_0():
    assert {tract_of(359.9, 0.7), tract_of(0.1, 0.7)} == {9469}
    assert locate(359.9, 0.7).x > locate(0.1, 0.7).x
