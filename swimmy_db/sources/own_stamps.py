"""The stamps of a survey of one's own: FITS files, FITS cubes, npz and npy to linear pixels, band by band."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_catalogue import read_objects
from swimmy_db.sources.own_declaration import OwnBand, OwnSurvey


class StampPixels(NamedTuple):
    """One object in one band.

    pixels: (ny, nx) float32, linear counts, bad pixels NaN. x, y: 0-based position of the object in it.
    zero_point: AB mag of one count. member, archive: what in which file; sha256: of the file, or, where one file
    holds all objects, of the pixels' bytes.
    """

    object_id: int
    band: str
    pixels: np.ndarray
    x: float
    y: float
    zero_point: float
    member: str
    archive: str
    sha256: str


class MissingStamp(NamedTuple):
    """A stamp that is not there or cannot be read, as it goes to meta.rejects."""

    object_id: int
    band: str
    archive: str
    reason: str


class OwnObject(NamedTuple):
    """An object whose stamps are wanted; ra, dec in deg."""

    object_id: int
    source_id: str
    ra: float
    dec: float


class BadStamp(Exception):
    """Why one stamp cannot be used; the others go on."""


def iterate_stamps(survey: OwnSurvey, wanted: set[int] | None = None) -> Iterator[StampPixels | MissingStamp]:
    """Every wanted object (None: all) in every band, in the catalogue's order: its pixels, or why there are none.

    A bad stamp costs that stamp only. Raises InputRefused where a file that holds all objects is not what
    survey.toml says (missing, no such array, not (object, band, y, x), other ids than pixels).
    """
    objects = (item for item in _objects(survey) if wanted is None or item.object_id in wanted)
    yield from (_from_files if survey.stamps.per_object else _from_one_array)(survey, objects)


def _objects(survey: OwnSurvey) -> Iterator[OwnObject]:
    for table in read_objects(survey):
        columns = (table[name].to_pylist() for name in OwnObject._fields)
        yield from map(OwnObject, *columns)


def _from_files(survey: OwnSurvey, objects: Iterator[OwnObject]) -> Iterator[StampPixels | MissingStamp]:
    read = _read_fits if survey.stamps.format.startswith("fits") else _read_array_file
    for item in objects:
        path, payload = None, b""
        for band in survey.bands:
            filled = band.fill(survey.stamps.path)
            name = filled.replace("{object_id}", str(item.object_id)).replace("{source_id}", item.source_id)
            try:
                if name != path:
                    path, payload = name, _payload(survey.folder, name)
                pixels, x, y, zero_point, member = read(survey, band, item, payload)
                pixels = _checked(pixels)
            except BadStamp as fault:
                yield MissingStamp(item.object_id, band.band, name, str(fault))
                continue
            sha256 = hashlib.sha256(payload).hexdigest()
            yield StampPixels(item.object_id, band.band, pixels, x, y, zero_point, member, name, sha256)


def _payload(folder: Path, name: str) -> bytes:
    file = folder / name
    # a text id may hold "/" or "..": what it names must lie in the survey's folder
    if not file.resolve().is_relative_to(folder.resolve()):
        raise BadStamp("its name leads out of the survey's folder")
    if not file.is_file():
        raise BadStamp("no such file")
    return file.read_bytes()


def _checked(pixels: np.ndarray) -> np.ndarray:
    """(ny, nx) float32 with bad pixels NaN."""
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise BadStamp(f"wrong shape: expected (y, x), found {pixels.shape}")
    if pixels.dtype.kind not in "fiu":
        raise BadStamp(f"expected numbers, found {pixels.dtype}")
    pixels = np.ascontiguousarray(pixels, np.float32)
    finite = np.isfinite(pixels)
    if not finite.any():
        raise BadStamp("no pixel has a value")
    return np.where(finite, pixels, np.float32(np.nan))


def _zero_point(survey: OwnSurvey, band: OwnBand) -> float:
    return survey.instrument.zero_point if band.zero_point is None else band.zero_point


def _middle(shape: tuple[int, ...]) -> tuple[float, float]:
    return (shape[-1] - 1) / 2.0, (shape[-2] - 1) / 2.0


def _plane(survey: OwnSurvey, band: OwnBand, cube: np.ndarray) -> np.ndarray:
    """The band's plane of (band, y, x)."""
    order = survey.stamps.band_order or tuple(band.band for band in survey.bands)
    if cube.ndim != 3 or len(cube) != len(order):
        raise BadStamp(f"wrong shape: expected (band, y, x) with {len(order)} bands, found {cube.shape}")
    return cube[order.index(band.band)]


def _read_fits(survey: OwnSurvey, band: OwnBand, item: OwnObject, payload: bytes) -> tuple:
    from astropy.io import fits

    stamps = survey.stamps
    try:
        with fits.open(BytesIO(payload)) as hdus:
            hdu = _hdu(hdus, band, stamps.hdu)
            pixels, where = np.asarray(hdu.data), hdu.name or str(hdus.index(hdu))
            header = hdu.header
            zero_point = _zero_point(survey, band)
            if stamps.zero_point_key is not None:
                found = header.get(stamps.zero_point_key, hdus[0].header.get(stamps.zero_point_key))
                if not isinstance(found, int | float):
                    raise BadStamp(f"{stamps.zero_point_key}: expected AB mag in the header, found {found!r}")
                zero_point = float(found)
            mask = None if stamps.mask_hdu is None else np.asarray(_hdu(hdus, band, stamps.mask_hdu).data)
            cube = pixels.shape
            if stamps.format == "fits_cube":
                pixels = _plane(survey, band, pixels)
                mask = _plane(survey, band, mask) if mask is not None and mask.ndim == 3 else mask
                where = f"{where}[{(stamps.band_order or _names(survey)).index(band.band)}]"
            pixels = _masked(pixels, mask)
            x, y = _middle(cube) if stamps.position == "middle" else _position(header, item, pixels.shape)
            return pixels, x, y, zero_point, where
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as fault:
        raise BadStamp(f"not FITS as declared: {_said(fault)}") from fault


