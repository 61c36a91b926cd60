"""What stamps look like in numbers: sky, noise, sizes and colours of real and of embedded stamps, measured alike."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from astropy.stats import sigma_clipped_stats

from swimmy_db.cubes.store import FULL_SCALE, CubeRecipe, distance_from_centre

REACH = 20.0  # pixels: the aperture of magnitudes and half-light radii, 3.4"
FAR = 26.0  # pixels from the object: what lies beyond is other light


class Stamps(NamedTuple):
    """Some objects. linear: (n, band) arrays of counts, the object at x, y (n, band); cubes: (n, band, 64, 64) uint16.

    seeing: (n, band) arcsec. object_ids: n.
    """

    object_ids: np.ndarray
    linear: list[list[np.ndarray]]
    x: np.ndarray
    y: np.ndarray
    cubes: np.ndarray
    seeing: np.ndarray


def linear_flux(cubes: np.ndarray, recipe: CubeRecipe) -> np.ndarray:
    """The flux (1 = 19 mag, z and y not divided) whose stretch the cubes are: equation 1 turned round.

    The mean over the bands of f - beta is arcsinh(alpha I) / arcsinh(alpha), so I and each x follow. Clipped pixels
    give the flux at which they clip, no more.
    """
    stretch = recipe.stretch
    shown = cubes.astype(float) / FULL_SCALE - stretch.beta
    brightness = shown.mean(axis=1, keepdims=True)
    mean = np.sinh(brightness * np.arcsinh(stretch.alpha)) / stretch.alpha
    limit = np.arcsinh(stretch.alpha) / stretch.alpha
    ratio = np.where(np.abs(brightness) < 1e-7, limit, mean / np.where(np.abs(brightness) < 1e-7, 1.0, brightness))
    return shown * ratio * np.array(stretch.divisors)[:, None, None]


def sky_of_counts(stamps: Stamps) -> dict[str, np.ndarray]:
    """Per object and band, of sigma-clipped counts: sky level, sigma, and correlation of neighbouring pixels.

    Clipping at 2.5 sigma until nothing changes takes 6 % off the sigma of a Gaussian; it is not put back.
    """
    level, sigma, correlation = (np.full(stamps.x.shape, np.nan) for _ in range(3))
    for i, planes in enumerate(stamps.linear):
        for b, plane in enumerate(planes):
            pixels = np.asarray(plane, float)
            _, level[i, b], sigma[i, b] = sigma_clipped_stats(pixels, sigma=2.5, maxiters=20)
            sky = np.where(np.abs(pixels - level[i, b]) < 2.5 * sigma[i, b], pixels - level[i, b], np.nan)
            # what objects add varies slowly: the differences of pixels two apart see the noise only
            near = sky[:, 1:] - sky[:, :-1]
            far = sky[:, 3:] - sky[:, :-3]
            correlation[i, b] = 1.0 - np.nanvar(near) / np.nanvar(far)
    return {"level": level, "sigma": sigma, "correlation": correlation}


def sky_of_cubes(stamps: Stamps) -> dict[str, np.ndarray]:
    """Per object and band, stretched flux: sky level, sigma, and the share of all pixels clipped to 0."""
    shown = stamps.cubes / FULL_SCALE
    level, sigma = (np.full(stamps.x.shape, np.nan) for _ in range(2))
    for i, b in np.ndindex(*stamps.x.shape):
        _, level[i, b], sigma[i, b] = sigma_clipped_stats(shown[i, b], sigma=2.5, maxiters=20)
    return {"level": level, "sigma": sigma, "clipped": (stamps.cubes == 0).mean(axis=(2, 3))}


def sizes(stamps: Stamps, band: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude and half-light radius (arcsec) within 20 pixels in one band (i), sky of the ring beyond taken off."""
    magnitude, radius = (np.full(len(stamps.object_ids), np.nan) for _ in range(2))
    reaches = np.arange(0.5, REACH + 0.05, 0.1)
    for i, planes in enumerate(stamps.linear):
        plane = np.asarray(planes[band], float)
        rows, columns = np.indices(plane.shape)
        distance = np.hypot(columns - stamps.x[i, band], rows - stamps.y[i, band])
        sky = np.nanmedian(plane[(distance > REACH) & (distance < REACH + 8)])
        # a pixel counts by the share of its width that a circle has passed
        inside = np.clip(reaches[:, None] - distance[distance < REACH + 1] + 0.5, 0.0, 1.0)
        grown = np.nansum(inside * (plane - sky)[distance < REACH + 1], axis=1)
        if grown[-1] > 0:
            magnitude[i] = 27.0 - 2.5 * np.log10(grown[-1])
            radius[i] = reaches[np.argmax(grown >= grown[-1] / 2)] * 0.168
    return magnitude, radius


def colours(stamps: Stamps, recipe: CubeRecipe, radius: float = 6.0) -> np.ndarray:
    """(n, band - 1): AB colours g-r, r-i ... of the central 2", after the PSF match."""
    flux = linear_flux(stamps.cubes, recipe)[:, :, distance_from_centre(recipe.stamp_size) <= radius].sum(axis=2)
    magnitudes = -2.5 * np.log10(np.maximum(flux, 1e-6))
    return magnitudes[:, :-1] - magnitudes[:, 1:]


def other_light(stamps: Stamps, threshold: float = 3.0) -> np.ndarray:
    """Share of the stamp beyond 26 pixels of the object that is above 3 sigma of the sky, in the mean of the bands."""
    mean = stamps.cubes.mean(axis=1) / FULL_SCALE
    outside = distance_from_centre(mean.shape[-1]) > FAR
    shares = []
    for plane in mean:
        _, level, sigma = sigma_clipped_stats(plane, sigma=2.5, maxiters=20)
        shares.append(np.mean(plane[outside] > level + threshold * sigma))
    return np.array(shares)


def percentiles(values: np.ndarray, at: Sequence[float] = (16, 50, 84)) -> list[float]:
    finite = values[np.isfinite(values)]
    return [float(value) for value in np.percentile(finite, at)] if len(finite) else [float("nan")] * len(at)
