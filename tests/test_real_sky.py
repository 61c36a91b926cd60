"""The measuring of docs/real-sky.md against images whose answers are known."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from swimmy_db.config import load_preset
from swimmy_db.cubes.store import CubeRecipe, quantise
from swimmy_db.cubes.stretch import asinh_stretch

EXPERIMENTS = Path(__file__).resolve().parent.parent / "experiments"
RECIPE = CubeRecipe.from_settings(load_preset("paper"))


@pytest.fixture(scope="module")
def measure():
    sys.path.insert(0, str(EXPERIMENTS))
    yield importlib.import_module("real_sky_measure")
    sys.path.remove(str(EXPERIMENTS))


def stamps(measure, planes, cubes=None):
    """One object in the middle of a plane a band."""
    n = len(planes)
    middle = np.full((1, n), (planes[0].shape[0] - 1) / 2)
    cubes = np.zeros((1, n, 64, 64), np.uint16) if cubes is None else cubes
    return measure.Stamps(np.array([1]), [list(planes)], middle, middle, cubes, np.ones((1, n)))


def test_the_stretch_is_turned_round(measure):
    random = np.random.default_rng(1)
    flux = 10 ** random.uniform(-5, -3.5, (3, 5, 64, 64))
    divided = torch.from_numpy(flux / np.array(RECIPE.stretch.divisors)[:, None, None])
    shown = asinh_stretch(divided).numpy()
    inside = (shown > 0) & (shown < 1)
    found = measure.linear_flux(quantise(torch.from_numpy(shown)), RECIPE)
    whole = inside.all(axis=1, keepdims=True) & np.ones_like(inside)
    assert whole.mean() > 0.3
    np.testing.assert_allclose(found[whole], flux[whole], rtol=2e-3, atol=1e-8)


def test_noise_level_and_correlation_of_a_known_sky(measure):
    random = np.random.default_rng(2)
    white = random.normal(0, 0.04, (200, 201))
    smeared = (white[:, 1:] + 0.5 * white[:, :-1]) + 0.7
    found = measure.sky_of_counts(stamps(measure, [white[:, 1:] + 0.7, smeared]))
    assert found["level"][0] == pytest.approx([0.7, 0.7], abs=0.002)
    # what is left of a Gaussian clipped at 2.5 of its own sigmas, again and again
    assert found["sigma"][0] == pytest.approx([0.0375, 0.0375 * np.sqrt(1.25)], rel=0.02)
    assert found["correlation"][0] == pytest.approx([0.0, 0.4], abs=0.03)


def test_sizes_and_magnitudes_of_a_gaussian(measure):
    y, x = np.mgrid[:97, :97] - 48.0
    plane = 1000 * np.exp(-0.5 * (x**2 + y**2) / 16.0) / (32 * np.pi) + 0.3
    magnitude, radius = measure.sizes(stamps(measure, [plane] * 3))
    assert magnitude[0] == pytest.approx(27 - 2.5 * np.log10(1000), abs=0.01)
    assert radius[0] == pytest.approx(4 * np.sqrt(2 * np.log(2)) * 0.168, abs=0.03)


def test_colours_are_those_of_the_flux(measure):
    y, x = np.mgrid[:64, :64] - 31.5
    light = np.exp(-0.5 * (x**2 + y**2) / 25.0)
    magnitudes = np.array([21.0, 20.2, 19.8, 19.5, 19.4])
    flux = 10 ** (-0.4 * (magnitudes - 19))[:, None, None] * light / light.sum()
    shown = asinh_stretch(torch.from_numpy(flux / np.array(RECIPE.stretch.divisors)[:, None, None]))
    cubes = quantise(shown)[None]
    found = measure.colours(stamps(measure, [light] * 5, cubes), RECIPE)
    assert found[0] == pytest.approx(magnitudes[:-1] - magnitudes[1:], abs=0.005)


def test_a_neighbour_on_the_rim_is_counted(measure):
    random = np.random.default_rng(3)
    alone = random.normal(0.05, 0.01, (5, 64, 64)).clip(0, 1)
    crowded = alone.copy()
    crowded[:, :12, :12] = 0.5
    shares = [
        measure.other_light(stamps(measure, [alone[0]] * 5, np.rint(cube * 65535).astype(np.uint16)[None]))[0]
        for cube in (alone, crowded)
    ]
    assert shares[0] < 0.01
    assert 0.06 < shares[1] < 0.09  # 144 of the 1984 pixels beyond 26 pixels
