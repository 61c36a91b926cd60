"""Real HSC pixels as the cutout service would send them: COSMOS blends and Scarlet's images, in tars, read back.

The files have neither a WCS nor positions on the sky: each image gets a place of its own in one tract, so that the
reader's way from ra and dec to a pixel is gone in full. See docs/real-sky.md.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import galsim
import numpy as np

from swimmy_db.config import Settings
from swimmy_db.cubes.build import StampBlock
from swimmy_db.cubes.cutouts import Stamp, read_cutout
from swimmy_db.sources.hsc_cutouts import CutoutFile, read_cutout_tar
from swimmy_db.sources.simulated.cutout_files import MASK_PLANES, Member, fits_bytes, write_tar
from swimmy_db.sources.simulated.options import BANDS, SurveyOptions
from swimmy_db.sources.skymap import encode_object_id, pixel_to_sky

TRACT, PATCH = 9813, 404  # COSMOS's; patch 4,4
BLENDS, SCARLET = "hsc_blends_lsst_testdata_deblender", "hsc_scarlet"
PIXEL_SCALE = 0.168  # arcsec
FWHM_OF_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
HALF = 48  # pixels of a cutout on each side of the peak's: 64 and a margin of 16, as the pipeline wants
WHOLE, HALF_WHOLE = 64, 32
SPACING = 400  # tract pixels between images
SATURATED_COUNTS = 80.0  # in the brightest band: no fainter pixel can have been saturated
EDGE, SATURATED, BAD = (1 << MASK_PLANES[name] for name in ("EDGE", "SAT", "BAD"))


class Image(NamedTuple):
    """One image of the sky. pixels, variance: (band, y, x) counts at zero point 27; mask: bits; psfs: (band, y, x).

    peaks: (n, 2) pixels x, y of the objects, whole numbers from 0.
    """

    name: str
    pixels: np.ndarray
    variance: np.ndarray
    mask: np.ndarray
    psfs: np.ndarray
    peaks: np.ndarray


class Peak(NamedTuple):
    """One object. x, y: its centroid in the image's pixels; object_id, ra, dec (deg): what it is called in the tar.

    seeing: FWHM (arcsec) of the image's PSF in each band. saturated: its nucleus has no weight in some band.
    """

    object_id: int
    tract: int
    ra: float
    dec: float
    image: str
    number: int
    x: float
    y: float
    seeing: tuple[float, ...]
    saturated: bool
    is_whole: bool  # 96x96 and more of real sky around it


def psf_fwhm(psf: np.ndarray) -> float:
    """FWHM (arcsec) by adaptive moments, as hscPipe measures it: 2.355 times the Gaussian sigma."""
    return float(galsim.hsm.FindAdaptiveMom(galsim.Image(np.ascontiguousarray(psf, float))).moments_sigma) * (
        FWHM_OF_SIGMA * PIXEL_SCALE
    )


def half_maximum_fwhm(psf: np.ndarray) -> float:
    """FWHM (arcsec) of the circle whose area is that above half of the maximum, on a grid ten times finer."""
    drawn = galsim.InterpolatedImage(galsim.Image(np.ascontiguousarray(psf, float), scale=1.0)).drawImage(
        nx=200, ny=200, scale=0.1, method="sb"
    )
    return 2.0 * float(np.sqrt((drawn.array > drawn.array.max() / 2.0).sum() * 0.01 / np.pi)) * PIXEL_SCALE


@cache
def blends(folder: Path) -> tuple[Image, ...]:
    """The COSMOS blends of LSST's deblender tests: weights are inverse variances, 0 where there is none."""
    images = []
    for path in sorted((folder / BLENDS).glob("*.npz")):
        with np.load(path) as arrays:
            pixels, weights = arrays["images"], arrays["weights"].astype(float)
            inside = (weights > 0).any(axis=0)  # the blend's footprint; beyond it the sky is as good
            lost = inside & (weights == 0)
            typical = np.array([np.median(1.0 / band[band > 0]) for band in weights])[:, None, None]
            variance = np.where(weights > 0, 1.0 / np.where(weights > 0, weights, 1.0), typical)
            mask = np.where(lost, BAD, 0)
            peaks = arrays["peaks"].astype(int)
            for x, y in peaks:
                if _is_saturated(pixels, weights, x, y):
                    near = np.s_[:, max(y - 8, 0) : y + 9, max(x - 8, 0) : x + 9]
                    mask[near] = np.where(lost[near], SATURATED, mask[near])
            images.append(Image(path.stem, pixels, variance, mask.astype(np.int32), arrays["psfs"], peaks))
    return tuple(images)


def _is_saturated(pixels: np.ndarray, weights: np.ndarray, x: int, y: int) -> bool:
    """No weight at the peak in some band, where the peak is too bright for anything but saturation to take it."""
    return bool((weights[:, y, x] == 0).any() and pixels[:, y, x].max() > SATURATED_COUNTS)


