"""Stacks in the rest frame: what is known comes back, spoilt pixels and other scales do not matter."""

import numpy as np
import pytest

from swimmy_db.analysis.spectra_stacks import GRID_STEP, Spectrum, normalised, stack

WINDOW = (5400.0, 5600.0)
LOGLAM = 3.58 + GRID_STEP * np.arange(3840)


def template(rest):
    """A tilted continuum with a line at 5008 and one at 6565 Angstrom."""
    lines = 8 * np.exp(-(((rest - 5008) / 4) ** 2)) + 5 * np.exp(-(((rest - 6565) / 5) ** 2))
    return (rest / 5500) ** -0.8 + lines


def observed(redshift, scale, random=None, noise=0.0):
    flux = scale * template(10**LOGLAM / (1 + redshift))
    if random is not None:
        flux = flux + noise * scale * random.standard_normal(len(flux))
    return Spectrum(LOGLAM, flux.astype(np.float32), np.ones(len(flux), np.float32), redshift)


def test_the_template_comes_back_whatever_redshift_and_scale():
    made = stack([observed(z, scale) for z, scale in ((0.05, 1), (0.1, 300), (0.17, 0.02))], WINDOW)
    expected = template(made.wavelength)
    level = np.median(expected[(made.wavelength >= 5400) & (made.wavelength <= 5600)])
    np.testing.assert_allclose(made.flux, expected / level, rtol=0.01, atol=0.01)
    assert made.n_spectra == 3
    np.testing.assert_allclose(np.diff(np.log10(made.wavelength)), GRID_STEP, rtol=1e-6)
    # where only the nearest or the farthest reaches there is one value
    assert made.n_values[0] == made.n_values[-1] == 1
    assert made.n_values.max() == 3


def test_the_median_ignores_noise_and_one_stranger():
    random = np.random.default_rng(1)
    spectra = [observed(z, 1, random, 0.2) for z in np.linspace(0.05, 0.2, 41)]
    stranger = Spectrum(LOGLAM, np.full(3840, 1.0) + 9 * (LOGLAM > 3.75), np.ones(3840), 0.1)
    made = stack([*spectra, stranger], WINDOW)
    inside = made.n_values == 42
    expected = template(made.wavelength)
    np.testing.assert_allclose(made.flux[inside], expected[inside], atol=0.2)


def test_pixels_without_weight_count_for_nothing():
    clean = observed(0.1, 2.0)
    flux, ivar = clean.flux.copy(), clean.ivar.copy()
    flux[::7], ivar[::7] = 1e6, 0.0
    flux[100] = np.nan
    loglam, values = normalised(Spectrum(LOGLAM, flux, ivar, 0.1), WINDOW)
    good = np.isfinite(values)
    assert not good[::7].any()
    assert not good[100]
    np.testing.assert_allclose(loglam, LOGLAM - np.log10(1.1), rtol=1e-12)
    _, expected = normalised(clean, WINDOW)
    np.testing.assert_allclose(values[good], expected[good], rtol=0.01)


@pytest.mark.parametrize("redshift", [1.5, 0.1])
def test_a_spectrum_without_the_window_is_left_out(redshift):
    # at z = 1.5 the window lies beyond the red end; with no light in it there is nothing to divide by
    flux = np.zeros(3840) if redshift == 0.1 else np.ones(3840)
    odd = Spectrum(LOGLAM, flux, np.ones(3840), redshift)
    assert normalised(odd, WINDOW) is None
    assert stack([odd], WINDOW).n_spectra == 0
    assert stack([odd, observed(0.1, 1.0)], WINDOW).n_spectra == 1
