"""Cubes against a plain scipy and numpy chain, the crop's parity, bad pixels, and what is turned away."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from swimmy_db.cubes.build import StampBlock, build_cubes
from swimmy_db.cubes.store import CubeRecipe
from swimmy_db.cubes.stretch import StretchParameters

BANDS = ("g", "r", "i")
RECIPE = CubeRecipe(StretchParameters(BANDS, (1.0, 1.0, 1.5)))


def stamps(n=3, size=96, x=47.3, y=47.8, seed=1, **changes):
    """n objects: noise and a Gaussian galaxy at (x, y), in three bands of different seeing and zero point."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    galaxy = 40 * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 3.0**2)
    pixels = [[(galaxy + random.normal(0, 0.05, galaxy.shape)).astype(np.float32) for _ in BANDS] for _ in range(n)]
    columns = {
        "object_ids": np.arange(n) + 36411461425187990,
        "ra": np.full(n, 30.5),
        "dec": np.full(n, -5.9),
        "pixels": pixels,
        "x": np.full((n, 3), x),
        "y": np.full((n, 3), y),
        "zero_point": np.tile([27.0, 27.1, 26.9], (n, 1)),
        "seeing": np.tile([0.8, 0.7, 0.6], (n, 1)),
    }
    return StampBlock(**{**columns, **changes})


def build(*blocks, recipe=RECIPE):
    """(cube block of all, rejects of all)"""
    parts = list(build_cubes(iter(blocks), recipe))
    columns = [np.concatenate([getattr(cubes, name) for cubes, _ in parts]) for name in parts[0][0]._fields]
    return parts[0][0]._make(columns), [reject for _, rejects in parts for reject in rejects]


def plain_cube(pixels, x, y, zero_point, seeing):
    """One object's cube by scipy and numpy in float64."""
    x0, y0 = math.floor(x) - 31, math.floor(y) - 31
    bands = []
    for b, divisor in enumerate(RECIPE.stretch.divisors):
        sigma = math.sqrt(1.0 - seeing[b] ** 2) / 2.354820045 / 0.168
        counts = np.nan_to_num(pixels[b].astype(np.float64), nan=0.0)
        smoothed = gaussian_filter(counts, sigma, mode="constant", truncate=8)[y0 : y0 + 64, x0 : x0 + 64]
        bands.append(smoothed * 10 ** (0.4 * (19 - zero_point[b])) / divisor)
    flux = np.array(bands)
    mean = flux.mean(axis=0)
    return np.clip(np.arcsinh(math.exp(10) * mean) / math.asinh(math.exp(10)) * flux / mean + 0.05, 0, 1)


def test_a_cube_is_what_the_plain_chain_gives_to_the_quantisation():
    block = stamps()
    cubes, rejects = build(block)
    assert not rejects
    assert cubes.cubes.dtype == np.uint16
    assert cubes.object_ids.tolist() == block.object_ids.tolist()
    for i in range(3):
        expected = plain_cube(block.pixels[i], 47.3, 47.8, block.zero_point[i], block.seeing[i])
        assert np.abs(cubes.cubes[i] / 65535 - expected).max() < 2e-5  # the float32 kernel wings and 7.7e-6


@pytest.mark.parametrize(("x", "y"), [(47.0, 47.999), (47.5, 47.5), (48.2, 46.4), (46.0, 48.0)])
def test_the_object_falls_between_the_two_central_pixels_and_its_offset_is_recorded(x, y):
    cubes, rejects = build(stamps(size=98, x=x, y=y, n=1))
    assert not rejects
    assert cubes.offset_x[0] == pytest.approx(x % 1 - 0.5)
    assert cubes.offset_y[0] == pytest.approx(y % 1 - 0.5)
    image = cubes.cubes[0, 0].astype(np.float64) - np.median(cubes.cubes[0, 0])
    image[image < 0.3 * image.max()] = 0
    rows, columns = np.mgrid[:64, :64]
    assert (image * columns).sum() / image.sum() - 31.5 == pytest.approx(cubes.offset_x[0], abs=0.05)
    assert (image * rows).sum() / image.sum() - 31.5 == pytest.approx(cubes.offset_y[0], abs=0.05)


def test_bands_are_cropped_alike_when_the_object_lies_on_a_pixel_s_edge():
    block = stamps(x=48.0, size=98, n=1)
    jittered = block._replace(x=np.array([[48.0, 47.9999999, 48.0000001]]), pixels=[[block.pixels[0][0]] * 3])
    steady = block._replace(pixels=[[block.pixels[0][0]] * 3])
    assert np.array_equal(build(jittered)[0].cubes, build(steady)[0].cubes)


