"""Make a survey of one's own from KiDS/VIKING images: detect, measure, cut stamps, write survey.toml.

The images are ProFound's MultiBand example (asgr/ProFound, LGPL-3): KiDS g, r, i and VIKING Z, Y, 2600 x 2600
pixels, co-registered, without header. What the headers would say is stated, or measured, below. Detection and
photometry are SEP's (SExtractor's algorithms as a library).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sep
from astropy.io import fits
from scipy.ndimage import gaussian_filter
from scipy.optimize import least_squares
from scipy.spatial import cKDTree

# Not stated anywhere; three things agree on VIKING's 0.339" and exclude KiDS's 0.2" (README.md): seeing, depth, counts.
PIXEL_SCALE = 0.339  # arcsec
STAMP = 96  # px: 64 and a margin of 16 for the PSF match
MAGNITUDE_MAX = 22.0
FWHM_OF_SIGMA = 2.3548
# SExtractor's AUTO: 2.5 Kron radii, at least 3.5 px
KRON_FACTOR, RADIUS_MIN = 2.5, 3.5
BOX_OF_STAR = 12  # px to each side


@dataclass(frozen=True)
class Image:
    """file, archive name, AB mag of one count, reference wavelength in Angstrom, stretch divisor of section 2.3."""

    file: str
    archive_name: str
    zero_point: float
    wavelength: float
    divisor: float = 1.0
    is_selection_band: bool = False


IMAGES = {
    "g": Image("g.fits", "KiDS-g", 0.0, 4770.0, is_selection_band=True),
    "r": Image("r.fits", "KiDS-r", 0.0, 6231.0, is_selection_band=True),
    "i": Image("i.fits", "KiDS-i", 0.0, 7625.0, is_selection_band=True),
    "z": Image("Z.fits", "VIKING-Z", 30.0, 8770.0, divisor=1.2),
    "y": Image("Y.fits", "VIKING-Y", 30.0, 10200.0, divisor=1.5),
}


@dataclass
class Field:
    """One band: pixels without background, noise per pixel, both in counts."""

    pixels: np.ndarray
    noise: np.ndarray


def read_field(folder: Path, image: Image) -> Field:
    """The band's pixels minus a background of 128 px boxes.

    The noise map's boxes are narrow: along x = 870 a strip 30 px wide was exposed once only, and a smooth noise map
    would find fifty "galaxies" of r < 22 in it.
    """
    with fits.open(folder / image.file) as hdus:
        pixels = next(hdu.data for hdu in hdus if hdu.data is not None)
    # SEP needs native byte order, and works in float32: unit counts first, for maggies are 1e-12
    counts = np.ascontiguousarray(pixels, np.float32) * np.float32(10.0 ** (0.4 * (25.0 - image.zero_point)))
    counts = counts - sep.Background(counts, bw=128, bh=128).back()
    return Field(counts, sep.Background(counts, bw=8, bh=256, fw=1, fh=3).rms())


def detect(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Sources of at least 8 pixels over 1.5 sigma, deblended, and which source each pixel belongs to."""
    sep.set_extract_pixstack(1_000_000)
    return sep.extract(field.pixels, 1.5, err=field.noise, minarea=8, deblend_cont=0.003, segmentation_map=True)


def auto_flux(field: Field, sources: np.ndarray, owner: np.ndarray, radii: np.ndarray | None = None) -> tuple:
    """Total (AUTO) flux, its error and the Kron factor; `radii` of another band keep one aperture in all bands."""
    shape, masked = _shape(sources), _masked(sources, owner)
    if radii is None:
        radii = KRON_FACTOR * np.nan_to_num(sep.kron_radius(field.pixels, *shape, 6.0, **masked)[0])
    small = radii * np.sqrt(sources["a"] * sources["b"]) < RADIUS_MIN
    ellipse = sep.sum_ellipse(field.pixels, *shape, np.where(small, 0.1, radii), err=field.noise, subpix=5, **masked)
    circle = sep.sum_circle(field.pixels, sources["x"], sources["y"], RADIUS_MIN, err=field.noise, subpix=5, **masked)
    return np.where(small, circle[0], ellipse[0]), np.where(small, circle[1], ellipse[1]), radii


def _shape(sources: np.ndarray) -> tuple:
    angle = np.clip(sources["theta"], -np.pi / 2, np.pi / 2)
    return sources["x"], sources["y"], sources["a"], sources["b"], angle


def _masked(sources: np.ndarray, owner: np.ndarray) -> dict:
    return {"seg_id": np.arange(1, len(sources) + 1), "segmap": owner}


def half_light_radius(field: Field, sources: np.ndarray, owner: np.ndarray, flux: np.ndarray) -> np.ndarray:
    radius, _ = sep.flux_radius(
        field.pixels, sources["x"], sources["y"], 6.0 * sources["a"], 0.5, normflux=flux, subpix=5,
        **_masked(sources, owner),
    )  # fmt: skip
    return radius


