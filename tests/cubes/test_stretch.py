"""The stretch against a plain numpy reading of equations 1 and 2."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swimmy_db.config import load_preset
from swimmy_db.cubes.stretch import StretchParameters, asinh_stretch, flux_of_one_count

ALPHA, BETA = math.exp(10), 0.05
PAPER = StretchParameters(("g", "r", "i", "z", "y"), (1.0, 1.0, 1.0, 1.2, 1.5))


def by_the_equations(flux, alpha=ALPHA, beta=BETA):
    """Pixel by pixel in float64: f = arcsinh(alpha I)/arcsinh(alpha) * x/I + beta, clipped (ambiguity 1)."""
    out = np.empty(flux.shape)
    for y, x in np.ndindex(flux.shape[1:]):
        pixel = flux[:, y, x].astype(np.float64)
        mean = math.fsum(pixel) / len(pixel)
        factor = alpha if abs(alpha * mean) < 1e-7 else math.asinh(alpha * mean) / mean
        out[:, y, x] = np.clip(factor / math.asinh(alpha) * pixel + beta, 0.0, 1.0)
    return out


def stacks(elements, dtype):
    shapes = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))
    return shapes.flatmap(lambda shape: hnp.arrays(dtype, shape, elements=elements))


@given(stacks(st.floats(-1.0, 1e4, allow_subnormal=False), np.float64))
def test_it_is_equations_1_and_2_for_any_number_of_bands(flux):
    np.testing.assert_allclose(asinh_stretch(torch.from_numpy(flux)), by_the_equations(flux), rtol=1e-9, atol=1e-9)


@given(stacks(st.floats(-(2.0**-13), 2.0**-7, width=32, allow_subnormal=False), np.float32))
def test_float32_is_as_good_as_the_quantisation_of_the_cubes(flux):
    found = asinh_stretch(torch.from_numpy(flux))
    assert found.dtype == torch.float32
    # where bands cancel, the mean itself is only known to float32: the equation's own condition number
    doubled = flux.astype(np.float64)
    rounding = 1e-7 * np.abs(doubled).sum(axis=0) / len(doubled)
    slack = 1e-5 + ALPHA / math.asinh(ALPHA) * np.abs(doubled) * ALPHA * rounding
    assert (np.abs(found.numpy() - by_the_equations(flux)) <= slack).all()


def test_a_dark_pixel_gets_the_limit_and_no_nan():
    flux = torch.zeros(5, 1, 3)
    flux[0, 0, 1], flux[1, 0, 1] = 1e-5, -1e-5  # bands that cancel: I = 0, x != 0
    flux[:, 0, 2] = 1e-30
    found = asinh_stretch(flux)
    assert found[:, 0, 0].tolist() == pytest.approx([BETA] * 5)
    assert found[0, 0, 1].item() == pytest.approx(2059.87 * 1e-5 + BETA, rel=1e-5)
    assert found[1, 0, 1].item() == pytest.approx(-2059.87 * 1e-5 + BETA, rel=1e-5)
    assert found[:, 0, 2].tolist() == pytest.approx([BETA] * 5)


def test_a_pixel_of_19_mag_in_every_band_is_clipped_to_1_and_a_negative_one_to_0():
    assert asinh_stretch(torch.ones(5, 1, 1)).tolist() == [[[1.0]]] * 5
    assert asinh_stretch(torch.full((5, 1, 1), -1.0)).tolist() == [[[0.0]]] * 5


def test_colours_are_kept_where_nothing_is_clipped():
    flux = torch.tensor([1.0, 2.0, 4.0])[:, None, None] * 1e-5
    found = asinh_stretch(flux).double() - BETA
    assert (found / found[0]).flatten().tolist() == pytest.approx([1.0, 2.0, 4.0], rel=1e-4)


def test_sky_noise_of_hsc_is_of_the_order_that_formats_md_gives():
    noise = np.random.default_rng(5).normal(0, math.sqrt(6.3e-4), (5, 200, 200)).astype(np.float32)
    zero_point = torch.full((5,), 27.0, dtype=torch.float64)
    flux = (
        torch.from_numpy(noise)
        * flux_of_one_count(zero_point, replace(PAPER, divisors=(1.0,) * 5)).float()[:, None, None]
    )
    assert asinh_stretch(flux).std().item() == pytest.approx(0.033, abs=0.003)


def test_counts_are_scaled_to_19_mag_and_z_and_y_divided():
    zero_point = torch.tensor([[27.0, 27.0, 27.0, 27.0, 27.0], [19.0, 21.5, 24.0, 19.0, 19.0]], dtype=torch.float64)
    factors = flux_of_one_count(zero_point, PAPER)
    assert factors[0].tolist() == pytest.approx([6.30957e-4] * 3 + [6.30957e-4 / 1.2, 6.30957e-4 / 1.5], rel=1e-5)
    assert factors[1].tolist() == pytest.approx([1.0, 0.1, 0.01, 1 / 1.2, 1 / 1.5], rel=1e-12)


def test_the_preset_has_the_paper_s_numbers_and_they_survive_json():
    parameters = StretchParameters.from_settings(load_preset("paper"))
    assert parameters == PAPER
    assert StretchParameters.from_json(parameters.to_json()) == parameters


def test_one_divisor_a_band_is_demanded():
    with pytest.raises(ValueError, match="divisors"):
        StretchParameters(("g", "r"), (1.0,))
