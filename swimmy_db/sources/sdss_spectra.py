"""SDSS spectra, the lite files spec-PLATE-MJD-FIBER.fits (FORMATS.md section 3.4): one file, one row."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from swimmy_db.errors import InputRefused

# native spellings, best first; RA and DEC of the primary header are the telescope's, not the fibre's
_OF_THE_SPECTRUM = {
    "plate": ("PLATE", "PLATEID"),
    "mjd": ("MJD",),
    "fiberid": ("FIBERID",),
    "ra": ("PLUG_RA",),
    "dec": ("PLUG_DEC",),
    "z": ("Z",),
    "zwarning": ("ZWARNING",),
    "class": ("CLASS",),
    "subclass": ("SUBCLASS",),
    "run2d": ("RUN2D",),
}
_TYPES = dict.fromkeys(("plate", "mjd", "fiberid", "zwarning"), pa.int32()) | dict.fromkeys(
    ("ra", "dec", "z"), pa.float64()
)
_PIXELS = {"loglam": pa.float64(), "flux": pa.float32(), "ivar": pa.float32(), "model": pa.float32()}
_NAME = re.compile(r"spec-(\d+)-(\d+)-(\d+)\.fits", re.IGNORECASE)


def read_spectrum(path: Path) -> Iterator[pa.Table]:
    """One row: who the spectrum is of (PLATE, MJD, FIBERID, position, Z), and its pixels as lists.

    Column names are upper case in DR16 and lower case in DR17; both are read. Raises InputRefused for a file that is
    not such a spectrum, has other numbers in it than in its name, or wavelengths that do not ascend.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # a truncated file; what it lacks is refused below
        try:
            with fits.open(path, memmap=False) as hdus:
                tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
                header = dict(hdus[0].header)
                pixels = {name: _pixels(tables[0], name) for name in _PIXELS} if tables else {}
                row = tables[1].data[:1] if len(tables) > 1 else None
        except InputRefused:
            raise
        except Exception as fault:  # what a damaged file makes astropy raise is not documented
            raise InputRefused(
                f"{path}: expected an SDSS spectrum in FITS, found {fault or type(fault).__name__}"
            ) from None
    if row is None or not len(row):
        raise InputRefused(f"{path}: expected a table of pixels and one of the redshift, found {len(tables)} tables")
    missing = [name for name in ("loglam", "flux", "ivar") if pixels[name] is None]
    if missing:
        raise InputRefused(
            f"{path}: column {missing[0]}: expected it in the first table, found {tables[0].columns.names}"
        )
    if not (np.diff(pixels["loglam"]) > 0).all() or not len(pixels["loglam"]):
        raise InputRefused(f"{path}: column loglam: expected ascending wavelengths, found {pixels['loglam'][:3]} ...")
    values = {name: _value(spellings, row, header) for name, spellings in _OF_THE_SPECTRUM.items()}
    values["ra"] = _value(("RA",), row, {}) if values["ra"] is None else values["ra"]
    values["dec"] = _value(("DEC",), row, {}) if values["dec"] is None else values["dec"]
    _check_name(path, values)
    columns = {name: pa.array([value], _TYPES.get(name, pa.string())) for name, value in values.items()}
    for name, kind in _PIXELS.items():
        columns[name] = pa.array([pixels[name]], pa.list_(kind))
    yield pa.table(columns)


def _pixels(hdu: fits.BinTableHDU, name: str) -> np.ndarray | None:
    native = {column.lower(): column for column in hdu.columns.names}
    if name not in native:
        return None
    dtype = np.float64 if name == "loglam" else np.float32
    return np.ascontiguousarray(hdu.data[native[name]], dtype=dtype)


def _value(spellings: tuple[str, ...], row: fits.FITS_rec, header: dict) -> object:
    """The value in the one-row table, else in the primary header; None where neither has it."""
    native = {column.lower(): column for column in row.columns.names}
    for name in spellings:
        if name.lower() in native:
            value = row[native[name.lower()]][0]
            value = value.item() if hasattr(value, "item") else value
            return (str(value).strip() or None) if isinstance(value, str) else value
    found = next((header[name] for name in spellings if name in header), None)
    return (found.strip() or None) if isinstance(found, str) else found


def _check_name(path: Path, values: dict) -> None:
    inside = tuple(values[name] for name in ("plate", "mjd", "fiberid"))
    if None in inside:
        raise InputRefused(f"{path}: expected PLATE, MJD and FIBERID, found {inside}")
    named = _NAME.fullmatch(path.name)
    if named and tuple(map(int, named.groups())) != inside:
        raise InputRefused(f"{path}: expected the spectrum that its name says, found plate, mjd, fiber {inside}")