def find_stars(sources: np.ndarray, magnitude: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Isolated stars: the locus of constant half-light radius between saturation and where galaxies set in."""
    bright = (magnitude > 16.3) & (magnitude < 19.5)
    locus = np.median(radius[bright & (radius < np.percentile(radius[bright], 40))])
    distance, _ = cKDTree(np.c_[sources["x"], sources["y"]]).query(np.c_[sources["x"], sources["y"]], k=2)
    return bright & (abs(radius / locus - 1.0) < 0.08) & (distance[:, 1] > BOX_OF_STAR)


def seeing_fwhm(field: Field, sources: np.ndarray, stars: np.ndarray) -> np.ndarray:
    """FWHM (arcsec) of Moffat profiles, one for each star."""
    offsets = np.arange(-BOX_OF_STAR, BOX_OF_STAR + 1)
    widths = []
    for x, y in zip(sources["x"][stars], sources["y"][stars], strict=True):
        column, row = round(x), round(y)
        window = np.s_[row - BOX_OF_STAR : row + BOX_OF_STAR + 1, column - BOX_OF_STAR : column + BOX_OF_STAR + 1]
        star = field.pixels[window]
        if star.shape != (len(offsets), len(offsets)):
            continue
        peak = star.max()

        def residuals(p, star=star, peak=peak, x=x - column, y=y - row):
            height, dx, dy, alpha, beta, sky = p
            distance2 = (offsets - x - dx) ** 2 + (offsets[:, None] - y - dy) ** 2
            return (height * (1.0 + distance2 / alpha**2) ** -beta + sky - star / peak).ravel()

        limits = ([0.0, -2, -2, 0.5, 1.1, -1], [5.0, 2, 2, 20, 20, 1])
        fit = least_squares(residuals, [1.0, 0, 0, 2.5, 3, 0], loss="soft_l1", f_scale=0.01, bounds=limits)
        _, _, _, alpha, beta, _ = fit.x
        widths.append(2.0 * alpha * np.sqrt(2.0 ** (1.0 / beta) - 1.0))
    return np.array(widths) * PIXEL_SCALE


def psf_magnitude(
    field: Field, sources: np.ndarray, owner: np.ndarray, magnitude: np.ndarray, stars: np.ndarray, fwhm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude as if the source were a star, and its signal to noise.

    The flux in a circle of radius one FWHM, corrected by what the stars lose in it: equal to the total magnitude for
    stars (scatter 0.03 mag to r = 21), fainter for what is extended.
    """
    flux, error, _ = sep.sum_circle(
        field.pixels, sources["x"], sources["y"], fwhm / PIXEL_SCALE, err=field.noise, subpix=5,
        **_masked(sources, owner),
    )  # fmt: skip
    aperture = magnitudes(flux)
    return aperture - np.median((aperture - magnitude)[stars]), flux / error


def magnitudes(flux: np.ndarray) -> np.ndarray:
    """AB; NaN where the flux is not positive."""
    return 25.0 - 2.5 * np.log10(np.where(flux > 0, flux, np.nan))


def measure(folder: Path) -> tuple[pa.Table, dict[str, Field], dict[str, float], float]:
    """The catalogue of all sources, the fields, the seeing of each band, and the FWHM to match to (arcsec)."""
    fields = {band: read_field(folder, image) for band, image in IMAGES.items()}
    sources, owner = detect(fields["r"])
    flux, error, radii = auto_flux(fields["r"], sources, owner)
    r = magnitudes(flux)
    radius = half_light_radius(fields["r"], sources, owner, flux)
    stars = find_stars(sources, r, radius)
    widths = {band: seeing_fwhm(field, sources, stars) for band, field in fields.items()}
    seeing = {band: float(np.median(width)) for band, width in widths.items()}
    # smoothing cannot sharpen, and Z's PSF differs over the field: what most of the worst band stays below, in tenths
    target_fwhm = float(np.ceil(10.0 * max(np.percentile(width, 84) for width in widths.values())) / 10.0)
    psf_r, signal_to_noise = psf_magnitude(fields["r"], sources, owner, r, stars, seeing["r"])
    # the windowed position is the nucleus; the isophotal one follows spiral arms and neighbours
    x, y, failed = sep.winpos(
        fields["r"].pixels, sources["x"], sources["y"],
        np.full(len(sources), seeing["r"] / PIXEL_SCALE / FWHM_OF_SIGMA),
    )  # fmt: skip
    moved = (failed != 0) | (np.hypot(x - sources["x"], y - sources["y"]) > 3.0)
    x, y = np.where(moved, sources["x"], x), np.where(moved, sources["y"], y)
    columns = {
        "number": np.arange(1, len(sources) + 1),
        "x": x,
        "y": y,
        "half_light_radius": radius * PIXEL_SCALE,
        "is_in_locus_of_stars": stars,
        "flagged": _flagged(fields["r"], x, y, r, signal_to_noise),
        "psf_mag_r": psf_r,
    }
    for band, field in fields.items():
        flux, error, _ = auto_flux(field, sources, owner, radii)
        columns[f"mag_{band}"] = magnitudes(flux)
        columns[f"magerr_{band}"] = np.where(flux > 0, 2.5 / np.log(10.0) * error / flux, np.nan)
    return pa.table({name: pa.array(values) for name, values in columns.items()}), fields, seeing, target_fwhm


def _flagged(field: Field, x: np.ndarray, y: np.ndarray, r: np.ndarray, signal_to_noise: np.ndarray) -> np.ndarray:
    """Near the edge (no whole stamp), in the noisy strip, in the halo of a saturated star, or no real source."""
    height, width = field.pixels.shape
    half = STAMP // 2
    edge = (x < half) | (y < half) | (x >= width - half) | (y >= height - half)
    noise = field.noise[y.astype(int), x.astype(int)]
    saturated = r < 15.6
    distance, _ = cKDTree(np.c_[x, y][saturated]).query(np.c_[x, y])
    return edge | (noise > 1.4 * np.median(field.noise)) | (distance < 30.0) | (signal_to_noise < 15.0)


def cut_stamps(catalogue: pa.Table, fields: dict[str, Field]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, pixels (object, band, y, x) in each image's own counts, positions (object, 2), of what may be selected.

    The object falls between pixels 47 and 48, so that a cube of the 64 central pixels has it between 31 and 32.
    """
    number, x, y, r = (catalogue[name].to_numpy() for name in ("number", "x", "y", "mag_r"))
    chosen = np.flatnonzero(~catalogue["flagged"].to_numpy() & (r < MAGNITUDE_MAX + 0.5))
    corner = np.floor(np.c_[x, y][chosen]).astype(int) - (STAMP // 2 - 1)
    pixels = np.empty((len(chosen), len(fields), STAMP, STAMP), np.float32)
    for b, (band, field) in enumerate(fields.items()):
        scale = np.float32(10.0 ** (0.4 * (IMAGES[band].zero_point - 25.0)))
        for i, (left, low) in enumerate(corner):
            pixels[i, b] = field.pixels[low : low + STAMP, left : left + STAMP] * scale
    return number[chosen], pixels, np.c_[x, y][chosen] - corner


def stretch_zero_point(fields: dict[str, Field], seeing: dict[str, float], target: float) -> float:
    """AB mag of flux 1 before the stretch, such that the noisiest band's sky has a sigma of 0.04 after it.

    The paper's 19 belongs to HSC's depth and 0.168" pixels; here it would stretch bare noise over the whole range.
    Linear part of equation 1 with alpha = exp(10): f = 2060 x + 0.05.
    """
    sky = []
    for band, field in fields.items():
        sigma = np.sqrt(target**2 - seeing[band] ** 2) / PIXEL_SCALE / FWHM_OF_SIGMA
        smoothed = gaussian_filter(field.pixels, sigma)[::3, ::3]
        sky.append(1.4826 * np.median(abs(smoothed - np.median(smoothed))) / IMAGES[band].divisor)
    return float(np.round(25.0 - 2.5 * np.log10(max(sky) * 2059.87 / 0.04), 1))


def write_survey(folder: Path, out: Path) -> Path:
    """Everything: catalogue.parquet, stamps.npz and survey.toml in `out`; returns survey.toml's path."""
    catalogue, fields, seeing, target = measure(folder)
    number, pixels, positions = cut_stamps(catalogue, fields)
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(catalogue, out / "catalogue.parquet")
    np.savez(out / "stamps.npz", object_id=number, pixels=pixels, position=positions)
    template = (Path(__file__).parent / "survey.toml.template").read_text(encoding="utf-8")
    bands = "\n".join(_band_text(band, image, seeing[band]) for band, image in IMAGES.items())
    height, width = fields["r"].pixels.shape
    text = template.format(
        bands=bands,
        pixel_scale=PIXEL_SCALE,
        target_fwhm=target,
        stretch_zero_point=stretch_zero_point(fields, seeing, target),
        aperture=6 * PIXEL_SCALE,
        magnitude_max=MAGNITUDE_MAX,
        centre_x=(width - 1) / 2,
        centre_y=(height - 1) / 2,
    )
    (out / "survey.toml").write_text(text, encoding="utf-8")
    return out / "survey.toml"


def _band_text(band: str, image: Image, seeing: float) -> str:
    return (
        f'[[bands]]\nband = "{band}"\narchive_name = "{image.archive_name}"\n'
        f"is_selection_band = {str(image.is_selection_band).lower()}\nreference_wavelength = {image.wavelength}\n"
        f"stretch_divisor = {image.divisor}\nzero_point = {image.zero_point}\nseeing_fwhm = {seeing:.3f}\n"
    )
