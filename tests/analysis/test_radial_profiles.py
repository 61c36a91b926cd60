"""Rings of pixels against a loop over pixels, and against profiles that are known."""

import math

import numpy as np
import pytest

from swimmy_db.analysis.radial_profiles import radial_profiles, rings_of


@pytest.mark.parametrize("size", [8, 64, 65])
def test_rings_are_what_a_loop_over_pixels_says(size):
    rings = rings_of(size)
    members = {ring: [] for ring in range(size // 2)}
    image = np.random.default_rng(size).random((size, size))
    values = {ring: [] for ring in members}
    for y in range(size):
        for x in range(size):
            distance = math.hypot(y - (size - 1) / 2, x - (size - 1) / 2)
            if distance < size // 2:
                members[int(distance)].append(distance)
                values[int(distance)].append(image[y, x])
    assert rings.n_pixels.tolist() == [len(found) for found in members.values()]
    np.testing.assert_allclose(rings.radius, [np.mean(found) for found in members.values()], rtol=1e-12)
    np.testing.assert_allclose(radial_profiles(image, rings), [np.mean(found) for found in values.values()], rtol=1e-12)


def test_the_first_ring_is_the_four_pixels_around_the_centre():
    rings = rings_of(64)
    assert rings.n_pixels[0] == 4
    assert np.flatnonzero(rings.number.reshape(-1) == 0).tolist() == [
        31 * 64 + 31,
        31 * 64 + 32,
        32 * 64 + 31,
        32 * 64 + 32,
    ]


def test_a_gaussian_falls_as_it_should_and_axes_are_kept():
    y, x = np.mgrid[:64, :64] - 31.5
    widths = np.array([[3.0, 5.0], [4.0, 8.0]])
    images = np.exp(-(x**2 + y**2) / 2 / widths[..., None, None] ** 2)
    rings = rings_of(64)
    profiles = radial_profiles(images.astype(np.float32), rings)
    assert profiles.shape == (2, 2, 32)
    expected = np.exp(-(rings.radius**2) / 2 / widths[..., None] ** 2)
    np.testing.assert_allclose(profiles, expected, atol=0.02)
