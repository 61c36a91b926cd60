"""Spectra: kcorrect's templates and real SDSS photometry, their emission lines, and folding through filter curves.

Wavelengths are vacuum Angstrom, spectra erg/s/cm2/Angstrom, band fluxes AB maggies, line fluxes erg/s/cm2.
A spectrum here is a line-free continuum plus lines, so that equivalent widths follow from their sum.
"""

from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from astropy.io import fits
from scipy.optimize import nnls

LINES = {  # MPA-JHU's names and vacuum wavelengths, in the order of galSpecLine
    "oii_3726": 3727.09,
    "oii_3729": 3729.88,
    "neiii_3869": 3869.86,
    "h_delta": 4102.90,
    "h_gamma": 4341.69,
    "oiii_4363": 4364.44,
    "h_beta": 4862.68,
    "oiii_4959": 4960.30,
    "oiii_5007": 5008.24,
    "hei_5876": 5877.65,
    "oi_6300": 6302.05,
    "nii_6548": 6549.85,
    "h_alpha": 6564.61,
    "nii_6584": 6585.27,
    "sii_6717": 6718.29,
    "sii_6731": 6732.67,
    "ariii7135": 7137.80,
}
LINE_NAMES = tuple(LINES)
LINE_WAVELENGTHS = np.array(list(LINES.values()))
GROUPS = {  # the paper's three groups of the XELG cut
    "oii": ("oii_3726", "oii_3729"),
    "hbeta_oiii": ("h_beta", "oiii_4959", "oiii_5007"),
    "halpha_nii": ("nii_6548", "h_alpha", "nii_6584"),
}
HSC_CURVES = ("hsc2017-g", "hsc2017-r2", "hsc2017-i2", "hsc2017-z", "hsc2017-y")
SDSS_CURVES = ("sdss2010-u", "sdss2010-g", "sdss2010-r", "sdss2010-i", "sdss2010-z")
HSC_WAVELENGTHS = np.array([4793.0, 6213.0, 7733.0, 8905.0, 9780.0])
HSC_EXTINCTION = np.array([3.240, 2.276, 1.633, 1.263, 1.075])  # A / E(B-V)
SDSS_R_EXTINCTION = 2.751  # of Schlegel's E(B-V), as SDSS's EXTINCTION has it

_REDSHIFTS = np.arange(0.0, 0.62, 0.002)
_FIT_SIGMAS = np.array([0.05, 0.02, 0.02, 0.02, 0.03])  # least relative errors of ugriz


def line_index(name: str) -> int:
    return LINE_NAMES.index(name)


def group_sums(values: np.ndarray) -> dict[str, np.ndarray]:
    """Sums over each line group of values (..., 17)."""
    return {group: sum(values[..., line_index(name)] for name in names) for group, names in GROUPS.items()}


