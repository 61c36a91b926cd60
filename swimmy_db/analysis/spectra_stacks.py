"""Stacks of spectra in the rest frame (paper, figure 15; FORMATS.md, ambiguity 34)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

GRID_STEP = 1e-4  # dex, SDSS's own


class Spectrum(NamedTuple):
    """One spectrum as observed: log10 of vacuum Angstrom, flux, inverse variance (0: not to be used), redshift."""

    loglam: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    redshift: float


class Stack(NamedTuple):
    """Median of the normalised spectra at each wavelength (Angstrom, rest frame), and how many have a value there.

    n_spectra: those that could be normalised.
    """

    wavelength: np.ndarray
    flux: np.ndarray
    n_values: np.ndarray
    n_spectra: int


def normalised(spectrum: Spectrum, window: tuple[float, float]) -> tuple[np.ndarray, np.ndarray] | None:
    """Rest-frame log10 wavelengths and the flux over its median in the window (Angstrom, rest frame).

    Pixels that are not to be used are NaN. None where the window has no good pixel, or a median that is not positive.
    """
    loglam = np.asarray(spectrum.loglam, np.float64) - np.log10(1.0 + spectrum.redshift)
    good = (np.asarray(spectrum.ivar) > 0) & np.isfinite(spectrum.flux)
    flux = np.where(good, np.asarray(spectrum.flux, np.float64), np.nan)
    inside = good & (loglam >= np.log10(window[0])) & (loglam <= np.log10(window[1]))
    if not inside.any():
        return None
    level = np.median(flux[inside])
    return (loglam, flux / level) if level > 0 else None


def stack(spectra: Sequence[Spectrum], window: tuple[float, float]) -> Stack:
    """Median stack on a common grid of GRID_STEP in log10; every spectrum counts alike, however noisy.

    Between pixels the flux is interpolated; where a neighbouring pixel is not to be used there is no value.
    """
    rests = [rest for spectrum in spectra if (rest := normalised(spectrum, window)) is not None]
    if not rests:
        return Stack(np.empty(0), np.empty(0), np.empty(0, np.int64), 0)
    first = np.ceil(min(loglam[0] for loglam, _ in rests) / GRID_STEP - 1e-6)
    last = np.floor(max(loglam[-1] for loglam, _ in rests) / GRID_STEP + 1e-6)
    grid = np.arange(first, last + 1) * GRID_STEP
    values = np.array([np.interp(grid, loglam, flux, left=np.nan, right=np.nan) for loglam, flux in rests])
    n_values = np.isfinite(values).sum(axis=0)
    some = n_values > 0
    return Stack(10.0 ** grid[some], np.nanmedian(values[:, some], axis=0), n_values[some], len(rests))
