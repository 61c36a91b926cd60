"""What else is in a stamp: neighbours, chance projections, merging companions and debris, faint field galaxies."""

import numpy as np

from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy
from swimmy_db.sources.simulated.morphology import (
    SIZE,
    Disc,
    Scene,
    exponential,
    pixels,
    sersic,
    shift,
    unit,
)
from swimmy_db.sources.simulated.options import PIXEL_SCALE, ZERO_POINT, SurveyOptions

_FIELD_BRIGHT, _FIELD_FAINT, _FIELD_SLOPE = 20.0, 25.5, 0.32
_STAMP_PIXELS = 100  # faint galaxies are drawn in this square about the centre


def colours(g_minus_i: float) -> np.ndarray:
    """Fluxes in grizy relative to i of an ordinary galaxy of this colour."""
    magnitudes = np.array([g_minus_i, 0.36 * g_minus_i, 0.0, -0.22 * g_minus_i, -0.30 * g_minus_i])
    return 10.0 ** (-0.4 * magnitudes)


def star_colours(g_minus_i: float) -> np.ndarray:
    """Fluxes in grizy relative to i along the stellar locus; red ones are M dwarfs."""
    r_minus_i = 0.22 * g_minus_i if g_minus_i < 1.4 else 0.31 + 0.62 * (g_minus_i - 1.4)
    magnitudes = np.array([g_minus_i, r_minus_i, 0.0, -0.55 * r_minus_i, -0.85 * r_minus_i])
    return 10.0 ** (-0.4 * magnitudes)


def draw(
    options: SurveyOptions, galaxy: Galaxy, centre: tuple[float, float], total: np.ndarray, rng: np.random.Generator
) -> tuple[Scene, int]:
    """(scene without the galaxy, number of neighbours within 3 mag of it); total is the galaxy's counts (5,)."""
    scene = Scene()
    _field(options, scene, rng)
    if galaxy.kind == "chance":
        _neighbour(scene, centre, total, rng, (0.0, 2.2), (0.2, 2.5))
        return scene, 1
    if galaxy.kind == "merger":
        _companion(scene, galaxy, centre, total, rng)
        return scene, 1
    if rng.random() >= options.neighbour_share:
        return scene, 0
    number = 1 + int(rng.random() < 0.25)
    for _ in range(number):
        _neighbour(scene, centre, total, rng, (2.3, 7.0), (0.3, 3.0))
    return scene, number


def _field(options: SurveyOptions, scene: Scene, rng: np.random.Generator) -> None:
    """Faint galaxies and a few stars, with the counts of the sky."""
    area = (_STAMP_PIXELS * PIXEL_SCALE / 60.0) ** 2
    low, high = 10.0 ** (_FIELD_SLOPE * _FIELD_BRIGHT), 10.0 ** (_FIELD_SLOPE * _FIELD_FAINT)
    for _ in range(rng.poisson(options.background_density * area)):
        magnitude = np.log10(low + rng.random() * (high - low)) / _FIELD_SLOPE
        x, y = SIZE / 2 + rng.uniform(-0.5, 0.5, 2) * _STAMP_PIXELS
        flux = 10.0 ** (0.4 * (ZERO_POINT - magnitude))
        if rng.random() < 0.08:
            scene.modes.append((shift(x, y), flux * star_colours(rng.uniform(0.6, 3.0))))
            continue
        size = 0.45 * 10.0 ** (-0.09 * (magnitude - 22.0)) * np.exp(rng.normal(0.0, 0.35))
        body = exponential(pixels(size), rng.uniform(0.25, 1.0), rng.uniform(0.0, np.pi))
        scene.modes.append((body * shift(x, y), flux * colours(rng.normal(0.9, 0.45))))


def _neighbour(
    scene: Scene,
    centre: tuple[float, float],
    total: np.ndarray,
    rng: np.random.Generator,
    distances: tuple[float, float],
    fainter: tuple[float, float],
) -> None:
    """A star or galaxy at this many arcsec, fainter in i by this many magnitudes."""
    distance, angle = pixels(rng.uniform(*distances)), rng.uniform(0.0, 2.0 * np.pi)
    x, y = centre[0] + distance * np.cos(angle), centre[1] + distance * np.sin(angle)
    flux = total[I_BAND] * 10.0 ** (-0.4 * rng.uniform(*fainter))
    if rng.random() < 0.25:
        scene.modes.append((shift(x, y), flux * star_colours(rng.uniform(0.6, 3.0))))
        return
    size = pixels(float(np.clip(0.9 * np.exp(rng.normal(0.0, 0.4)), 0.2, 2.5)))
    ratio, turn = rng.uniform(0.3, 1.0), rng.uniform(0.0, np.pi)
    if rng.random() < 0.4:
        body = sersic(float(rng.choice([2.0, 3.0, 4.0])), size, max(ratio, 0.5), turn)
        colour = rng.normal(1.6, 0.35)  # background early types are red
    else:
        body = exponential(size, ratio, turn)
        colour = rng.normal(0.95, 0.4)
    scene.modes.append((body * shift(x, y), flux * colours(colour)))


def _companion(
    scene: Scene, galaxy: Galaxy, centre: tuple[float, float], total: np.ndarray, rng: np.random.Generator
) -> None:
    """A companion of similar brightness and colour, a bridge or tail of stars, and a shell of debris."""
    radius = pixels(galaxy.shape.half_light_radius)
    distance, angle = radius * rng.uniform(0.5, 2.2), rng.uniform(0.0, 2.0 * np.pi)
    x, y = centre[0] + distance * np.cos(angle), centre[1] + distance * np.sin(angle)
    share = 10.0 ** (-0.4 * rng.uniform(0.0, 1.8))
    slope = np.linspace(rng.uniform(-0.25, 0.15), 0.0, len(total))
    fluxes = total * share * 10.0 ** (-0.4 * slope)
    core = sersic(2.0, max(1.0, 0.4 * radius * share), rng.uniform(0.6, 1.0), angle) * shift(x, y)
    body = exponential(max(1.5, radius * share**0.4), rng.uniform(0.4, 1.0), rng.uniform(0.0, np.pi)) * shift(x, y)
    scene.modes += [(core, 0.35 * fluxes), (body, 0.65 * fluxes)]
    middle = ((centre[0] + x) / 2, (centre[1] + y) / 2)
    debris = Disc(*middle, max(3.0, 0.9 * radius), rng.uniform(0.4, 1.0), angle)
    pitch = np.tan(rng.uniform(0.5, 1.1)) * rng.choice([-1.0, 1.0])
    tail = (0.5 + 0.5 * np.cos(debris.azimuth - np.log(debris.radius / debris.scale) / pitch)) ** 6
    tail = tail * np.exp(-(((debris.radius - 2.2 * debris.scale) / (1.5 * debris.scale)) ** 2))
    scene.maps.append((unit(tail), 0.12 * (total + fluxes) * colours(-0.2)))
