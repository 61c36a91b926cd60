"""SDSS lite spectra, spec-PLATE-MJD-FIBER.fits, of some of the galaxies, as DR16 serves them (FORMATS.md 3.4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy, Spectrum
from swimmy_db.sources.simulated.lines import observed_wavelengths
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.spectra import HSC_WAVELENGTHS, LINE_NAMES, power_law, templates
from swimmy_db.sources.simulated.spectro_files import FIBRE_SHARE, Identity, offset_position

LOGLAM = 3.5800 + 1e-4 * np.arange(3840)  # 3802 to 9204 Angstrom
LIGHT = 299792.458  # km/s
RESOLUTION = 69.0  # km/s, sigma of the instrument
NARROW, BROAD = 90.0, 1500.0  # km/s, sigma of the lines of H II regions and of a quasar's Balmer lines
SKY_LINE = (5570.0, 5590.0)  # Angstrom; [O I] of the sky spoils these pixels
_FIRST = ("xelg", "dr16q", "milliquas_quasar")


def observed_spectrum(spectrum: Spectrum, wavelength: np.ndarray) -> np.ndarray:
    """Flux density through the fibre, 1e-17 erg/s/cm2/Angstrom, at these observed wavelengths (Angstrom)."""
    redshift, made = spectrum.redshift, templates()
    stars = np.interp(wavelength / (1.0 + redshift), made.wavelength, spectrum.coefficients @ made.continuum)
    flux = stars / (1.0 + redshift) * np.interp(wavelength, HSC_WAVELENGTHS, spectrum.correction)
    if spectrum.nucleus_strength > 0.0:
        nucleus = power_law(wavelength, redshift, spectrum.nucleus_slope, spectrum.nucleus_reddening)
        flux += spectrum.nucleus_strength * nucleus
    for centre, strength, width in _lines(spectrum):
        sigma = centre * np.hypot(width, RESOLUTION) / LIGHT
        near = np.abs(wavelength - centre) < 6.0 * sigma
        profile = np.exp(-0.5 * ((wavelength[near] - centre) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
        flux[near] += strength * profile
    extinction = np.interp(wavelength, HSC_WAVELENGTHS, spectrum.extinction)
    return flux * 10.0 ** (-0.4 * extinction) * FIBRE_SHARE * 1e17


def _lines(spectrum: Spectrum) -> Iterator[tuple[float, float, float]]:
    """Observed wavelength (Angstrom), flux (erg/s/cm2) and sigma (km/s) of the lines of host and nucleus."""
    host = replace(spectrum, nucleus_strength=0.0).line_fluxes()
    nucleus = spectrum.line_fluxes() - host
    for position, centre in enumerate(observed_wavelengths(spectrum.redshift)):
        yield centre, host[position], NARROW
        if nucleus[position] > 0:
            yield centre, nucleus[position], BROAD if LINE_NAMES[position].startswith("h_") else 3.0 * NARROW


def chosen_galaxies(galaxies: Sequence[Galaxy], options: SurveyOptions, rng: np.random.Generator) -> list[Galaxy]:
    """Members that have a spectrum here: XELGs and quasars, and other_spectra_share of n of the rest, at random."""
    members = [galaxy for galaxy in galaxies if galaxy.is_member]
    first = [galaxy for galaxy in members if galaxy.kind in _FIRST]
    rest = [galaxy for galaxy in members if galaxy.kind not in _FIRST and galaxy.has_mpa_jhu]
    number = min(len(rest), options.count(options.other_spectra_share))
    picked = rng.choice(len(rest), number, replace=False) if number else []
    return first + [rest[place] for place in sorted(picked)]


def write_spectra(
    folder: Path,
    galaxies: Sequence[Galaxy],
    identities: Mapping[int, Identity],
    options: SurveyOptions,
    rng: np.random.Generator,
) -> None:
    """One file a galaxy. identities: plate, mjd and fibre of those that MPA-JHU has, by the galaxy's index."""
    used = set(identities.values())
    for galaxy in chosen_galaxies(galaxies, options, rng):
        identity = identities.get(galaxy.index)
        while identity is None or (galaxy.index not in identities and identity in used):
            # what MPA-JHU lacks was observed later: BOSS and eBOSS
            identity = (int(rng.integers(3600, 9000)), int(rng.integers(55200, 58000)), int(rng.integers(1, 1001)))
        used.add(identity)
        _write_spectrum(folder, galaxy, identity, rng)


def _write_spectrum(folder: Path, galaxy: Galaxy, identity: Identity, rng: np.random.Generator) -> None:
    plate, mjd, fibre = identity
    wavelength = 10.0**LOGLAM
    model = observed_spectrum(galaxy.spectrum, wavelength)
    magnitude = -2.5 * np.log10(galaxy.spectrum.total()[I_BAND])
    # the median S/N that galSpecInfo gives; the noise of the sky rises to both ends
    sky = np.median(model) / (20.0 * 10.0 ** (-0.2 * (magnitude - 16.5)))
    noise = sky * (1.0 + ((wavelength - 6500.0) / 2500.0) ** 2) / 1.5
    flux = model + noise * rng.standard_normal(len(model))
    spoilt = ((wavelength > SKY_LINE[0]) & (wavelength < SKY_LINE[1])) | (rng.random(len(model)) < 0.002)
    flux[spoilt] += 20.0 * noise[spoilt] * rng.standard_normal(int(spoilt.sum()))
    coadd = {
        "FLUX": flux.astype("f4"),
        "LOGLAM": LOGLAM.astype("f4"),
        "IVAR": np.where(spoilt, 0.0, noise**-2.0).astype("f4"),
        "AND_MASK": np.where(spoilt, 1 << 22, 0).astype("i4"),
        "OR_MASK": np.where(spoilt, 1 << 22, 0).astype("i4"),
        "WDISP": np.full(len(model), 1.0, "f4"),
        "SKY": (3.0 * noise).astype("f4"),
        "MODEL": model.astype("f4"),
    }
    ra, dec = offset_position(galaxy, min(abs(rng.normal(0.0, 0.1)), 0.4), rng)
    is_quasar = galaxy.kind in ("dr16q", "milliquas_quasar")
    about = {
        "PLUG_RA": np.array([ra]),
        "PLUG_DEC": np.array([dec]),
        "CLASS": np.array(["QSO" if is_quasar else "GALAXY"], "S6"),
        "SUBCLASS": np.array(["STARBURST" if galaxy.kind == "xelg" else ""], "S21"),
        "Z": np.array([galaxy.redshift + rng.normal(0.0, 2e-5)], "f4"),
        "Z_ERR": np.array([2e-5], "f4"),
        "ZWARNING": np.zeros(1, "i4"),
        "PLATE": np.array([plate], "i4"),
        "MJD": np.array([mjd], "i4"),
        "FIBERID": np.array([fibre], "i4"),
        "RUN2D": np.array(["26" if plate < 3500 else "v5_13_0"], "S16"),
    }
    primary = fits.PrimaryHDU()
    primary.header.update({"PLATEID": plate, "MJD": mjd, "FIBERID": fibre, "RA": ra, "DEC": dec})
    tables = [fits.BinTableHDU(Table(columns, copy=False)) for columns in (coadd, about)]
    fits.HDUList([primary, *tables]).writeto(folder / f"spec-{plate:04d}-{mjd}-{fibre:04d}.fits")