@cache
def scarlet(folder: Path) -> tuple[Image, ...]:
    """Scarlet's images with a PSF and at least 48 pixels a side; the dwarf galaxy's has no variance."""
    from astropy.io import fits

    images = []
    for name in ("hsc_cosmos", "hsc_cosmos_35"):
        with np.load(folder / SCARLET / f"{name}.npz") as arrays:
            pixels, catalogue = arrays["images"], arrays["catalog"]
            peaks = np.rint(np.stack([catalogue["x"], catalogue["y"]], axis=1)).astype(int)
            mask = arrays["mask"] if "mask" in arrays else np.zeros(pixels.shape, np.int32)
            variance = arrays["variance"] if "variance" in arrays else np.full_like(pixels, np.nan)
            images.append(Image(name, pixels, variance, mask, arrays["psfs"], peaks))
    with fits.open(folder / SCARLET / "lsbg_from_pkl.fits") as opened:
        pixels, psfs = (np.asarray(opened[k].data, float) for k in (0, 1))
    middle = np.array([[pixels.shape[2] // 2, pixels.shape[1] // 2]])
    nothing = np.zeros(pixels.shape, np.int32)
    images.append(Image("lsbg", pixels.astype(np.float32), np.full_like(pixels, np.nan), nothing, psfs, middle))
    return tuple(images)


def has_whole_stamp(image: Image, peak: Sequence[int], margin: int = 0) -> bool:
    """Whether the image covers 64x64 pixels and a margin around the peak, which is their pixel (32, 32)."""
    height, width = image.pixels.shape[1:]
    x, y = (int(value) for value in peak)
    reach = HALF_WHOLE + margin
    return reach <= x <= width - reach and reach <= y <= height - reach


def whole_peaks(images: Sequence[Image]) -> list[tuple[int, int]]:
    """(image, peak), by number, of all peaks with a full 64x64."""
    return [
        (i, p) for i, image in enumerate(images) for p, peak in enumerate(image.peaks) if has_whole_stamp(image, peak)
    ]


def isolated_stars(images: Sequence[Image]) -> list[tuple[int, int]]:
    """(image, peak) of stars: as narrow in i as the PSF, bright, unmasked, nothing above 2 % of them within 15 pixels.

    The PSF's width only sets an upper limit (real galaxies are 1.25 times as wide or more): no star is chosen for being
    as wide as expected.
    """
    found = []
    for i, image in enumerate(images):
        height, width = image.pixels.shape[1:]
        limit = 1.1 * psf_fwhm(image.psfs[2])
        for p, (x, y) in enumerate(image.peaks):
            light = image.pixels[2, y, x]
            if min(x, y, width - 1 - x, height - 1 - y) < 13 or light < 20:
                continue
            near = np.hypot(*(image.peaks - image.peaks[p]).T) < 15
            others = [image.pixels[2, b, a] for a, b in np.delete(image.peaks, p, axis=0)[np.delete(near, p)]]
            if image.mask[:, y - 3 : y + 4, x - 3 : x + 4].any() or max(others, default=0.0) > 0.02 * light:
                continue
            if psf_fwhm(image.pixels[2, y - 13 : y + 14, x - 13 : x + 14]) < limit:
                found.append((i, p))
    return found


def all_peaks(images: Sequence[Image]) -> list[tuple[int, int]]:
    return [(i, p) for i, image in enumerate(images) for p in range(len(image.peaks))]


def reflected(array: np.ndarray, x: int, y: int) -> tuple[np.ndarray, np.ndarray]:
    """(band, 97, 97) around pixel (x, y), the array reflected beyond its edges, and (97, 97) where it was."""
    height, width = array.shape[-2:]
    before = (max(HALF - y, 0), max(HALF - x, 0))
    after = (max(y + HALF + 1 - height, 0), max(x + HALF + 1 - width, 0))
    padding = [(0, 0)] * (array.ndim - 2) + list(zip(before, after, strict=True))
    padded = np.pad(array, padding, mode="reflect")
    outside = np.pad(np.zeros((height, width), bool), padding[-2:], constant_values=True)
    part = np.s_[y - HALF + before[0] : y + HALF + 1 + before[0], x - HALF + before[1] : x + HALF + 1 + before[1]]
    return padded[(..., *part)], outside[part]


def centroid(image: Image, peak: Sequence[int]) -> tuple[float, float]:
    """x, y in the image's pixels, by adaptive moments in i, as the archive's catalogue has it; else the peak itself."""
    x, y = (int(value) for value in peak)
    reach = 12
    left, low = max(x - reach, 0), max(y - reach, 0)
    cut = np.ascontiguousarray(image.pixels[2, low : y + reach + 1, left : x + reach + 1], float)
    guess = galsim.PositionD(x - left + 1, y - low + 1)
    moments = galsim.hsm.FindAdaptiveMom(galsim.Image(cut), guess_centroid=guess, strict=False)
    found = moments.moments_centroid.x - 1 + left, moments.moments_centroid.y - 1 + low
    moved = np.hypot(found[0] - x, found[1] - y)
    return found if moments.moments_status == 0 and moved < 1.0 else (float(x), float(y))


def members_of(image: Image, place: int, numbers: Sequence[int]) -> Iterator[tuple[Peak, list[Member]]]:
    """Each peak and its five files. place: the image's number in the tract."""
    x_0 = 4000 * (PATCH // 100) + 200 + SPACING * (place % 9)
    y_0 = 4000 * (PATCH % 100) + 200 + SPACING * (place // 9)
    seeing = tuple(psf_fwhm(psf) for psf in image.psfs)
    for number in numbers:
        column, row = (int(value) for value in image.peaks[number])
        x, y = centroid(image, (column, row))
        ra, dec = pixel_to_sky(TRACT, x_0 + x, y_0 + y)
        pixels, outside = reflected(image.pixels, column, row)
        variance, _ = reflected(image.variance, column, row)
        mask, _ = reflected(image.mask, column, row)
        mask = np.where(outside, mask | EDGE, mask)
        core = image.mask[:, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        peak = Peak(
            encode_object_id(TRACT, PATCH // 100, PATCH % 100, 1000 * place + number + 1),
            TRACT, ra, dec, image.name, number, x, y, seeing,
            bool((core & SATURATED).any()), has_whole_stamp(image, (column, row), margin=16),
        )  # fmt: skip
        corner = (x_0 + column - HALF, y_0 + row - HALF)
        files = [
            Member(peak, band, fits_bytes(pixels[b], *corner, TRACT, PATCH, band, mask[b], variance[b]))
            for b, band in enumerate(BANDS)
        ]
        yield peak, files


def write_cutouts(folder: Path, images: Sequence[Image], chosen: Sequence[tuple[int, int]]) -> list[Peak]:
    """Tars of at most 900 files with the lists as sent, of the (image, peak)s chosen."""
    folder.mkdir(parents=True, exist_ok=True)
    options = SurveyOptions()
    peaks: list[Peak] = []
    waiting: list[Member] = []
    n_tars = 0
    for place in sorted({i for i, _ in chosen}):
        for peak, files in members_of(images[place], place, [p for i, p in chosen if i == place]):
            if len(waiting) + len(files) > 900:
                write_tar(folder / f"real-{n_tars}.tar", waiting, options)
                waiting, n_tars = [], n_tars + 1
            peaks.append(peak)
            waiting += files
    write_tar(folder / f"real-{n_tars}.tar", waiting, options)
    return peaks


def read_back(folder: Path, settings: Settings, peaks: Sequence[Peak]) -> tuple[list[dict[str, Stamp]], StampBlock]:
    """The tars through the HSC reader: the stamps of each peak by band, and the block that cubes are built from.

    Raises ValueError if a cutout did not come back.
    """
    by_id = {peak.object_id: peak for peak in peaks}
    names = {band.band: band.archive_name for band in settings.bands}
    stamps: dict[int, dict[str, Stamp]] = {object_id: {} for object_id in by_id}
    for tar in sorted(folder.glob("*.tar")):
        for found in read_cutout_tar(tar, tar.with_suffix(".txt"), settings.bands):
            if not isinstance(found, CutoutFile):
                raise ValueError(f"{tar.name}: {found}")
            peak = by_id[found.object_id]
            stamps[found.object_id][found.band] = read_cutout(
                found.payload, peak.ra, peak.dec,
                object_id=found.object_id, band=found.band, tract=found.tract, member=found.member,
                archive=found.archive, archive_band=names[found.band],
                stamp_size=settings.stamp_size, margin=settings.psf_margin,
            )  # fmt: skip
    ordered = [[stamps[peak.object_id][band] for band in settings.band_names] for peak in peaks]
    block = StampBlock(
        object_ids=np.array([peak.object_id for peak in peaks], np.int64),
        ra=np.array([peak.ra for peak in peaks]),
        dec=np.array([peak.dec for peak in peaks]),
        pixels=[[stamp.pixels for stamp in row] for row in ordered],
        x=np.array([[stamp.x for stamp in row] for row in ordered]),
        y=np.array([[stamp.y for stamp in row] for row in ordered]),
        zero_point=np.array([[stamp.zero_point for stamp in row] for row in ordered]),
        seeing=np.array([peak.seeing for peak in peaks]),
    )
    return [stamps[peak.object_id] for peak in peaks], block
