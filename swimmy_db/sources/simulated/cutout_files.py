"""Cutouts as the HSC service sends them: FITS of four HDUs in a tar, and the list that was sent (FORMATS 2.2)."""

import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from swimmy_db.sources.simulated.galaxy import Galaxy
from swimmy_db.sources.simulated.images import Stamps
from swimmy_db.sources.simulated.options import ARCHIVE_NAMES, BANDS, FLUXMAG0, SurveyOptions
from swimmy_db.sources.skymap import tract_centre

RERUN = "pdr3_wide"
# Mask planes of hscPipe in PDR2 and PDR3, by bit (FORMATS 2.2).
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
_BLOCK = 2880
_CD = 0.168 / 3600.0
_LIST_HEADER = "#? rerun type filter tract ra dec sw sh image mask variance"
_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>502 Proxy Error</title></head><body>\n<h1>Proxy Error</h1>\n"
    b"<p>The proxy server received an invalid response from an upstream server.</p>\n</body></html>\n"
)


class Member(NamedTuple):
    """One file of a tar; payload None is a row that the service left out."""

    galaxy: Galaxy
    band: str
    payload: bytes | None


def _card(key: str, value: object, comment: str = "") -> str:
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"'{value:<8}'"
    elif isinstance(value, float):
        text = f"{value!r:>20}".upper()
    else:
        text = f"{value:>20}"
    head = f"{key:<8}= " if len(key) <= 8 else f"HIERARCH {key} = "
    return f"{head}{text}{f' / {comment}' if comment else ''}"[:80].ljust(80)


def _header(cards: Iterable[str]) -> bytes:
    text = "".join([*cards, "END".ljust(80)])
    return text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii")


_EMPTY_LAYER = _header(
    [
        _card("XTENSION", "IMAGE", "Image extension"),
        _card("BITPIX", 8, "array data type"),
        _card("NAXIS", 0, "number of array dimensions"),
        _card("PCOUNT", 0, "number of parameters"),
        _card("GCOUNT", 1, "number of groups"),
    ]
)


def fits_bytes(
    image: np.ndarray,
    x_0: int,
    y_0: int,
    tract: int,
    patch: int,
    band: str,
    mask: np.ndarray | None = None,
    variance: np.ndarray | None = None,
) -> bytes:
    """A cutout: primary HDU with the zero point, the image with its WCS, mask and variance, empty if not given.

    image, variance: (ny, nx) counts and counts squared; mask: (ny, nx) bits of MASK_PLANES. x_0, y_0: the 0-based
    tract pixel of image[0, 0].
    """
    primary = [
        _card("SIMPLE", True, "conforms to FITS standard"),
        _card("BITPIX", 8, "array data type"),
        _card("NAXIS", 0, "number of array dimensions"),
        _card("EXTEND", True),
        "COMMENT DAS Cutout version 200424".ljust(80),
        _card("FILTER", band),
        _card("FLUXMAG0", FLUXMAG0, "AB mag = 2.5*log(fluxMag0/flux)"),
        _card(f"SRC_FLUXMAG0_{patch // 100}_{patch % 100}", FLUXMAG0),
    ]
    planes = [_card(f"MP_{name}", bit) for name, bit in MASK_PLANES.items()]
    return b"".join(
        [
            _header(primary),
            _layer(image, ">f4", x_0, y_0, tract, "IMAGE"),
            _EMPTY_LAYER if mask is None else _layer(mask, ">i4", x_0, y_0, tract, "MASK", planes),
            _EMPTY_LAYER if variance is None else _layer(variance, ">f4", x_0, y_0, tract, "VARIANCE"),
        ]
    )


