"""Stamps: a galaxy with its neighbours through the patch's PSF, with noise and artefacts. One code path for the
survey and for its controls, which leave the planted lines or the nucleus out and keep everything else, noise too."""

from functools import cache, lru_cache
from typing import NamedTuple

import galsim
import numpy as np
from scipy import fft

from swimmy_db.sources.simulated import surroundings
from swimmy_db.sources.simulated.artefacts import r_zero_point_factor, spoil
from swimmy_db.sources.simulated.galaxy import I_BAND, NO_LINES, Galaxy
from swimmy_db.sources.simulated.morphology import (
    SIZE,
    Disc,
    Scene,
    draw_galaxy,
    exponential,
    frequencies,
    gaussian,
    pixels,
    shift,
    unit,
)
from swimmy_db.sources.simulated.options import BANDS, PIXEL_SCALE, ZERO_POINT, SurveyOptions
from swimmy_db.sources.simulated.sky import Patch
from swimmy_db.sources.skymap import sky_to_pixel

# Photo-electrons of one count at zero point 27, from the sky's brightness (22.0, 21.0, 20.0, 19.1, 18.2 mag/arcsec2)
# and its variance in HSC-wide coadds.
ELECTRONS_A_COUNT = np.array([2200.0, 2600.0, 5500.0, 3400.0, 2600.0])
NOISE_CORRELATION = 0.07  # between neighbouring pixels, from the warping of the exposures; docs/real-sky.md
LEAST_EXTENDEDNESS = 0.23  # psfflux_mag - cmodel_mag of a member; the cut is at 0.2

_STRUCTURE, _SURROUNDINGS, _NOISE, _PHOTOMETRY = range(1, 5)


class Stamps(NamedTuple):
    """Five images on one pixel grid: (5, ny, nx) counts, and the tract pixel of the first one."""

    pixels: np.ndarray
    x_0: int
    y_0: int


class Measured(NamedTuple):
    """The catalogue's photometry of a galaxy, AB mag, grizy, and what is true of its image."""

    index: int
    cmodel_mag: np.ndarray
    cmodel_magerr: np.ndarray
    psf_mag: np.ndarray
    half_light_radius: float  # arcsec, as drawn, before the PSF
    n_neighbours: int


def random(options: SurveyOptions, galaxy: Galaxy, stream: int) -> np.random.Generator:
    """The galaxy's own random numbers: they depend on nothing that other galaxies do."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([options.seed, galaxy.index + 1, stream])))


@cache
def _moffat_transform(beta: float) -> tuple[np.ndarray, np.ndarray]:
    """(k, transform) of galsim's Moffat of FWHM 1; drawing each patch's PSF anew would take most of the time."""
    frequency = np.linspace(0.0, 45.0, 3000)
    profile = galsim.Moffat(beta=beta, fwhm=1.0)
    return frequency, np.array([profile.kValue(k, 0.0).real for k in frequency])


@lru_cache(maxsize=24)
def _psf(seeing: tuple[float, ...], ellipticity: tuple[float, float], beta: float) -> np.ndarray:
    """Fourier images (5, SIZE, HALF) of the patch's PSF, pixel included; FWHM = seeing in arcsec."""
    kx, ky = frequencies()
    g1, g2 = ellipticity
    size = np.sqrt(1.0 - g1**2 - g2**2)
    sheared = np.hypot(((1.0 + g1) * kx + g2 * ky) / size, ((1.0 - g1) * ky + g2 * kx) / size)
    table = _moffat_transform(beta)
    return np.array([np.interp(sheared * fwhm / PIXEL_SCALE, *table) for fwhm in seeing], np.float32)


def patch_psf(patch: Patch) -> np.ndarray:
    return _psf(tuple(patch.seeing), tuple(patch.psf_ellipticity), patch.moffat_beta)


def counts(maggies: np.ndarray) -> np.ndarray:
    return maggies * 10.0 ** (0.4 * ZERO_POINT)


