"""One HSC cutout FITS as linear pixels, or the reason why it is none (FORMATS.md section 2.2)."""

import hashlib
import math
import re
from typing import NamedTuple

import numpy as np

from swimmy_db.cubes.cutout_fits import Damaged, Hdu, NotPlain, Truncated, read_plain, read_with_astropy

# Bits of the mask planes in PDR2 and PDR3. A file says its own in MP_* cards; mask_bits are kept in these.
MASK_PLANES = {
    name: bit
    for bit, name in enumerate(
        (
            *("BAD", "SAT", "INTRP", "CR", "EDGE", "DETECTED", "DETECTED_NEGATIVE", "SUSPECT", "NO_DATA"),
            *("BRIGHT_OBJECT", "CROSSTALK", "NOT_DEBLENDED", "UNMASKEDNAN", "REJECTED", "CLIPPED"),
            *("SENSOR_EDGE", "INEXACT_PSF"),
        )
    )
}
_MORE_THAN_TAN = re.compile(r"P[CV]\d+_\d+|CDELT\d+|LONPOLE|LATPOLE|C[PQ]DIS\d+").fullmatch
# The service's stamps of one size differ by a pixel, so one pixel of the margin is forgiven on each side.
FORGIVEN = 1


class BadCutout(Exception):
    """The file cannot be used; `reason` is a short stable phrase for meta.rejects."""

    @property
    def reason(self) -> str:
        return self.args[0]


class Stamp(NamedTuple):
    """One object in one band. pixels: (ny, nx) float32, linear counts, NaN where there is no data.

    x, y: the object, in pixels from the centre of the first one. zero_point: AB mag of one count. n_bad: pixels
    that are not finite or NO_DATA. mask_bits: OR of the mask over the stamp, in MASK_PLANES. sha256: of the file.
    variance: (ny, nx) float32, counts squared, or None where it was not asked for or is not there.
    """

    object_id: int
    band: str
    tract: int
    pixels: np.ndarray
    x: float
    y: float
    zero_point: float
    n_bad: int
    mask_bits: int
    member: str
    archive: str
    sha256: str
    variance: np.ndarray | None = None


def read_cutout(
    payload: bytes,
    ra: float,
    dec: float,
    *,
    object_id: int,
    band: str,
    tract: int,
    member: str = "",
    archive: str = "",
    archive_band: str | None = None,
    stamp_size: int = 0,
    margin: int = 0,
    with_variance: bool = False,
) -> Stamp:
    """The stamp in a cutout file of the object at ra, dec (degrees).

    archive_band: the band's name in the archive, compared with the file's FILTER. stamp_size, margin (pixels): the
    least room needed around the object. with_variance: keep that layer too.
    Raises BadCutout: empty, truncated or not FITS, wrong checksum, shape or filter, no zero point, no data.
    """
    primary, image, mask, errors = _hdus(payload)[:4]
    found = primary.cards.get("FILTER")
    if archive_band is not None and found is not None and _short(str(found)) != _short(archive_band):
        raise BadCutout(f"wrong filter: {found}, expected {archive_band}")
    if image.data is None or image.data.ndim != 2:
        raise BadCutout("no image in HDU 1")
    pixels = image.data.astype(np.float32)
    zero_point = _zero_point(primary)
    x, y = sky_to_pixel(image, ra, dec)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise BadCutout("position not in the image")
    check_room(pixels.shape, x, y, stamp_size, margin)
    bad = ~np.isfinite(pixels)
    mask_bits = 0
    if mask.data is not None:
        if mask.data.shape != pixels.shape:
            raise BadCutout("wrong shape: the mask's is not the image's")
        planes = _planes(mask)
        mask_bits = _standard_bits(int(np.bitwise_or.reduce(mask.data, axis=None)), planes)
        bad |= (mask.data >> planes["NO_DATA"]) & 1 == 1
    n_bad = int(np.count_nonzero(bad))
    if n_bad == bad.size:
        raise BadCutout("all pixels NaN")
    if n_bad:
        pixels[bad] = np.nan
    variance = errors.data.astype(np.float32) if with_variance and errors.data is not None else None
    if variance is not None and variance.shape != pixels.shape:
        raise BadCutout("wrong shape: the variance's is not the image's")
    digest = hashlib.sha256(payload).hexdigest()
    return Stamp(object_id, band, tract, pixels, x, y, zero_point, n_bad, mask_bits, member, archive, digest, variance)


