"""Arrow tables to astropy tables, and those to FITS and VOTable with units, descriptions and UCDs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from swimmy_db.report.about import About

TRUE_FALSE = "1 true, 0 false"


def write_fits(table: pa.Table, path: Path, about: About, warning: str | None) -> None:
    """A binary table: TUNIT, TCOMM and TUCD by column, TNULL for missing integers, NaN for missing numbers.

    A boolean column with missing values becomes bytes (1, 0, TNULL 255), because FITS readers take a missing
    logical for false. Text is ASCII; what is not is written as an escape (\\xe9).
    """
    from astropy.io import fits
    from astropy.table import Table

    columns, comments = {}, {}
    for name in table.column_names:
        values = table[name]
        comments[name] = about.columns[name].description if name in about.columns else ""
        if pa.types.is_boolean(values.type) and values.null_count:
            values = values.cast(pa.uint8())
            comments[name] = f"{comments[name]} ({TRUE_FALSE})".strip()
        if values.null_count:
            # TNULL of an unsigned column lies below its zero point, which readers do not agree on
            values = signed(values)
        columns[name] = astropy_column(values, ascii_only=True)
    hdu = fits.table_to_hdu(Table(columns))
    header = hdu.header
    header["EXTNAME"] = about.name.upper()
    header["SIMULATE"] = (about.simulated, "true: an embedded survey, no observation")
    for number, name in enumerate(table.column_names, start=1):
        known = about.columns.get(name)
        if known is not None and known.unit:
            header.set(f"TUNIT{number}", unit_text(known.unit, "fits"), after=f"TFORM{number}")
        if comments[name]:
            header.set(f"TCOMM{number}", comments[name])
        if known is not None and known.ucd:
            header.set(f"TUCD{number}", known.ucd)
    for line in filter(None, (about.description, warning)):
        header.add_comment(line)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def write_votable(table: pa.Table, path: Path, about: About, warning: str | None) -> None:
    """A VOTable (TABLEDATA) whose FIELDs have unit, ucd and description; missing values are empty cells."""
    from astropy.io.votable.tree import Info, VOTableFile
    from astropy.table import Table
    from astropy.units import UnitsWarning

    columns = {name: astropy_column(signed(table[name])) for name in table.column_names}
    document = VOTableFile.from_table(Table(columns))
    content = document.get_first_table()
    content.name = about.name
    content.description = "\n".join(filter(None, (about.description, warning)))
    document.resources[0].infos.append(Info(name="simulated", value=str(about.simulated).lower()))
    with warnings.catch_warnings():
        # VOUnit calls Angstrom and erg deprecated; every reader knows them, and they are what the archives serve
        warnings.simplefilter("ignore", UnitsWarning)
        for column in content.fields:
            known = about.columns.get(column.name)
            if known is None:
                continue
            column.description = known.description
            column.ucd = known.ucd
            if known.unit:
                column.unit = unit_text(known.unit, "vounit")
        document.to_xml(str(path), tabledata_format="tabledata")


def unit_text(unit: str, dialect: str) -> str:
    """The unit as the format spells it; as it stands where the format has no spelling for it."""
    from astropy import units

    try:
        return units.Unit(unit).to_string(dialect)
    except ValueError:
        return unit


def astropy_column(values: pa.ChunkedArray, ascii_only: bool = False) -> Any:
    """A column whose missing values are masked. Integers never pass through a float."""
    from astropy.table import Column, MaskedColumn

    kind = values.type
    mask = pc.is_null(values).to_numpy() if values.null_count else None
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        data = _list_column(values)
        if data is not None:
            return Column(data)
    if pa.types.is_decimal(kind):
        values = values.cast(pa.int64() if kind.scale == 0 else pa.float64())
        kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        data = pc.fill_null(values, False if pa.types.is_boolean(kind) else 0).to_numpy()
        if mask is None:
            return Column(data)
        fill = None if pa.types.is_boolean(kind) else unused_value(data)
        return MaskedColumn(data if fill is None else np.where(mask, fill, data), mask=mask, fill_value=fill)
    if pa.types.is_floating(kind):
        data = values.to_numpy()
        return Column(data) if mask is None else MaskedColumn(data, mask=mask, fill_value=np.nan)
    words = _words(values, ascii_only)
    return Column(words) if mask is None else MaskedColumn(words, mask=mask, fill_value="")


def signed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Integers of a type that every format has: 16, 32 or 64 bits with a sign; text where 64 bits are too few."""
    wider = {pa.int8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}.get(values.type)
    if wider is not None:
        return values.cast(wider)
    if values.type == pa.uint64():
        return values.cast(pa.int64() if (pc.max(values).as_py() or 0) < 2**63 else pa.string())
    return values


def unused_value(data: np.ndarray) -> int:
    """A value of the type that no row has, to stand for a missing one: the least, or the greatest if unsigned."""
    limits = np.iinfo(data.dtype)
    step, value = (1, limits.min) if limits.min < 0 else (-1, limits.max)
    while np.any(data == value):
        value += step
    return int(value)


def _words(values: pa.ChunkedArray, ascii_only: bool) -> np.ndarray:
    if pa.types.is_timestamp(values.type):
        text = [None if v is None else v.isoformat() for v in values.to_pylist()]
    else:
        text = [None if v is None else str(v) for v in values.to_pylist()]
    words = np.array(["" if word is None else word for word in text], dtype=np.str_)
    if ascii_only:
        words = np.array([word.encode("ascii", "backslashreplace") for word in words.tolist()], dtype=np.bytes_)
    # a column of no characters at all has no width in either format
    return words if words.dtype.itemsize else words.astype(f"{words.dtype.kind}1")


def _list_column(values: pa.ChunkedArray) -> np.ndarray | None:
    """Lists of numbers, all as long, as an array (rows, length); None where they are not."""
    lists = values.to_pylist()
    lengths = {None if row is None else len(row) for row in lists}
    if len(lengths) != 1 or None in lengths or not pa.types.is_primitive(values.type.value_type):
        return None
    return np.array(lists, dtype=values.type.value_type.to_pandas_dtype())