def render(
    options: SurveyOptions, galaxy: Galaxy, patch: Patch, without: str = "", wanted: bool = True
) -> tuple[Stamps | None, Measured]:
    """Draw a galaxy and measure it. `without`: '', 'lines' or 'nucleus'; no stamps unless `wanted`.

    A planned member whose light is so concentrated that the point-source cut would drop it is drawn larger; a
    control is drawn at the same size as the galaxy itself.
    """
    x, y = sky_to_pixel(galaxy.tract, galaxy.ra, galaxy.dec)
    # The grid's pixel (SIZE/2, SIZE/2) is the tract pixel nearest to the galaxy.
    left, low = round(x) - SIZE // 2, round(y) - SIZE // 2
    centre = (x - left, y - low)
    psf = patch_psf(patch)
    image, psf_mag = _settle_size(options, galaxy, psf, centre)
    if without:
        image = _scene(options, galaxy, centre, without).fourier() * psf
    measured = _measure(options, galaxy, patch, psf_mag)
    if not wanted:
        return None, measured
    around, n_neighbours = surroundings.draw(
        options, galaxy, centre, counts(galaxy.spectrum.total()), random(options, galaxy, _SURROUNDINGS)
    )
    image = image + around.fourier() * psf
    clean = np.maximum(fft.irfft2(image, s=(SIZE, SIZE)), -1e-3) * patch.zero_point_factor[:, None, None]
    half = options.semi_width_arcsec / PIXEL_SCALE
    rows = slice(round(y - half) - low, round(y + half) - low + 1)
    columns = slice(round(x - half) - left, round(x + half) - left + 1)
    noisy = _add_noise(options, clean[:, rows, columns], patch, random(options, galaxy, _NOISE))
    pixels_made = spoil(galaxy, noisy, random(options, galaxy, _NOISE + 10))
    stamps = Stamps(pixels_made.astype(np.float32), left + columns.start, low + rows.start)
    return stamps, measured._replace(n_neighbours=n_neighbours)


def _scene(options: SurveyOptions, galaxy: Galaxy, centre: tuple[float, float], without: str) -> Scene:
    """The galaxy alone. Without lines: the planted ones, or the templates' where none are planted."""
    spectrum = galaxy.spectrum
    template_lines, planted_lines = spectrum.template_lines, spectrum.planted_lines
    if without == "lines":
        template_lines = template_lines if planted_lines.any() else NO_LINES
        planted_lines = NO_LINES
    stars = counts(spectrum.host_continuum())
    emission = counts(spectrum.lines(template_lines))
    seeds = (options.seed, galaxy.index + 1, _STRUCTURE)
    scene = draw_galaxy(galaxy, stars, emission, *centre, seeds)
    if galaxy.kind == "star":
        return Scene(modes=[(shift(*centre), stars)])
    planted = counts(spectrum.lines(planted_lines))
    if planted.any():
        _place_lines(scene, galaxy, planted, centre, random(options, galaxy, _STRUCTURE + 20))
    nucleus = counts(spectrum.nucleus())
    if nucleus.any() and without != "nucleus":
        scene.modes.append((shift(*centre), nucleus))
    return scene


def _place_lines(
    scene: Scene, galaxy: Galaxy, fluxes: np.ndarray, centre: tuple[float, float], rng: np.random.Generator
) -> None:
    """Planted lines where the galaxy has them: nucleus, compact body, disc, or a few H II regions off centre."""
    shape = galaxy.shape
    radius = pixels(shape.half_light_radius)
    if galaxy.line_place == "nucleus":
        scene.modes.append((gaussian(rng.uniform(0.3, 1.2)) * shift(*centre), fluxes))
    elif galaxy.line_place == "compact":
        body = exponential(rng.uniform(0.5, 1.0) * radius, shape.axis_ratio, shape.position_angle)
        scene.modes.append((body * shift(*centre), fluxes))
    elif galaxy.line_place == "disc":
        disc = Disc(*centre, max(radius / 1.68, 0.8), max(shape.axis_ratio, 0.25), shape.position_angle)
        knots = disc.clumps(rng, int(rng.integers(12, 40)), disc.smooth(), (0.8, 2.0))
        scene.maps.append((unit(disc.smooth() + rng.uniform(0.3, 2.0) * knots), fluxes))
    else:
        for share in rng.dirichlet(np.ones(int(rng.integers(1, 4)))):
            distance, angle = radius * rng.uniform(0.6, 2.0), rng.uniform(0.0, 2.0 * np.pi)
            place = shift(centre[0] + distance * np.cos(angle), centre[1] + distance * np.sin(angle))
            scene.modes.append((gaussian(rng.uniform(0.6, 2.0)) * place, share * fluxes))


