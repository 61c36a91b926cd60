"""FITS binary tables as blocks of Arrow tables, in constant memory: what the readers of FITS catalogues share."""

import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from swimmy_db.errors import InputRefused

BLOCK_BYTES = 8 << 20  # what stays in cache while the columns are picked apart (measured)
BLOCK_ROWS = 50_000


def read_fits_table(
    path: Path,
    columns: Collection[str] | None = None,
    elements: Mapping[str, Collection[str]] | None = None,
) -> Iterator[pa.Table]:
    """Blocks of the first table in the file: native names, native byte order, blank strings and TNULLs as NULL.

    columns: lower-case names to read (None: all scalar ones). Vector columns are left out, except those of
    `elements`, {lower-case name: suffixes}, which become one column `<name>_<suffix>` an element.
    Raises InputRefused for a file that is not FITS, has no table, or is shorter than its header says.
    """
    elements = elements or {}
    with _table_of(path) as (hdu, layout):
        data = _rows_of(hdu, layout, path)
        wanted = [
            column
            for column in layout.columns
            if column.name.lower() in elements or columns is None or column.name.lower() in columns
        ]
        rows = max(1, min(BLOCK_ROWS, BLOCK_BYTES // max(1, data.dtype.itemsize)))
        for start in range(0, max(1, len(data)), rows):
            block = data[start : start + rows]
            arrays: dict[str, pa.Array] = {}
            for column in wanted:
                arrays |= _column_arrays(block, column, elements.get(column.name.lower(), ()), path)
            yield pa.table(arrays)


def count_fits_rows(path: Path) -> int:
    """Rows of the first table in the file, from its header."""
    with _table_of(path) as (_, layout):
        return layout.n_rows


class _Layout(NamedTuple):
    """What the header says of the table."""

    n_rows: int
    columns: list[fits.Column]
    dtype: np.dtype
    offset: int
    is_compressed: bool


@contextmanager
def _table_of(path: Path) -> Iterator[tuple[fits.BinTableHDU, _Layout]]:
    with warnings.catch_warnings():
        # What astropy only warns of (a truncated file) is refused below.
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            hdus = fits.open(path, memmap=True)
            hdu = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
            layout = None if hdu is None else _layout(hdu)
        except Exception as fault:  # what a damaged header makes astropy raise is not documented
            raise InputRefused(f"{path}: expected a FITS file, found {_what_lies_there(path, fault)}") from None
    with hdus:
        if layout is None:
            raise InputRefused(f"{path}: expected a binary table, found none in {len(hdus)} HDUs")
        expected = layout.offset + layout.n_rows * layout.dtype.itemsize
        if not layout.is_compressed and path.stat().st_size < expected:
            raise InputRefused(f"{path}: expected {expected} bytes of table, found {path.stat().st_size}: truncated")
        yield hdu, layout


def _layout(hdu: fits.BinTableHDU) -> _Layout:
    dtype = hdu.columns.dtype.newbyteorder(">")
    if dtype.itemsize != hdu.header["NAXIS1"]:
        raise ValueError(f"columns of {dtype.itemsize} bytes in rows of {hdu.header['NAXIS1']}")
    where = hdu.fileinfo()
    return _Layout(hdu.header["NAXIS2"], list(hdu.columns), dtype, where["datLoc"], bool(where["file"].compression))


def _rows_of(hdu: fits.BinTableHDU, layout: _Layout, path: Path) -> np.ndarray:
    """The rows as they lie in the file, mapped. (Closing an HDU whose `data` was used copies all of it to memory.)"""
    if layout.is_compressed:
        try:
            return hdu.data.view(np.ndarray)
        except (EOFError, OSError, ValueError) as fault:
            raise InputRefused(f"{path}: expected a whole FITS table, found {fault}") from None
    if not layout.n_rows:
        return np.empty(0, layout.dtype)
    return np.memmap(path, layout.dtype, "r", layout.offset, (layout.n_rows,))


def _what_lies_there(path: Path, fault: Exception) -> str:
    if not path.is_file():
        return "no such file"
    with open(path, "rb") as handle:
        head = handle.read(64)
    return f"{head[:40]!r}" if not head.startswith((b"SIMPLE", b"\x1f\x8b")) else str(fault)


def _column_arrays(
    block: np.ndarray, column: fits.Column, suffixes: Collection[str], path: Path
) -> dict[str, pa.Array]:
    """The Arrow columns that one FITS column makes: none (a vector), one, or one an element."""
    raw = block[column.name]
    if raw.ndim == 2 and raw.shape[1] == len(suffixes):
        return {f"{column.name}_{suffix}": pa.array(_native(raw[:, k])) for k, suffix in enumerate(suffixes)}
    if raw.ndim != 1 or column.format.format in "PQXCM":
        return {}
    if raw.dtype.kind == "S":
        return {column.name: _strings(raw, column.name, path)}
    if column.format.format == "L":
        return {column.name: pa.array(raw == ord("T"), mask=(raw != ord("T")) & (raw != ord("F")))}
    values = _native(raw)
    missing = None if column.null is None else values == column.null
    scale, zero = column.bscale or 1, column.bzero or 0
    if scale == 1 and values.dtype.kind == "i" and zero == 2 ** (8 * values.itemsize - 1):
        unsigned = values.view(values.dtype.str.replace("i", "u"))
        values = unsigned + unsigned.dtype.type(zero)  # wraps, which is how FITS has unsigned integers
    elif scale != 1 or zero != 0:
        values = values * float(scale) + float(zero)
    return {column.name: pa.array(values, mask=missing)}


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _strings(raw: np.ndarray, name: str, path: Path) -> pa.Array:
    try:
        texts = pa.array(np.ascontiguousarray(raw)).cast(pa.string())
    except pa.ArrowInvalid:
        raise InputRefused(f"{path}: column {name}: expected text, found bytes that are not") from None
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
