"""How galaxies look: smooth parts as Fourier images (galsim or closed forms), structured parts as maps.

All lengths are pixels on a SIZE x SIZE grid; the galaxy's centre is an argument. A part has one flux per band;
its map or Fourier image has a total of 1.
"""

from dataclasses import dataclass, field
from functools import cache

import galsim
import numpy as np
from scipy import fft

from swimmy_db.sources.simulated.galaxy import Galaxy, Shape
from swimmy_db.sources.simulated.options import BANDS, PIXEL_SCALE
from swimmy_db.sources.simulated.spectra import HSC_WAVELENGTHS

SIZE = 192  # pixels: twice the stamp, so that what wraps around in the Fourier images falls outside it
HALF = SIZE // 2 + 1
_COLOUR_AXIS = HSC_WAVELENGTHS / HSC_WAVELENGTHS[BANDS.index("i")]


@dataclass
class Scene:
    """A galaxy (or a field) before the PSF: Fourier images with band fluxes, maps with band fluxes, dust."""

    modes: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)  # (SIZE, HALF) and (5,) counts
    maps: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)  # (SIZE, SIZE) and (5,) counts
    dust: np.ndarray | None = None  # (SIZE, SIZE), optical depth in g

    def fourier(self) -> np.ndarray:
        """The sum per band, (5, SIZE, HALF) complex64."""
        total = np.zeros((len(BANDS), SIZE, HALF), np.complex64)
        for image, fluxes in self.modes:
            total += fluxes.astype(np.float32)[:, None, None] * image
        if self.maps:
            images = np.array([image for image, _ in self.maps], np.float32)
            fluxes = np.array([flux for _, flux in self.maps], np.float32)
            bodies = np.tensordot(fluxes.T, images, 1)
            if self.dust is not None:
                bodies = _behind_dust(bodies, self.dust)
            total += fft.rfft2(bodies)
        return total


def _behind_dust(bodies: np.ndarray, optical_depth: np.ndarray) -> np.ndarray:
    """Attenuate (5, y, x) by dust with A ~ 1 / wavelength; each band keeps its total, the photometry has it already."""
    factor = (HSC_WAVELENGTHS[0] / HSC_WAVELENGTHS)[:, None, None].astype(np.float32)
    dimmed = bodies * np.exp(-factor * optical_depth)
    before, after = bodies.sum(axis=(1, 2)), dimmed.sum(axis=(1, 2))
    return dimmed * np.where(after > 0, before / np.maximum(after, 1e-12), 1.0)[:, None, None]


@cache
def frequencies() -> tuple[np.ndarray, np.ndarray]:
    """(kx, ky) of a half-plane Fourier image, radians per pixel."""
    kx = (2.0 * np.pi * np.fft.rfftfreq(SIZE)).astype(np.float32)
    ky = (2.0 * np.pi * np.fft.fftfreq(SIZE)).astype(np.float32)
    return np.meshgrid(kx, ky)