def _settle_size(
    options: SurveyOptions, galaxy: Galaxy, psf: np.ndarray, centre: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(image after the PSF in Fourier space, PSF magnitudes), at a size with the extendedness that was planned."""
    compact = galaxy.failed_cut == "extendedness" and galaxy.kind != "star"
    for _ in range(30):
        image = _scene(options, galaxy, centre, "").fourier() * psf
        psf_mag = _psf_magnitudes(image, psf, centre)
        extendedness = psf_mag[I_BAND] + 2.5 * np.log10(galaxy.spectrum.total()[I_BAND])
        if galaxy.kind == "star":
            break
        if compact and extendedness > 0.12:
            galaxy.shape.half_light_radius *= 0.75
        elif not compact and extendedness < LEAST_EXTENDEDNESS:
            galaxy.shape.half_light_radius *= 1.2
        else:
            break
    return image, psf_mag


def _psf_magnitudes(image: np.ndarray, psf: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """PSF-weighted flux at the galaxy's place, as hscPipe's psfflux: sum(image psf) / sum(psf**2), by Parseval."""
    weight = np.full(image.shape[-1], 2.0)
    weight[[0, -1]] = 1.0
    overlap = (image * psf * np.conj(shift(*centre))).real @ weight
    flux = overlap.sum(axis=1) / (psf**2 @ weight).sum(axis=1)
    return ZERO_POINT - 2.5 * np.log10(np.maximum(flux, 1e-6))


def _measure(options: SurveyOptions, galaxy: Galaxy, patch: Patch, psf_mag: np.ndarray) -> Measured:
    rng = random(options, galaxy, _PHOTOMETRY)
    offset = -2.5 * np.log10(patch.zero_point_factor)
    if galaxy.artefact == "r_zero_point":
        offset = offset - np.array([0.0, 2.5 * np.log10(r_zero_point_factor(galaxy)), 0.0, 0.0, 0.0])
    total = counts(galaxy.spectrum.total())
    reach = pixels(galaxy.shape.half_light_radius) + 4.0
    variance = np.pi * (1.5 * reach) ** 2 * _sky_sigma(options, patch) ** 2 + total / ELECTRONS_A_COUNT
    error = 1.0857 * np.sqrt(variance) / total
    cmodel = ZERO_POINT - 2.5 * np.log10(total) + offset
    # Model fits differ from the truth by more than the noise for bright galaxies.
    scatter = np.hypot(error, 0.004) * rng.standard_normal(len(BANDS))
    cmodel = cmodel + np.clip(scatter, -0.03, 0.03)
    psf_error = 0.002 * rng.standard_normal(len(BANDS))
    return Measured(galaxy.index, cmodel, error, psf_mag + offset + psf_error, galaxy.shape.half_light_radius, 0)


def _sky_sigma(options: SurveyOptions, patch: Patch) -> np.ndarray:
    """Counts per pixel: the survey's, deeper or shallower as the patch is."""
    return np.array(options.sky_sigma) * 10.0 ** (-0.4 * (patch.depth - np.array(options.depth_median)))


def _add_noise(options: SurveyOptions, clean: np.ndarray, patch: Patch, rng: np.random.Generator) -> np.ndarray:
    """Sky and photon noise, correlated between neighbouring pixels as in warped coadds, and an imperfect sky."""
    white = rng.standard_normal((clean.shape[0], clean.shape[1] + 2, clean.shape[2] + 2), dtype=np.float32)
    side = np.float32(NOISE_CORRELATION / 2.0)
    noise = white[:, 1:-1, 1:-1] + side * (
        white[:, :-2, 1:-1] + white[:, 2:, 1:-1] + white[:, 1:-1, :-2] + white[:, 1:-1, 2:]
    )
    noise /= np.sqrt(1.0 + 4.0 * side**2)
    sky = _sky_sigma(options, patch)[:, None, None]
    level = sky * (0.12 * rng.standard_normal(len(BANDS)))[:, None, None]
    variance = sky**2 + np.maximum(clean, 0.0) / ELECTRONS_A_COUNT[:, None, None]
    return clean + level + noise * np.sqrt(variance)
