"""Where the embedded survey lies: real HSC-wide tracts, their patches' seeing, depth and zero points, positions."""

from typing import NamedTuple

import numpy as np

from swimmy_db.sources.simulated.options import BANDS, SurveyOptions
from swimmy_db.sources.skymap import (
    PATCH_SIZE,
    PATCHES_A_SIDE,
    SkyPlace,
    encode_object_id,
    locate,
    pixel_to_sky,
    skymap_id,
)

# XMM-LSS, RA 0 (the tract lies on both sides of it), GAMA09, GAMA12, GAMA15, HectoMAP.
TRACTS = (8523, 9469, 9560, 9591, 9616, 15829)
GAMA_TRACTS = (8523, 9560, 9591, 9616)
MIN_SEPARATION = 20.0  # arcsec: no stamp shows a second catalogue object, so each may be drawn by itself
LACKING = ("no_row", "no_seeing", "no_depth")  # what patch_qa does not say of a patch
_TILE = 1.3  # degrees of the SDSS sky folded into one tract


class Patch(NamedTuple):
    """Row of patch_qa, and the zero-point error that its images have. Arrays are in grizy."""

    tract: int
    patch: int
    seeing: np.ndarray
    depth: np.ndarray
    zero_point_factor: np.ndarray
    psf_ellipticity: np.ndarray
    moffat_beta: float
    fault: str

    @property
    def skymap_id(self) -> int:
        return skymap_id(self.tract, self.patch)


def make_patches(options: SurveyOptions, rng: np.random.Generator) -> dict[int, Patch]:
    """All patches of the tracts by skymap_id; `fault` is '', 'seeing', 'depth', or one of LACKING for one patch each.

    Seeing scatters about the survey's medians, per tract and per patch, between 0.5 and 0.9 arcsec.
    """
    patches = {}
    for tract in TRACTS:
        tract_factor = np.exp(rng.normal(0.0, 0.06, len(BANDS)))
        for patch in (100 * x + y for x in range(PATCHES_A_SIDE) for y in range(PATCHES_A_SIDE)):
            seeing = np.array(options.seeing_median) * tract_factor * np.exp(rng.normal(0.0, 0.06, len(BANDS)))
            seeing = np.clip(seeing, 0.5, 0.9)
            depth = np.array(options.depth_median) + rng.normal(0.0, 0.12, len(BANDS))
            depth = np.maximum(depth, np.array(options.depth_min) + 0.02)
            draw, band = rng.random(), rng.integers(len(BANDS))
            fault = ""
            if draw < options.bad_patch_share:
                fault = "seeing"
                seeing[band] = rng.uniform(1.01, 1.25)
            elif draw < 2.0 * options.bad_patch_share:
                fault = "depth"
                depth[band] = options.depth_min[band] - rng.uniform(0.02, 0.5)
            made = Patch(
                tract,
                patch,
                np.round(seeing, 4),
                np.round(depth, 4),
                1.0 + options.zero_point_scatter * rng.standard_normal(len(BANDS)),
                0.03 * rng.standard_normal(2),
                float(rng.choice([2.8, 3.2, 3.8])),
                fault,
            )
            patches[made.skymap_id] = made
    good = [patch for patch in patches.values() if not patch.fault and _is_inner(patch)]
    for fault, place in zip(LACKING, rng.permutation(len(good))[: len(LACKING)], strict=True):
        patches[good[place].skymap_id] = good[place]._replace(fault=fault)
    return patches


def _is_inner(patch: Patch) -> bool:
    # A patch at a tract's rim belongs mostly to the neighbouring tract.
    return all(2 <= corner <= 6 for corner in divmod(patch.patch, 100))


class Sky:
    """Hands out positions that lie apart from each other, in patches of a given fault, and ids that encode them."""

    def __init__(self, patches: dict[int, Patch], rng: np.random.Generator) -> None:
        self.patches = patches
        self._rng = rng
        self._taken: dict[tuple[int, int, int], list[tuple[float, float]]] = {}
        self._counters: dict[int, int] = {}

    def place(
        self, ra: float, dec: float, fault: str = "", tracts: tuple[int, ...] = TRACTS
    ) -> tuple[float, float, SkyPlace]:
        """A position for the SDSS galaxy at (ra, dec): its place within a 1.3 degree tile, kept within a tract.

        The real positions lie over a quarter of the sky; folding keeps their clustering below a degree. Where the
        place is taken, or its patch has another fault, it is moved at random.
        """
        tract = int(tracts[self._rng.integers(len(tracts))])
        x = 17999.0 + ((ra * np.cos(np.radians(dec))) % _TILE - _TILE / 2) * 3600.0 / 0.168
        y = 17999.0 + (dec % _TILE - _TILE / 2) * 3600.0 / 0.168
        if fault:
            sites = [patch for patch in self.patches.values() if patch.fault == fault and patch.tract in tracts]
            site = sites[self._rng.integers(len(sites))]
            tract = site.tract
            x, y = (PATCH_SIZE * (corner + 0.5) for corner in divmod(site.patch, 100))
        radius = 1500.0 if fault else 30.0
        for _ in range(10_000):
            position = tuple(round(float(angle), 9) for angle in pixel_to_sky(tract, x, y))
            place = locate(*position)
            patch = self.patches.get(place.skymap_id)
            if place.tract == tract and patch is not None and patch.fault == fault and self._free(tract, x, y):
                self._taken.setdefault((tract, int(x // 500), int(y // 500)), []).append((x, y))
                return *position, place
            radius = min(radius * 1.3, 1900.0 if fault else 15_000.0)
            step_x, step_y = self._rng.uniform(-radius, radius, 2)
            centre = (x, y) if not fault else tuple(PATCH_SIZE * (corner + 0.5) for corner in divmod(site.patch, 100))
            x = float(np.clip(centre[0] + step_x, 2500.0, 33_500.0))
            y = float(np.clip(centre[1] + step_y, 2500.0, 33_500.0))
        raise RuntimeError(f"no room is left in tract {tract}: too many galaxies for {len(TRACTS)} tracts")

    def _free(self, tract: int, x: float, y: float) -> bool:
        limit = (MIN_SEPARATION / 0.168) ** 2
        cell_x, cell_y = int(x // 500), int(y // 500)
        return all(
            (x - other_x) ** 2 + (y - other_y) ** 2 > limit
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            for other_x, other_y in self._taken.get((tract, cell_x + i, cell_y + j), ())
        )

    def object_id(self, place: SkyPlace) -> int:
        """The next id of the place's patch."""
        counter = self._counters.get(place.skymap_id, 0) + int(self._rng.integers(3, 40))
        self._counters[place.skymap_id] = counter
        return encode_object_id(place.tract, place.patch_x, place.patch_y, counter)