def test_bands_on_grids_that_differ_by_whole_pixels_are_brought_together():
    block = stamps(size=98, n=1)
    shifted = [block.pixels[0][0], np.roll(block.pixels[0][1], 1, axis=1), np.roll(block.pixels[0][2], -1, axis=0)]
    moved = block._replace(pixels=[shifted], x=np.array([[47.3, 48.3, 47.3]]), y=np.array([[47.8, 47.8, 46.8]]))
    assert np.array_equal(build(moved)[0].cubes[:, :, 2:-2, 2:-2], build(block)[0].cubes[:, :, 2:-2, 2:-2])


def test_bad_pixels_outside_the_aperture_are_0_before_the_convolution_and_counted():
    block = stamps(n=2)
    block.pixels[0][1][20:22, 50:60] = np.nan
    block.pixels[0][2][2, 2] = np.inf  # in the margin: not a pixel of the cube
    cubes, rejects = build(block)
    assert not rejects
    assert cubes.n_bad.tolist() == [20, 0]
    pixels = [np.where(np.isfinite(band), band, np.nan) for band in block.pixels[0]]
    expected = plain_cube(pixels, 47.3, 47.8, block.zero_point[0], block.seeing[0])
    assert np.abs(cubes.cubes[0] / 65535 - expected).max() < 2e-5


def test_a_bad_pixel_at_3_px_is_inside_the_aperture_and_one_beyond_is_not():
    block = stamps(n=2)
    # the crop's corner is (16, 16): pixel (31.5 + 2.5, 31.5 + 1.5) lies at r = 2.9, (31.5 + 2.5, 31.5 + 2.5) at 3.5
    block.pixels[0][1][16 + 33, 16 + 34] = np.nan
    block.pixels[1][1][16 + 34, 16 + 34] = np.nan
    cubes, rejects = build(block)
    assert [(r.object_id, r.band, r.reason) for r in rejects] == [
        (36411461425187990, "r", "bad pixel inside the aperture")
    ]
    assert cubes.object_ids.tolist() == [36411461425187991]


def faulty(**changes):
    return stamps(n=1, **changes)


@pytest.mark.parametrize(
    ("block", "band", "reason"),
    [
        (stamps(n=1)._replace(pixels=[[np.ones((96, 96), np.float32), None, None]]), "r", "band missing"),
        (faulty(zero_point=np.array([[27.0, 27.0, np.nan]])), "i", "zero point missing"),
        (faulty(seeing=np.array([[np.nan, 0.7, 0.7]])), "g", "seeing missing"),
        (faulty(seeing=np.array([[0.7, 0.7, 0.0]])), "i", "seeing not positive"),
        (stamps(n=1)._replace(x=np.array([[np.nan, 47.0, 47.0]])), "g", "position missing"),
        (faulty(size=70, x=34.0, y=34.0), "g", "stamp too small: expected 78 x 78 pixels"),
    ],
)
def test_what_cannot_be_made_is_turned_away_with_band_and_reason(block, band, reason):
    cubes, rejects = build(block)
    assert len(cubes.object_ids) == 0
    assert [(r.object_id, r.band) for r in rejects] == [(36411461425187990, band)]
    assert rejects[0].reason.startswith(reason)


def test_a_stamp_a_pixel_short_of_the_margin_is_used_because_the_kernel_does_not_reach_there():
    whole = stamps(n=1, size=98, x=47.3, y=47.8)
    short = whole._replace(pixels=[[band[:95, :94] for band in whole.pixels[0]]])
    difference = build(whole)[0].cubes.astype(int) - build(short)[0].cubes.astype(int)
    assert np.abs(difference).max() <= 1


def test_every_object_comes_out_once_in_order_whatever_the_blocks():
    block = stamps(n=37)
    block.pixels[20][0][47, 47] = np.nan
    whole, rejects = build(block)
    parts = [StampBlock(*(column[i : i + 5] for column in block)) for i in range(0, 37, 5)]
    split, split_rejects = build(*parts)
    assert len(whole.object_ids) == 36
    assert rejects == split_rejects
    assert whole.object_ids.tolist() == split.object_ids.tolist()
    assert np.array_equal(whole.cubes, split.cubes)


def test_seeing_above_the_target_is_flagged_by_band():
    cubes, _ = build(stamps(n=1, seeing=np.array([[0.7, 1.1, 0.7]])))
    assert cubes.unsmoothed.tolist() == [[False, True, False]]