def _names(survey: OwnSurvey) -> tuple[str, ...]:
    return tuple(band.band for band in survey.bands)


def _said(fault: Exception) -> str:
    return str(fault).splitlines()[0] if str(fault) else type(fault).__name__


def _hdu(hdus, band: OwnBand, asked: int | str | None):
    if asked is not None:
        return hdus[band.fill(asked) if isinstance(asked, str) else asked]
    for hdu in hdus:
        if hdu.is_image and hdu.header.get("NAXIS", 0) >= 2:
            return hdu
    raise BadStamp("no HDU with pixels")


def _masked(pixels: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    if mask is None:
        return pixels
    if mask.shape != pixels.shape:
        raise BadStamp(f"mask: expected the shape of the pixels {pixels.shape}, found {mask.shape}")
    return np.where(mask != 0, np.float32(np.nan), pixels)


def _position(header, item: OwnObject, shape: tuple[int, ...]) -> tuple[float, float]:
    from astropy.wcs import WCS

    wcs = WCS(header).celestial
    if not wcs.has_celestial:
        raise BadStamp("expected a celestial WCS in the header, found none")
    x, y = (float(value) for value in wcs.all_world2pix(item.ra, item.dec, 0))
    if not (-0.5 <= x < shape[1] - 0.5 and -0.5 <= y < shape[0] - 0.5):
        raise BadStamp(f"the object is not in the stamp: its WCS puts it at x {x:.1f}, y {y:.1f}")
    return x, y


def _read_array_file(survey: OwnSurvey, band: OwnBand, item: OwnObject, payload: bytes) -> tuple:
    """npz or npy of one object, (band, y, x)."""
    stamps = survey.stamps
    try:
        loaded = np.load(BytesIO(payload))
        npz = stamps.format == "npz"
        cube = loaded[stamps.array] if npz else loaded
        mask = loaded[stamps.mask_array] if npz and stamps.mask_array else None
        position = loaded[stamps.position_array] if npz and stamps.position_array else _middle(cube.shape)
    except (OSError, ValueError, KeyError, EOFError, IndexError, BadZipFile) as fault:
        raise BadStamp(f"not {stamps.format} as declared: {_said(fault)}") from fault
    x, y = (float(value) for value in np.ravel(position))
    pixels = _masked(_plane(survey, band, cube), None if mask is None else _plane(survey, band, mask))
    return pixels, x, y, _zero_point(survey, band), f"{stamps.array}[{band.band}]"


def _from_one_array(survey: OwnSurvey, objects: Iterator[OwnObject]) -> Iterator[StampPixels | MissingStamp]:
    stamps = survey.stamps
    cubes, masks, positions, rows = _open_one_array(survey)
    for item in objects:
        row = rows.get(item.source_id)
        for band in survey.bands:
            if row is None:
                yield MissingStamp(item.object_id, band.band, stamps.path, f"no such id in {stamps.ids}")
                continue
            try:
                mask = None if masks is None else _plane(survey, band, masks[row])
                pixels = _checked(_masked(_plane(survey, band, cubes[row]), mask))
            except BadStamp as fault:
                yield MissingStamp(item.object_id, band.band, stamps.path, str(fault))
                continue
            x, y = _middle(pixels.shape) if positions is None else (float(value) for value in positions[row])
            sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
            zero_point, member = _zero_point(survey, band), f"[{row}, {band.band}]"
            yield StampPixels(item.object_id, band.band, pixels, x, y, zero_point, member, stamps.path, sha256)


def _open_one_array(survey: OwnSurvey) -> tuple:
    """Pixels (object, band, y, x), masks, positions (object, 2), and the row of each id."""
    stamps, file = survey.stamps, survey.folder / survey.stamps.path
    try:
        if stamps.format == "npz":
            with np.load(file) as loaded:
                cubes, ids = loaded[stamps.array], loaded[stamps.ids]
                masks = loaded[stamps.mask_array] if stamps.mask_array else None
                positions = loaded[stamps.position_array] if stamps.position_array else None
        else:
            cubes, ids, masks, positions = np.load(file, mmap_mode="r"), np.load(survey.folder / stamps.ids), None, None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as fault:
        raise InputRefused(
            f"{file}: expected {stamps.format} as {survey.toml.name} says, found: {_said(fault)}"
        ) from None
    bands = len(survey.bands)
    if cubes.ndim != 4 or cubes.shape[1] != bands:
        raise InputRefused(f"{file}: expected pixels (object, band, y, x) with {bands} bands, found {cubes.shape}")
    if ids.shape != (len(cubes),) or ids.dtype.kind not in "iuSU":
        raise InputRefused(
            f"{file}: {stamps.ids}: expected {len(cubes)} ids, integers or text, found {ids.dtype} {ids.shape}"
        )
    if masks is not None and masks.shape != cubes.shape:
        raise InputRefused(f"{file}: {stamps.mask_array}: expected {cubes.shape}, found {masks.shape}")
    if positions is not None and positions.shape != (len(cubes), 2):
        raise InputRefused(f"{file}: {stamps.position_array}: expected ({len(cubes)}, 2), found {positions.shape}")
    rows: dict[str, int] = {}
    for row, source_id in enumerate(ids.astype(str).tolist()):
        if rows.setdefault(source_id, row) != row:
            raise InputRefused(
                f"{file}: {stamps.ids}: expected every id once, found {source_id} in rows {rows[source_id]} and {row}"
            )
    return cubes, masks, positions, rows