def _hdus(payload: bytes) -> list[Hdu]:
    """The file's HDUs, at least four, with checksums verified."""
    if not payload:
        raise BadCutout("empty file")
    if not payload.startswith(b"SIMPLE  ="):
        is_html = payload[:512].lstrip().lower().startswith((b"<", b"<!doctype"))
        raise BadCutout("not FITS: HTML" if is_html else "not FITS")
    try:
        try:
            hdus = read_plain(payload)
        except NotPlain:
            hdus = read_with_astropy(payload)
    except Truncated:
        raise BadCutout("truncated FITS") from None
    except Damaged:
        raise BadCutout("damaged FITS") from None
    if not all(hdu.checksum_holds for hdu in hdus):
        raise BadCutout("checksum failure")
    if len(hdus) < 4:
        raise BadCutout("truncated FITS")
    return hdus


def _short(name: str) -> str:
    """HSC-R, r and HSC-R2 are one band: coadds combine old and new glass."""
    return name.strip().lower().removeprefix("hsc-").rstrip("2")


def _zero_point(primary: Hdu) -> float:
    flux = primary.cards.get("FLUXMAG0")
    if flux is None:
        raise BadCutout("FLUXMAG0 missing")
    if not isinstance(flux, int | float) or not math.isfinite(flux) or flux <= 0:
        raise BadCutout("FLUXMAG0 not a flux")
    return 2.5 * math.log10(flux)


def check_room(shape: tuple[int, int], x: float, y: float, stamp_size: int, margin: int) -> None:
    """Raises BadCutout where a stamp (ny, nx) has too little room around the object at x, y, all in pixels."""
    needed = stamp_size + 2 * margin
    if min(shape) < needed - 2 * FORGIVEN:
        raise BadCutout(f"too small: {shape[1]}x{shape[0]}, need {needed}x{needed}")
    if not stamp_size:
        return
    room = max(0, margin - FORGIVEN)
    for position, length in ((x, shape[1]), (y, shape[0])):
        first = round(position - (stamp_size - 1) / 2)
        if first < room or first + stamp_size + room > length:
            raise BadCutout("object too near the edge")


def _planes(mask: Hdu) -> dict[str, int]:
    named = {
        key[3:]: bit
        for key, bit in mask.cards.items()
        if key.startswith("MP_") and isinstance(bit, int) and 0 <= bit < 32
    }
    return {"NO_DATA": MASK_PLANES["NO_DATA"], **(named or MASK_PLANES)}


def _standard_bits(bits: int, planes: dict[str, int]) -> int:
    if all(MASK_PLANES.get(name) == bit for name, bit in planes.items()):
        return bits
    return sum(1 << MASK_PLANES[name] for name, bit in planes.items() if name in MASK_PLANES and bits >> bit & 1)


def sky_to_pixel(image: Hdu, ra: float, dec: float) -> tuple[float, float]:
    """Position (x, y) in pixels, from 0, of ra and dec in degrees, by the image's WCS.

    The service's gnomonic WCS is inverted here, exactly (Calabretta and Greisen 2002, equations 12 to 15 and 54);
    any other goes to astropy. Raises BadCutout where there is no celestial WCS or the position is behind it.
    """
    cards = image.cards
    plain = cards.get("CTYPE1") == "RA---TAN" and cards.get("CTYPE2") == "DEC--TAN" and "CD1_1" in cards
    if not plain or any(_MORE_THAN_TAN(key) for key in cards):
        return _sky_to_pixel_astropy(image, ra, dec)
    crval, crpix = ([cards.get(f"{key}{k}") for k in (1, 2)] for key in ("CRVAL", "CRPIX"))
    matrix = [[cards.get(f"CD{i}_{j}", 0.0) for j in (1, 2)] for i in (1, 2)]
    if not all(
        isinstance(value, int | float) and math.isfinite(value) for value in (*crval, *crpix, *matrix[0], *matrix[1])
    ):
        raise BadCutout("no WCS")
    ra0, dec0 = (math.radians(value) for value in crval)
    alpha, delta = math.radians(ra) - ra0, math.radians(dec)
    away = math.sin(delta) * math.sin(dec0) + math.cos(delta) * math.cos(dec0) * math.cos(alpha)
    determinant = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]
    if away <= 0 or determinant == 0:
        raise BadCutout("position not in the image")
    xi = math.degrees(math.cos(delta) * math.sin(alpha) / away)
    eta = math.degrees((math.sin(delta) * math.cos(dec0) - math.cos(delta) * math.sin(dec0) * math.cos(alpha)) / away)
    x = (matrix[1][1] * xi - matrix[0][1] * eta) / determinant
    y = (matrix[0][0] * eta - matrix[1][0] * xi) / determinant
    return x + crpix[0] - 1, y + crpix[1] - 1


def _sky_to_pixel_astropy(image: Hdu, ra: float, dec: float) -> tuple[float, float]:
    from astropy.io import fits
    from astropy.wcs import WCS

    try:
        x, y = WCS(fits.Header.fromstring(image.header.decode("ascii"))).celestial.all_world2pix(ra, dec, 0)
    except Exception:  # what a damaged header makes astropy raise is not documented
        raise BadCutout("no WCS") from None
    return float(x), float(y)
