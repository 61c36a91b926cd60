"""Folding, line measurement and photometric fits, against speclite and plain integrals."""

import numpy as np
import pytest
from astropy import units
from speclite.filters import load_filters

from swimmy_db.sources.simulated.galaxy import Spectrum
from swimmy_db.sources.simulated.lines import seyfert
from swimmy_db.sources.simulated.spectra import (
    HSC_CURVES,
    LINE_WAVELENGTHS,
    SDSS_CURVES,
    continuum_matrix,
    fit_photometry,
    line_index,
    line_matrix,
    power_law,
    sdss_galaxies,
    templates,
)


def summed_on_grid(spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray]:
    """The spectrum sampled finely, observed frame, Galactic dust left out: (Angstrom, erg/s/cm2/Angstrom)."""
    observed = np.arange(3300.0, 11_500.0, 0.5)
    rest = observed / (1 + spectrum.redshift)
    made = templates()
    flux = sum(
        coefficient * np.interp(rest, made.wavelength, continuum) / (1 + spectrum.redshift)
        for coefficient, continuum in zip(spectrum.coefficients, made.continuum, strict=True)
    )
    for strength, wavelength in zip(spectrum.template_lines + spectrum.planted_lines, LINE_WAVELENGTHS, strict=True):
        centre, width = wavelength * (1 + spectrum.redshift), 4.0
        flux = flux + strength * np.exp(-0.5 * ((observed - centre) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    shape = power_law(observed, spectrum.redshift, spectrum.nucleus_slope, spectrum.nucleus_reddening)
    return observed, flux + spectrum.nucleus_strength * shape


@pytest.mark.parametrize("redshift", [0.055, 0.09, 0.13, 0.195])
def test_band_fluxes_are_those_that_speclite_integrates(redshift):
    spectrum = Spectrum(redshift, np.array([1.0, 0.6, 0.4, 0.3, 0.8]), np.ones(5), ebv=0.0)
    spectrum.plant_lines(seyfert(np.random.default_rng(1)), 400.0)
    spectrum.plant_nucleus(0.3, -1.5, 0.1, np.zeros(17))
    wavelength, flux = summed_on_grid(spectrum)
    filters = load_filters(*HSC_CURVES)
    expected = filters.get_ab_maggies(flux * units.Unit("erg / (s cm2 AA)"), wavelength * units.AA)
    assert spectrum.total() == pytest.approx([float(expected[name][0]) for name in HSC_CURVES], rel=0.004)


def test_continuum_and_lines_of_the_templates_sum_to_the_templates():
    """A template's band flux with its lines, folded as one spectrum, equals continuum plus lines folded apart."""
    from importlib import resources

    from astropy.io import fits

    with resources.as_file(resources.files("kcorrect") / "data/templates/kcorrect-default-v4.fits") as path:
        table = fits.getdata(path, 1)
    wavelength, flux = table["wave"][0].astype(float), table["flux"][0].astype(float)
    for row in range(5):
        flux[row] *= 1e-17 / np.interp(5500.0, wavelength, flux[row])
    redshift = 0.11
    filters = load_filters(*HSC_CURVES)
    whole = filters.get_ab_maggies(
        flux / (1 + redshift) * units.Unit("erg / (s cm2 AA)"), wavelength * (1 + redshift) * units.AA
    )
    apart = continuum_matrix(redshift, HSC_CURVES) + line_matrix(redshift, HSC_CURVES) @ templates().lines.T
    for band, name in enumerate(HSC_CURVES):
        assert apart[band] == pytest.approx(np.asarray(whole[name], float), rel=0.01)
    # The starburst template has strong Ha and [O III], the passive ones have no lines to speak of.
    strongest = (templates().lines / templates().continuum_at_lines()).max(axis=1)
    assert strongest[1] > 200.0
    assert strongest[3:].max() < 5.0


def test_planted_lines_reach_the_asked_equivalent_width_in_the_summed_spectrum():
    spectrum = Spectrum(0.12, np.array([0.5, 0.2, 1.0, 0.2, 0.5]), np.array([1.1, 1.0, 0.95, 0.9, 0.9]), ebv=0.05)
    spectrum.plant_nucleus(0.5, -1.5, 0.0, np.zeros(17))
    spectrum.plant_lines(seyfert(np.random.default_rng(2)), 250.0)
    assert spectrum.strongest_ew() == pytest.approx(250.0, rel=1e-9)
    # Independent of the class: integrate (total - continuum) / continuum around [O III] 5007.
    plain = Spectrum(0.12, spectrum.coefficients, np.ones(5), ebv=0.0, planted_lines=spectrum.planted_lines.copy())
    wavelength, flux = summed_on_grid(plain)
    bare = Spectrum(0.12, spectrum.coefficients, np.ones(5), ebv=0.0)
    bare.planted_lines = -bare.template_lines
    _, continuum = summed_on_grid(bare)
    near = np.abs(wavelength - 5008.24 * 1.12) < 20.0 * 1.12
    observed_ew = np.trapezoid((flux - continuum)[near], wavelength[near]) / continuum[near].mean()
    assert plain.rest_ews()[line_index("oiii_5007")] * 1.12 == pytest.approx(observed_ew, rel=0.01)


def test_lines_fall_where_their_redshift_puts_them():
    """Figure 10: [O III] 5007 is in g only at z < 0.09; Ha leaves r for i at about 0.06."""
    oiii, halpha = line_index("oiii_5007"), line_index("h_alpha")
    peak = line_matrix(0.02, HSC_CURVES)[0, oiii]
    assert line_matrix(0.07, HSC_CURVES)[0, oiii] > 0.5 * peak
    assert line_matrix(0.10, HSC_CURVES)[0, oiii] < 0.15 * peak
    r_early, i_early = line_matrix(0.05, HSC_CURVES)[1:3, halpha]
    r_late, i_late = line_matrix(0.07, HSC_CURVES)[1:3, halpha]
    assert r_early > i_early
    assert i_late > r_late


def test_fits_keep_the_real_galaxies_colours():
    sdss = sdss_galaxies()
    assert len(sdss.ra) > 9_000
    rows = np.flatnonzero((sdss.redshift > 0.05) & (sdss.redshift < 0.2))[::40]
    errors = []
    for row in rows:
        fit = fit_photometry(int(row))
        matrix = continuum_matrix(sdss.redshift[row], SDSS_CURVES)
        matrix = matrix + line_matrix(sdss.redshift[row], SDSS_CURVES) @ templates().lines.T
        model = (matrix @ fit.coefficients)[1:] * fit.correction[:4]
        observed = (sdss.maggies[row] * 10 ** (0.4 * sdss.extinction[row]))[1:]
        errors.append(model / observed - 1.0)
    assert np.quantile(np.abs(errors), 0.95) < 0.01