@cache
def grid() -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of every pixel."""
    axis = np.arange(SIZE, dtype=np.float32)
    return np.meshgrid(axis, axis)


def shift(x: float, y: float) -> np.ndarray:
    """Fourier image of a point at (x, y)."""
    kx, ky = frequencies()
    return np.exp(-1j * ky[:, :1] * y).astype(np.complex64) * np.exp(-1j * kx[:1] * x).astype(np.complex64)


def _stretched_k2(axis_ratio: float, angle: float) -> np.ndarray:
    kx, ky = frequencies()
    along = kx * np.float32(np.cos(angle)) + ky * np.float32(np.sin(angle))
    across = ky * np.float32(np.cos(angle)) - kx * np.float32(np.sin(angle))
    return along**2 + (np.float32(axis_ratio) * across) ** 2


def exponential(half_light: float, axis_ratio: float, angle: float) -> np.ndarray:
    """Fourier image of an exponential disc; half_light along the major axis."""
    scale = np.float32(half_light / 1.6783)
    return (1.0 + scale**2 * _stretched_k2(axis_ratio, angle)) ** np.float32(-1.5)


def gaussian(sigma: float, axis_ratio: float = 1.0, angle: float = 0.0) -> np.ndarray:
    return np.exp(np.float32(-0.5 * sigma**2) * _stretched_k2(axis_ratio, angle))


def galsim_fourier(profile: galsim.GSObject) -> np.ndarray:
    """Half-plane Fourier image (real: the profile is symmetric) of a galsim profile in pixel units."""
    image = galsim.ImageCD(galsim.BoundsI(0, SIZE // 2, -SIZE // 2, SIZE // 2 - 1), scale=2.0 * np.pi / SIZE)
    profile.drawKImage(image=image, recenter=False)
    return np.fft.ifftshift(image.array.real, axes=0).astype(np.float32)


def sersic(index: float, half_light: float, axis_ratio: float, angle: float) -> np.ndarray:
    """Fourier image of a Sersic profile; half_light along the major axis."""
    profile = galsim.Sersic(n=index, half_light_radius=half_light * np.sqrt(axis_ratio))
    return galsim_fourier(profile.shear(q=axis_ratio, beta=angle * galsim.radians))


def smooth_field(rng: np.random.Generator, length: float) -> np.ndarray:
    """A Gaussian random field of unit variance with this correlation length."""
    noise = fft.rfft2(rng.standard_normal((SIZE, SIZE), dtype=np.float32))
    made = fft.irfft2(noise * gaussian(length), s=(SIZE, SIZE))
    return made / made.std()


def unit(image: np.ndarray) -> np.ndarray:
    return image / max(float(image.sum()), 1e-20)


@dataclass
class Disc:
    """The plane of a disc: coordinates and patterns in it."""

    x: float
    y: float
    scale: float  # exponential scale length
    axis_ratio: float
    angle: float

    def __post_init__(self) -> None:
        x, y = grid()
        cosine, sine = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        self.along = (x - np.float32(self.x)) * cosine + (y - np.float32(self.y)) * sine
        self.across = ((y - np.float32(self.y)) * cosine - (x - np.float32(self.x)) * sine) / np.float32(
            self.axis_ratio
        )
        self.radius = np.sqrt(self.along**2 + self.across**2 + np.float32(0.25))
        self.azimuth = np.arctan2(self.across, self.along)

    def smooth(self) -> np.ndarray:
        return unit(np.exp(-self.radius / self.scale))

    def arms(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(light, dust) of logarithmic spiral arms, from grand design to flocculent; dust on the inner edge."""
        number = int(rng.choice([2, 2, 2, 3, 4]))
        pitch = np.tan(rng.uniform(0.17, 0.55))
        phase = self.azimuth - np.log(self.radius / self.scale) / pitch * rng.choice([-1.0, 1.0])
        phase = phase + rng.uniform(0.0, 0.6) * smooth_field(rng, 0.6 * self.scale + 2.0) + rng.uniform(0.0, 6.3)
        sharpness = rng.uniform(1.0, 4.0)
        pattern = (0.5 + 0.5 * np.cos(number * phase)) ** sharpness
        lane = (0.5 + 0.5 * np.cos(number * phase + 1.1)) ** (2.0 * sharpness)
        inner = 1.0 - np.exp(-((self.radius / (rng.uniform(0.4, 1.0) * self.scale)) ** 2))
        floccules = np.exp(rng.uniform(0.2, 0.7) * smooth_field(rng, max(1.2, 0.18 * self.scale)))
        light = pattern * inner * floccules * np.exp(-self.radius / (1.15 * self.scale))
        return unit(light), lane * inner * np.exp(-self.radius / (1.8 * self.scale))

    def bar(self, length: float, turn: float) -> np.ndarray:
        along = self.radius * np.cos(self.azimuth - turn)
        across = self.radius * np.sin(self.azimuth - turn)
        return unit(np.exp(-(np.abs(along / length) ** 2.5) - np.abs(across / (0.28 * length)) ** 2))

    def clumps(
        self, rng: np.random.Generator, number: int, where: np.ndarray, sizes: tuple[float, float]
    ) -> np.ndarray:
        """Round knots of different brightness, at places drawn from `where` (a map of non-negative weights)."""
        image = np.zeros((SIZE, SIZE), np.float32)
        cumulative = np.cumsum(where.ravel(), dtype=float)
        picks = np.searchsorted(cumulative, rng.random(number) * cumulative[-1])
        for pick in np.minimum(picks, SIZE * SIZE - 1):
            row, column = divmod(int(pick), SIZE)
            sigma, strength = rng.uniform(*sizes), rng.pareto(1.6) + 0.3
            add_knot(image, column + rng.uniform(-0.5, 0.5), row + rng.uniform(-0.5, 0.5), sigma, min(strength, 8.0))
        return unit(image)


