"""Baselines against plain numpy: full SVD, loops over pixels, and loci that were made by hand."""

import math

import numpy as np
import pytest
import torch

from swimmy_db.analysis.baselines import (
    aperture_magnitudes,
    band_excess,
    linear_flux,
    locus_distance,
    principal_components,
)
from swimmy_db.cubes.stretch import asinh_stretch

ALPHA, BETA = math.exp(10), 0.05
DIVISORS = np.array([1.0, 1.0, 1.0, 1.2, 1.5])


def test_components_are_those_of_a_full_svd():
    random = np.random.default_rng(1)
    # Falling variances, so that the leading components are well separated.
    weights = random.normal(size=(40, 12)) * np.geomspace(10, 0.01, 12)
    cubes = (0.5 + weights @ random.normal(size=(12, 3 * 4 * 4))).astype(np.float32).reshape(40, 3, 4, 4)
    found = principal_components(cubes, 5)

    flat = cubes.reshape(40, -1).astype(np.float64)
    _, _, expected = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    assert np.abs(np.abs(np.sum(found.components * expected[:5], axis=1)) - 1.0).max() < 1e-4
    assert np.abs(found.components @ found.components.T - np.eye(5)).max() < 1e-4
    projected = flat.mean(axis=0) + (flat - flat.mean(axis=0)) @ expected[:5].T @ expected[:5]
    assert np.abs(found.reconstruct(cubes).reshape(40, -1) - projected).max() < 1e-3
    assert found.reconstruct(cubes).shape == cubes.shape


def test_what_was_not_fitted_is_not_reconstructed():
    random = np.random.default_rng(2)
    ordinary = (random.normal(size=(60, 2)) @ random.normal(size=(2, 320))).astype(np.float32).reshape(60, 5, 8, 8)
    strange = ordinary[:1].copy()
    strange[0, 0, 3:5, 3:5] += 5.0
    model = principal_components(ordinary, 2)
    assert np.abs(model.reconstruct(ordinary) - ordinary).max() < 1e-3
    residual = strange - model.reconstruct(strange)
    assert residual[0, 0, 3:5, 3:5].min() > 4.0


def test_more_components_than_cubes_are_refused():
    with pytest.raises(ValueError, match="8 components need more than 8 cubes, found 8"):
        principal_components(np.zeros((8, 5, 4, 4), np.float32), 8)


def test_linear_flux_undoes_the_stretch():
    random = np.random.default_rng(3)
    # From sky to nucleus, with colours and sky noise; a bright blank sky would be clipped at 0.
    brightness = 10.0 ** random.uniform(-6, -1, size=(6, 1, 9, 9))
    flux = brightness * random.uniform(0.3, 1.5, size=(6, 5, 9, 9)) + random.normal(0, 5e-6, size=(6, 5, 9, 9))
    flux[0, :, 0, 0] = 0.0  # the limit
    flux[1, :, 0, 0] = [1e-9, -1e-9, 2e-9, -2e-9, 0.0]
    scaled = torch.from_numpy(flux / DIVISORS[:, None, None])
    stretched = asinh_stretch(scaled, ALPHA, BETA).numpy()
    free = (stretched > 0) & (stretched < 1)  # the stretch clips; a pixel's mean needs all its bands
    free = free.all(axis=1, keepdims=True) & np.ones_like(free)
    assert 0.5 < free.mean() < 1.0
    back = linear_flux(stretched, ALPHA, BETA, DIVISORS)
    assert np.abs(back - flux)[free].max() < 1e-12


def test_aperture_magnitudes_are_sums_over_the_pixels_inside():
    flux = np.ones((2, 3, 4, 4))
    flux[0, 1] *= 10.0
    flux[1, 2] *= -1.0
    inside = np.zeros((4, 4), bool)
    inside[1:3, 1:3] = True
    found = aperture_magnitudes(flux, inside)
    assert found[0] == pytest.approx([-2.5 * math.log10(4), -2.5 * math.log10(40), -2.5 * math.log10(4)])
    assert np.isnan(found[1, 2])


def test_locus_distance_equals_a_loop_over_all_pairs():
    random = np.random.default_rng(4)
    colours = random.normal([0.7, 0.3], [0.2, 0.1], size=(80, 2))
    colours[7] = np.nan
    fitted = np.arange(80) < 50
    found = locus_distance(colours, fitted, neighbours=3)

    kept = [i for i in range(50) if i != 7]
    scatter = [1.4826022185 * np.median(np.abs(colours[kept, k] - np.median(colours[kept, k]))) for k in range(2)]
    for i in range(80):
        if i == 7:
            assert found[i] == np.inf
            continue
        others = sorted(math.dist(colours[i] / scatter, colours[j] / scatter) for j in kept if j != i)
        assert found[i] == pytest.approx(others[2])


def test_band_excess_finds_the_band_and_the_sign():
    random = np.random.default_rng(5)
    # A curved locus: r-i follows g-r, with 0.02 mag of scatter.
    g_r = random.uniform(0.2, 1.0, 500)
    r_i = 0.2 * g_r**2 + 0.1 + random.normal(0, 0.02, 500)
    magnitudes = np.stack([g_r, np.zeros(500), -r_i], axis=1)
    magnitudes[499, 1] -= 0.4  # an emission line in r
    magnitudes[498, 1] += 0.4  # a hole in r
    magnitudes[497, 2] = np.nan
    fitted = np.arange(500) < 400
    excess = band_excess(magnitudes, fitted, band=1)
    assert excess[499] > 5
    assert excess[498] < -5
    assert np.isnan(excess[497])
    ordinary = excess[:400]
    assert np.median(np.abs(ordinary)) * 1.4826022185 == pytest.approx(1.0, rel=1e-6)
    assert abs(np.mean(ordinary > 0) - 0.5) < 0.08