class Curve(NamedTuple):
    """A filter: maggies of a spectrum are the integral of spectrum * weight."""

    wavelength: np.ndarray
    weight: np.ndarray

    def maggies(self, wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """Band flux of a spectrum (..., wavelength), by its values on the curve's own grid."""
        on_grid = np.apply_along_axis(lambda row: np.interp(self.wavelength, wavelength, row), -1, flux)
        return np.trapezoid(on_grid * self.weight, self.wavelength, axis=-1)

    def of_lines(self, wavelength: np.ndarray) -> np.ndarray:
        """Maggies per erg/s/cm2 of lines at these observed wavelengths."""
        return np.interp(wavelength, self.wavelength, self.weight, left=0.0, right=0.0)


@cache
def curves(names: tuple[str, ...]) -> tuple[Curve, ...]:
    """speclite's curves with AB weights."""
    from speclite.filters import load_filter

    made = []
    for name in names:
        curve = load_filter(name)
        # Integrate on 5 Angstrom steps, finer than the curves and the templates.
        wavelength = np.arange(curve.wavelength[0], curve.wavelength[-1], 5.0)
        response = np.clip(np.interp(wavelength, curve.wavelength, curve.response), 0.0, None)
        ab_zero = 3631e-23 * 2.99792458e18 / wavelength**2
        made.append(
            Curve(wavelength, response * wavelength / np.trapezoid(ab_zero * response * wavelength, wavelength))
        )
    return tuple(made)


class Templates(NamedTuple):
    """kcorrect's five templates, split: continuum (5, wavelength) and line fluxes (5, 17), rest frame."""

    wavelength: np.ndarray
    continuum: np.ndarray
    lines: np.ndarray

    def continuum_at_lines(self) -> np.ndarray:
        """(5, 17) erg/s/cm2/Angstrom: means over 40 Angstrom, since a fitted line leaves a little of itself behind."""
        near = np.abs(self.wavelength - LINE_WAVELENGTHS[:, None]) < 20.0
        return self.continuum @ (near / near.sum(axis=1, keepdims=True)).T


# Windows in which lines are fitted together, with their margins of continuum.
_BLENDS = (
    (3680.0, 3775.0, ("oii_3726", "oii_3729")),
    (3845.0, 3880.0, ("neiii_3869",)),
    (4330.0, 4390.0, ("h_gamma", "oiii_4363")),
    (4835.0, 4890.0, ("h_beta",)),
    (4925.0, 5050.0, ("oiii_4959", "oiii_5007")),
    (5850.0, 5910.0, ("hei_5876",)),
    (6270.0, 6335.0, ("oi_6300",)),
    (6490.0, 6640.0, ("nii_6548", "h_alpha", "nii_6584")),
    (6690.0, 6765.0, ("sii_6717", "sii_6731")),
    (7105.0, 7170.0, ("ariii7135",)),
)


@cache
def templates() -> Templates:
    """Read the templates and split off their emission lines by a non-negative fit of Gaussians."""
    path = resources.files("kcorrect") / "data" / "templates" / "kcorrect-default-v4.fits"
    with resources.as_file(path) as file:
        table = fits.getdata(file, 1)
    wavelength = table["wave"][0].astype(float)
    keep = (wavelength > 1500.0) & (wavelength < 12500.0)
    wavelength, flux = wavelength[keep], table["flux"][0].astype(float)[:, keep]
    # Scaled so that each is 1e-17 erg/s/cm2/Angstrom at 5500 Angstrom: the coefficients are then alike.
    flux = 1e-17 * flux / np.array([np.interp(5500.0, wavelength, row) for row in flux])[:, None]
    continuum, lines = flux.copy(), np.zeros((len(flux), len(LINE_NAMES)))
    for low, high, names in _BLENDS:
        inside = (wavelength > low) & (wavelength < high)
        for row in range(len(flux)):
            strengths, profiles = _fit_lines(wavelength[inside], flux[row, inside], names)
            continuum[row, inside] -= strengths @ profiles
            lines[row, [line_index(name) for name in names]] = strengths
    return Templates(wavelength, continuum, lines)


def _fit_lines(wavelength: np.ndarray, flux: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Line fluxes >= 0 and unit profiles (line, wavelength); a straight continuum, either sign of Balmer absorption."""
    centres = np.array([LINES[name] for name in names])
    best = None
    for width in (200.0, 250.0, 300.0, 350.0, 400.0):  # km/s: the templates' resolution is not given
        sigmas = centres * width / 299792.458
        profiles = np.exp(-0.5 * ((wavelength - centres[:, None]) / sigmas[:, None]) ** 2)
        profiles /= sigmas[:, None] * np.sqrt(2.0 * np.pi)
        slope = (wavelength - wavelength.mean()) / np.ptp(wavelength)
        terms = [*profiles, np.ones_like(slope), slope, -slope]
        scale = np.median(flux)
        norms = np.array([np.abs(term).max() for term in terms])
        solution, residual = nnls(np.array(terms).T / norms, flux / scale)
        if best is None or residual < best[0]:
            best = (residual, (solution / norms * scale)[: len(names)], profiles)
    return best[1], best[2]


@cache
def _template_maggies(names: tuple[str, ...]) -> np.ndarray:
    """Maggies of the templates' continua on the redshift grid, (redshift, band, template)."""
    spectra = templates()
    grid = np.empty((len(_REDSHIFTS), len(names), len(spectra.continuum)))
    for position, redshift in enumerate(_REDSHIFTS):
        stretched = spectra.wavelength * (1.0 + redshift)
        for band, curve in enumerate(curves(names)):
            grid[position, band] = curve.maggies(stretched, spectra.continuum / (1.0 + redshift))
    return grid


def continuum_matrix(redshift: float, names: tuple[str, ...]) -> np.ndarray:
    """Maggies (band, template) of the templates' continua at a redshift."""
    grid = _template_maggies(names)
    place = np.clip(redshift / (_REDSHIFTS[1] - _REDSHIFTS[0]), 0.0, len(_REDSHIFTS) - 1.001)
    below = int(place)
    return grid[below] + (place - below) * (grid[below + 1] - grid[below])


def line_matrix(redshift: float, names: tuple[str, ...]) -> np.ndarray:
    """Maggies (band, line) per erg/s/cm2 of each line at a redshift: each line falls where the curve has it."""
    observed = LINE_WAVELENGTHS * (1.0 + redshift)
    return np.array([curve.of_lines(observed) for curve in curves(names)])


class SdssGalaxies(NamedTuple):
    """The 10 000 SDSS galaxies of kcorrect's tests: maggies (n, 5) as observed, A_band in mag."""

    ra: np.ndarray
    dec: np.ndarray
    redshift: np.ndarray
    maggies: np.ndarray
    relative_error: np.ndarray
    extinction: np.ndarray


@cache
def sdss_galaxies() -> SdssGalaxies:
    """Read them; rows without a good flux in each of g, r, i, z are left out."""
    path = resources.files("kcorrect") / "data" / "test" / "gst_tests_small.fits"
    with resources.as_file(path) as file:
        table = fits.getdata(file, 1)
    flux = table["MODELFLUX"].astype(float)
    ivar = table["MODELFLUX_IVAR"].astype(float)
    # The templates are only for redshifts below the grid's end; faulty photometry would be a galaxy nobody has seen.
    good = (flux[:, 1:] * np.sqrt(np.maximum(ivar[:, 1:], 0.0)) > 5.0).all(axis=1) & (table["Z"] < 0.55)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where((flux > 0) & (ivar > 0), 1.0 / (np.sqrt(ivar) * flux), 10.0)
    return SdssGalaxies(
        *(table[name].astype(float)[good] for name in ("RA", "DEC", "Z")),
        flux[good] * 1e-9,
        error[good],
        table["EXTINCTION"].astype(float)[good],
    )


class Fit(NamedTuple):
    """A galaxy's spectrum: template coefficients, and observed over fitted flux in grizy (1 where it fits)."""

    coefficients: np.ndarray
    correction: np.ndarray


def fit_photometry(row: int) -> Fit:
    """Fit the templates to one SDSS galaxy's dereddened ugriz.

    The correction keeps the galaxy's own colours in HSC's bands; y takes z's. It multiplies continuum and lines alike.
    """
    sdss = sdss_galaxies()
    redshift = sdss.redshift[row]
    observed = sdss.maggies[row] * 10.0 ** (0.4 * sdss.extinction[row])
    matrix = continuum_matrix(redshift, SDSS_CURVES) + line_matrix(redshift, SDSS_CURVES) @ templates().lines.T
    sigma = np.hypot(sdss.relative_error[row], _FIT_SIGMAS)
    weight = np.where(observed > 0, 1.0 / (np.maximum(observed, 1e-12) * sigma), 0.0)  # u is lacking at times
    coefficients, _ = nnls(matrix * weight[:, None], observed * weight)
    ratio = np.clip(observed / np.maximum(matrix @ coefficients, 1e-30), 0.8, 1.25)
    return Fit(coefficients, np.array([ratio[1], ratio[2], ratio[3], ratio[4], ratio[4]]))


def smc_reddening(wavelength: np.ndarray) -> np.ndarray:
    """A(wavelength) / E(B-V) of dust as in quasars (SMC-like, Prevot et al. 1984 as a power law); rest frame."""
    return 1.39 * (wavelength / 1e4) ** -1.2


def power_law(observed: np.ndarray, redshift: float, slope: float, reddening: float) -> np.ndarray:
    """A quasar's continuum, F_lambda ~ lambda**slope, reddened at its own redshift; 1 at rest 5100 without dust."""
    rest = observed / (1.0 + redshift)
    return (rest / 5100.0) ** slope * 10.0 ** (-0.4 * reddening * smc_reddening(rest))
