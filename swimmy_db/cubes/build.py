"""From stamps of linear counts to cubes: crop, scale, PSF match, stretch, quantise (section 2.3)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from swimmy_db.cubes.psf import kernel_sigma, match_psf
from swimmy_db.cubes.store import CubeBlock, CubeRecipe, distance_from_centre, quantise
from swimmy_db.cubes.stretch import asinh_stretch, flux_of_one_count

BLOCK = 16  # objects smoothed and stretched at once: what stays in cache (measured)
KERNEL_REACH = 4.0  # sigma; beyond it the kernel holds 3e-4 of a band's sky


class StampBlock(NamedTuple):
    """Some objects with their stamps in every band, bands in the recipe's order.

    object_ids: (n,) int64. ra, dec: (n,) deg. pixels: per object, per band a (ny, nx) float32 array of counts,
    bad pixels NaN, or None where the band is missing; sizes may differ by object and band. x, y: (n, band) 0-based
    pixel position of the object. zero_point: (n, band) AB mag of one count. seeing: (n, band) arcsec.
    """

    object_ids: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    pixels: Sequence[Sequence[np.ndarray | None]]
    x: np.ndarray
    y: np.ndarray
    zero_point: np.ndarray
    seeing: np.ndarray


class CubeReject(NamedTuple):
    """An object without a cube: the band at fault (None if not one band's) and the reason, as in meta.rejects."""

    object_id: int
    band: str | None
    reason: str


def build_cubes(stamps: Iterable[StampBlock], recipe: CubeRecipe) -> Iterator[tuple[CubeBlock, list[CubeReject]]]:
    """Cubes and rejects of each block of stamps, in its order: every object given comes out in one of the two.

    The crop is by whole pixels, so that the object falls between the two central pixels; what is left is recorded
    as its offset. Constant memory: a block in, a block out.
    """
    for block in stamps:
        for first in range(0, len(block.object_ids), BLOCK):
            yield _build_block(_part_of(block, slice(first, first + BLOCK)), recipe)


def _part_of(block: StampBlock, part: slice) -> StampBlock:
    return StampBlock(*(column[part] for column in block))


def _build_block(block: StampBlock, recipe: CubeRecipe) -> tuple[CubeBlock, list[CubeReject]]:
    side = recipe.stamp_size + 2 * recipe.psf_margin
    counts = np.zeros((len(block.object_ids), len(recipe.bands), side, side), np.float32)
    offsets = np.zeros((len(block.object_ids), 2))
    faults = [_crop_object(block, i, recipe, counts[i], offsets[i]) for i in range(len(block.object_ids))]
    bad = ~np.isfinite(counts)
    inside = bad & _aperture(side, recipe.aperture_radius)
    for i, band in zip(*np.nonzero(inside.any(axis=(2, 3))), strict=True):
        faults[i] = faults[i] or (recipe.bands[band], "bad pixel inside the aperture")
    kept = np.array([fault is None for fault in faults], dtype=bool)
    rejects = [CubeReject(int(block.object_ids[i]), *fault) for i, fault in enumerate(faults) if fault is not None]
    counts[bad] = 0.0
    cube_area = slice(recipe.psf_margin, recipe.psf_margin + recipe.stamp_size)

    zero_point = torch.from_numpy(np.asarray(block.zero_point, np.float64)[kept])
    seeing = torch.from_numpy(np.asarray(block.seeing, np.float64)[kept])
    flux = torch.from_numpy(counts[kept]) * flux_of_one_count(zero_point, recipe.stretch).float()[..., None, None]
    matched, unsmoothed = match_psf(flux, seeing, recipe.target_fwhm, recipe.pixel_scale, recipe.psf_margin)
    cubes = quantise(asinh_stretch(matched, recipe.stretch.alpha, recipe.stretch.beta))
    return CubeBlock(
        object_ids=np.asarray(block.object_ids, np.int64)[kept],
        ra=np.asarray(block.ra)[kept],
        dec=np.asarray(block.dec)[kept],
        cubes=cubes,
        n_bad=bad[kept, :, cube_area, cube_area].sum(axis=(1, 2, 3), dtype=np.int32),
        offset_x=offsets[kept, 0],
        offset_y=offsets[kept, 1],
        unsmoothed=unsmoothed.numpy(),
    ), rejects


def _aperture(side: int, radius: float) -> np.ndarray:
    return distance_from_centre(side) <= radius


def _crop_object(
    block: StampBlock, i: int, recipe: CubeRecipe, counts: np.ndarray, offset: np.ndarray
) -> tuple[str | None, str] | None:
    """Fill counts (band, y, x), margin included, and the offset (x, y); or (band, reason) why it cannot be.

    The bands share one pixel grid, so the first band's crop decides and the others follow by whole pixels: rounding
    each band's position by itself could shift one against the others when the object lies on a pixel's edge.
    """
    columns = {"position": (block.x, block.y), "zero point": (block.zero_point,), "seeing": (block.seeing,)}
    for b, band in enumerate(recipe.bands):
        if block.pixels[i][b] is None:
            return band, "band missing"
        for name, arrays in columns.items():
            if not all(np.isfinite(array[i, b]) for array in arrays):
                return band, f"{name} missing"
        if not block.seeing[i, b] > 0:
            return band, "seeing not positive"
    half = recipe.stamp_size // 2 - 1
    corner = np.array([math.floor(block.x[i, 0]) - half, math.floor(block.y[i, 0]) - half])
    positions = np.stack([block.x[i], block.y[i]], axis=1)
    corners = corner + np.rint(positions - positions[0]).astype(int)
    offset[:] = positions[0] - corner - (recipe.stamp_size - 1) / 2.0
    sigma = kernel_sigma(torch.as_tensor(block.seeing[i], dtype=torch.float64), recipe.target_fwhm, recipe.pixel_scale)
    needed = [min(recipe.psf_margin, math.ceil(KERNEL_REACH * value)) for value in sigma.tolist()]
    for b, band in enumerate(recipe.bands):
        fault = _crop(block.pixels[i][b], corners[b], recipe, needed[b], counts[b])
        if fault is not None:
            return band, fault
    return None


def _crop(pixels: np.ndarray, corner: np.ndarray, recipe: CubeRecipe, needed: int, target: np.ndarray) -> str | None:
    """Copy the cube's area and its margin into target; what the kernel cannot reach may lie outside the stamp (0)."""
    height, width = pixels.shape
    x, y = (int(value) for value in corner)
    spare = min(x, y, width - x - recipe.stamp_size, height - y - recipe.stamp_size)
    if spare < needed:
        wanted = recipe.stamp_size + 2 * needed
        return f"stamp too small: expected {wanted} x {wanted} pixels around the object, found {width} x {height}"
    margin = recipe.psf_margin
    side = recipe.stamp_size + 2 * margin
    left, low = max(x - margin, 0), max(y - margin, 0)
    piece = pixels[low : y - margin + side, left : x - margin + side]
    target[low - y + margin :, left - x + margin :][: piece.shape[0], : piece.shape[1]] = piece
    return None