def add_knot(image: np.ndarray, x: float, y: float, sigma: float, flux: float) -> None:
    """Add a round Gaussian to a map, in its own neighbourhood only."""
    reach = int(np.ceil(4.0 * sigma)) + 1
    left, low = max(0, int(x) - reach), max(0, int(y) - reach)
    right, high = min(SIZE, int(x) + reach + 2), min(SIZE, int(y) + reach + 2)
    if left >= right or low >= high:
        return
    profile_x = np.exp(-0.5 * ((np.arange(left, right) - x) / sigma) ** 2)
    profile_y = np.exp(-0.5 * ((np.arange(low, high) - y) / sigma) ** 2)
    image[low:high, left:right] += flux / (2.0 * np.pi * sigma**2) * np.outer(profile_y, profile_x)


def coloured(fluxes: np.ndarray, share: float, slope: float, most: float = 0.95) -> np.ndarray:
    """A part's fluxes: `share` of the total in i, changing with wavelength to the power of slope, at most `most`."""
    return fluxes * np.clip(share * _COLOUR_AXIS**slope, 0.0, most)


def pixels(arcsec: float) -> float:
    return arcsec / PIXEL_SCALE


def draw_galaxy(galaxy: Galaxy, stars: np.ndarray, emission: np.ndarray, x: float, y: float, seeds: tuple) -> Scene:
    """The galaxy's body: stars (5,) counts and its own template lines (5,) counts, by its type.

    The random structure depends on seeds only, so that a control without planted light has the same body.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seeds)))
    shape = galaxy.shape
    scene = Scene()
    if shape.morphology in ("elliptical", "compact"):
        _draw_spheroid(scene, shape, stars + emission, x, y, rng)
    else:
        _draw_disc(scene, shape, stars, emission, x, y, rng)
    return scene


def _draw_spheroid(
    scene: Scene, shape: Shape, fluxes: np.ndarray, x: float, y: float, rng: np.random.Generator
) -> None:
    centre = shift(x, y)
    radius = pixels(shape.half_light_radius)
    # A redder inner part and a bluer, rounder envelope make a colour gradient.
    inner = coloured(fluxes, rng.uniform(0.35, 0.6), rng.uniform(0.0, 0.35))
    core = sersic(shape.sersic_index, 0.7 * radius, shape.axis_ratio, shape.position_angle)
    turned = shape.position_angle + rng.normal(0.0, 0.1)
    envelope = sersic(max(1.0, shape.sersic_index - 1.0), 1.35 * radius, min(1.0, 1.05 * shape.axis_ratio), turned)
    scene.modes += [(core * centre, inner), (envelope * centre, fluxes - inner)]


def _draw_disc(
    scene: Scene,
    shape: Shape,
    stars: np.ndarray,
    emission: np.ndarray,
    x: float,
    y: float,
    rng: np.random.Generator,
) -> None:
    radius = pixels(shape.half_light_radius)
    bulge_fluxes = coloured(stars, shape.bulge_to_total, rng.uniform(0.4, 1.5))
    bulge_radius = radius * (0.35 if shape.morphology == "lenticular" else rng.uniform(0.12, 0.35))
    bulge_ratio = 1.0 - 0.6 * (1.0 - shape.axis_ratio)
    bulge = sersic(shape.sersic_index, max(bulge_radius, 0.4), bulge_ratio, shape.position_angle) * shift(x, y)
    # The disc's own half-light radius, so that bulge and disc together have the galaxy's.
    disc_radius = radius * (1.0 + 0.45 * shape.bulge_to_total)
    rest = stars - bulge_fluxes
    if disc_radius * shape.axis_ratio / 1.68 < 1.2:
        disc_mode = exponential(disc_radius, shape.axis_ratio, shape.position_angle) * shift(x, y)
        scene.modes += [(bulge, bulge_fluxes), (disc_mode, rest + emission)]
        return
    disc = Disc(x, y, disc_radius / 1.68, shape.axis_ratio, shape.position_angle)
    smooth = disc.smooth()
    dust = None
    if shape.morphology == "lenticular":
        scene.maps.append((smooth, rest + emission))
    else:
        young, dust, share = _young_light(disc, smooth, shape, rng)
        young_fluxes = coloured(rest, share, rng.uniform(-2.2, -0.6), most=max(0.65, share))
        scene.maps += [(smooth, rest - young_fluxes), (young, young_fluxes + emission)]
        if shape.morphology == "barred":
            bar_fluxes = coloured(rest - young_fluxes, rng.uniform(0.08, 0.3), rng.uniform(0.1, 0.8))
            scene.maps[0] = (smooth, rest - young_fluxes - bar_fluxes)
            length = disc.scale * rng.uniform(0.7, 1.5)
            scene.maps.append((disc.bar(length, rng.uniform(0.0, np.pi)), bar_fluxes))
    _put_bulge_and_dust(scene, shape, disc, bulge, bulge_fluxes, dust, rng)


def _young_light(
    disc: Disc, smooth: np.ndarray, shape: Shape, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None, float]:
    """(map of young stars and H II regions, dust along arms, their share of the disc in i)."""
    if shape.morphology == "irregular":
        lumpy = unit(smooth * np.exp(rng.uniform(0.4, 1.0) * smooth_field(rng, 0.35 * disc.scale + 1.5)))
        offset = Disc(
            disc.x + rng.normal(0.0, 0.5 * disc.scale), disc.y + rng.normal(0.0, 0.5 * disc.scale), disc.scale, 0.8, 0.0
        )
        knots = disc.clumps(rng, int(rng.integers(4, 16)), lumpy + 0.3 * offset.smooth(), (0.8, 2.2))
        return unit(lumpy + rng.uniform(0.1, 0.7) * knots), None, float(rng.uniform(0.4, 0.85))
    if shape.morphology == "edge_on":
        knots = disc.clumps(rng, int(rng.integers(8, 25)), smooth, (0.8, 1.4))
        return unit(smooth + rng.uniform(0.05, 0.3) * knots), None, float(rng.uniform(0.15, 0.5))
    arms, lanes = disc.arms(rng)
    knots = disc.clumps(rng, int(rng.integers(10, 40)), arms, (0.8, 1.6))
    return unit(arms + rng.uniform(0.05, 0.4) * knots), lanes, float(rng.uniform(0.12, 0.55))


def _put_bulge_and_dust(
    scene: Scene,
    shape: Shape,
    disc: Disc,
    bulge: np.ndarray,
    bulge_fluxes: np.ndarray,
    lanes: np.ndarray | None,
    rng: np.random.Generator,
) -> None:
    """The bulge as a Fourier image; behind a dust lane as a map, slightly softened so that it can be sampled."""
    if shape.dust_lane == 0.0 or (lanes is None and shape.axis_ratio > 0.45):
        scene.modes.append((bulge, bulge_fluxes))
        return
    if lanes is None:
        sky_across = disc.across * np.float32(disc.axis_ratio)
        width = max(0.8, 0.10 * disc.scale * rng.uniform(0.7, 1.5))
        offset = rng.normal(0.0, 0.5) * width
        lanes = np.exp(-0.5 * ((sky_across - offset) / width) ** 2 - 0.5 * (disc.along / (2.2 * disc.scale)) ** 2)
        lanes = lanes * np.exp(0.4 * smooth_field(rng, 2.5))
    scene.dust = (shape.dust_lane * lanes).astype(np.float32)
    softened = np.maximum(fft.irfft2(bulge * gaussian(0.7), s=(SIZE, SIZE)), 0.0)
    scene.maps.append((unit(softened), bulge_fluxes))