def _layer(
    pixels: np.ndarray, dtype: str, x_0: int, y_0: int, tract: int, kind: str, planes: Iterable[str] = ()
) -> bytes:
    """An image HDU of float32 or int32 with the tract's WCS."""
    ra, dec = tract_centre(tract)
    rows, columns = pixels.shape
    cards = [
        _card("XTENSION", "IMAGE", "Image extension"),
        _card("BITPIX", 32 if dtype == ">i4" else -32, "array data type"),
        _card("NAXIS", 2, "number of array dimensions"),
        _card("NAXIS1", columns),
        _card("NAXIS2", rows),
        _card("PCOUNT", 0, "number of parameters"),
        _card("GCOUNT", 1, "number of groups"),
        _card("WCSAXES", 2),
        _card("CRPIX1", float(18000 - x_0)),
        _card("CRPIX2", float(18000 - y_0)),
        _card("CRVAL1", ra),
        _card("CRVAL2", dec),
        _card("CTYPE1", "RA---TAN"),
        _card("CTYPE2", "DEC--TAN"),
        _card("CUNIT1", "deg"),
        _card("CUNIT2", "deg"),
        _card("CD1_1", -_CD),
        _card("CD1_2", 0.0),
        _card("CD2_1", 0.0),
        _card("CD2_2", _CD),
        _card("RADESYS", "ICRS"),
        _card("LTV1", float(-x_0)),
        _card("LTV2", float(-y_0)),
        _card("INHERIT", True),
        _card("EXTTYPE", kind),
        *planes,
        _card("CTYPE1A", "LINEAR"),
        _card("CTYPE2A", "LINEAR"),
        _card("CRPIX1A", 1.0),
        _card("CRPIX2A", 1.0),
        _card("CRVAL1A", float(x_0)),
        _card("CRVAL2A", float(y_0)),
        _card("CUNIT1A", "PIXEL"),
        _card("CUNIT2A", "PIXEL"),
    ]
    data = np.ascontiguousarray(pixels, dtype).tobytes()
    return _header(cards) + data + bytes(-len(data) % _BLOCK)


def bad_band(galaxy: Galaxy) -> str:
    """The band of a planted bad stamp: by its id, so that all bands have some."""
    return BANDS[galaxy.object_id % len(BANDS)]


def members_of(galaxy: Galaxy, stamps: Stamps, spoilt: bool = True) -> Iterator[Member]:
    """The galaxy's five files; a galaxy with a planted bad stamp has it in one band, unless not `spoilt`."""
    for position, band in enumerate(BANDS):
        image, x_0, y_0 = stamps.pixels[position], stamps.x_0, stamps.y_0
        kind = galaxy.bad_stamp if spoilt and band == bad_band(galaxy) else ""
        if kind == "wrong_shape":
            image = image[:40, :40]
        elif kind == "all_nan":
            image = np.full_like(image, np.nan)
        elif kind == "nan_core":
            image = image.copy()
            middle = image.shape[0] // 2
            image[middle - 2 : middle + 3, middle - 2 : middle + 3] = np.nan
        payload = fits_bytes(image, x_0, y_0, galaxy.tract, galaxy.patch, band)
        if kind == "truncated":
            payload = payload[: len(payload) // 3 + 100]
        elif kind == "empty":
            payload = b""
        elif kind == "html":
            payload = _HTML
        elif kind == "missing_band":
            payload = None
        yield Member(galaxy, band, payload)


def write_tar(path: Path, members: Iterable[Member], options: SurveyOptions) -> None:
    """Write `path` and, beside it, the list as sent (`.txt`), sorted as the service advises: filter, tract, RA, Dec.

    Line n of the list is member `n-cutout-...`; the first line is the header, so n starts at 2.
    """
    ordered = sorted(members, key=lambda m: (BANDS.index(m.band), m.galaxy.tract, m.galaxy.ra, m.galaxy.dec))
    if len(ordered) > 990:
        raise ValueError(f"{path.name}: a list has at most 990 lines, not {len(ordered)}")
    angle = f"{options.semi_width_arcsec}asec"
    rows = [_LIST_HEADER]
    folder = f"arch-{options.seed % 10**6:06d}-{zlib.crc32(path.stem.encode()) % 10**6:06d}"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (galaxy, band, payload) in enumerate(ordered, 2):
            name = ARCHIVE_NAMES[band]
            rows.append(
                f"{RERUN} coadd {name} {galaxy.tract} {galaxy.ra:.16e}deg {galaxy.dec:.16e}deg "
                f"{angle} {angle} true false false # object_id={galaxy.object_id}"
            )
            if payload is None:
                continue
            entry = tarfile.TarInfo(f"{folder}/{number}-cutout-{name}-{galaxy.tract}-{RERUN}.fits")
            entry.size, entry.mode = len(payload), 0o644
            tar.addfile(entry, io.BytesIO(payload))
    path.with_suffix(".txt").write_text("\n".join(rows) + "\n", encoding="ascii")
