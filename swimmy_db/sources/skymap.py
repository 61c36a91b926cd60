"""The ring sky map of HSC-SSP: tracts, patches, tract pixels, and the object ids that encode them (FORMATS 1.7).

120 rings of TAN tracts of about 1.5 degrees, each of 9 x 9 patches of 4000 pixels of 0.168 arcsec.
Angles are degrees, ICRS. Pixels are 0-based positions in the tract.
"""

import math
from typing import NamedTuple

import numpy as np

RINGS = 120
PIXEL_SCALE = 0.168  # arcsec
PATCH_SIZE = 4000  # pixels, inner
PATCHES_A_SIDE = 9
TRACT_CENTRE_PIXEL = 17999.0  # 0-based, both axes
RING_SIZE = 180.0 / (RINGS + 1)  # degrees

_DEGREES_A_PIXEL = PIXEL_SCALE / 3600.0


class SkyPlace(NamedTuple):
    """Where a position lies in the sky map; x and y are 0-based tract pixels."""

    tract: int
    patch_x: int
    patch_y: int
    x: float
    y: float

    @property
    def patch(self) -> int:
        """The archive's patch number, 100 * patch_x + patch_y."""
        return 100 * self.patch_x + self.patch_y

    @property
    def skymap_id(self) -> int:
        return skymap_id(self.tract, self.patch)


def skymap_id(tract: int, patch: int) -> int:
    """tract * 10000 + 100 * patch_x + patch_y, the key of patch_qa."""
    return tract * 10000 + patch


def tracts_in_ring(ring: int) -> int:
    """Number of tracts around ring `ring` (0 is the southernmost)."""
    edge = RING_SIZE * (ring + 0.5) - 90.0
    nearest_to_equator = min(abs(edge), abs(edge + RING_SIZE))
    return int(2.0 * math.pi * math.cos(math.radians(nearest_to_equator)) / math.radians(RING_SIZE)) + 1


_FIRST_TRACT = np.concatenate([[1], 1 + np.cumsum([tracts_in_ring(ring) for ring in range(RINGS)])])
N_TRACTS = int(_FIRST_TRACT[-1]) + 1  # with both pole caps


def tract_centre(tract: int) -> tuple[float, float]:
    """RA and Dec of a tract's centre, the CRVAL of its pixels. Raises ValueError for a number that is no tract."""
    if not 0 <= tract < N_TRACTS:
        raise ValueError(f"there is no tract {tract}; tracts go from 0 to {N_TRACTS - 1}")
    if tract == 0:
        return 0.0, -90.0
    if tract == N_TRACTS - 1:
        return 0.0, 90.0
    ring = int(np.searchsorted(_FIRST_TRACT, tract, side="right")) - 1
    return 360.0 * (tract - int(_FIRST_TRACT[ring])) / tracts_in_ring(ring), RING_SIZE * (ring + 1) - 90.0


def tract_of(ra: float, dec: float) -> int:
    """The tract whose inner region holds a position."""
    ring = math.floor((dec + 90.0) / RING_SIZE - 0.5)
    if ring < 0:
        return 0
    if ring >= RINGS:
        return N_TRACTS - 1
    n_tracts = tracts_in_ring(ring)
    return int(_FIRST_TRACT[ring]) + int((ra % 360.0) / (360.0 / n_tracts) + 0.5) % n_tracts


def sky_to_pixel(tract: int, ra: float, dec: float) -> tuple[float, float]:
    """0-based tract pixel (x, y) of a position, by the tract's TAN projection; +x is towards smaller RA."""
    ra_0, dec_0 = (math.radians(angle) for angle in tract_centre(tract))
    alpha, delta = math.radians(ra) - ra_0, math.radians(dec)
    cosine = math.sin(dec_0) * math.sin(delta) + math.cos(dec_0) * math.cos(delta) * math.cos(alpha)
    xi = math.cos(delta) * math.sin(alpha) / cosine
    eta = (math.cos(dec_0) * math.sin(delta) - math.sin(dec_0) * math.cos(delta) * math.cos(alpha)) / cosine
    return (
        TRACT_CENTRE_PIXEL - math.degrees(xi) / _DEGREES_A_PIXEL,
        TRACT_CENTRE_PIXEL + math.degrees(eta) / _DEGREES_A_PIXEL,
    )


def pixel_to_sky(tract: int, x: float, y: float) -> tuple[float, float]:
    """RA (0 to 360) and Dec of a 0-based tract pixel: the inverse of sky_to_pixel."""
    ra_0, dec_0 = (math.radians(angle) for angle in tract_centre(tract))
    xi = math.radians((TRACT_CENTRE_PIXEL - x) * _DEGREES_A_PIXEL)
    eta = math.radians((y - TRACT_CENTRE_PIXEL) * _DEGREES_A_PIXEL)
    down = math.cos(dec_0) - eta * math.sin(dec_0)
    ra = math.degrees(ra_0 + math.atan2(xi, down)) % 360.0
    return ra, math.degrees(math.atan2(math.sin(dec_0) + eta * math.cos(dec_0), math.hypot(xi, down)))


def locate(ra: float, dec: float) -> SkyPlace:
    """Tract, patch and tract pixel of a position."""
    tract = tract_of(ra, dec)
    x, y = sky_to_pixel(tract, ra, dec)
    return SkyPlace(tract, int(x // PATCH_SIZE), int(y // PATCH_SIZE), x, y)


def encode_object_id(tract: int, patch_x: int, patch_y: int, counter: int) -> int:
    """object_id = tract << 42 | patch_x << 37 | patch_y << 32 | counter."""
    return tract << 42 | patch_x << 37 | patch_y << 32 | counter


def decode_object_id(object_id: int) -> tuple[int, int, int, int]:
    """(tract, patch_x, patch_y, counter) of an object id."""
    return object_id >> 42, object_id >> 37 & 31, object_id >> 32 & 31, object_id & 0xFFFFFFFF
