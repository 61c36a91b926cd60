"""Tables as CDS machine-readable text (MRT), as journals take them: one fixed-width file that describes itself."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from swimmy_db.errors import UsageError
from swimmy_db.report.astropy_tables import TRUE_FALSE, astropy_column, signed, unit_text

if TYPE_CHECKING:
    from swimmy_db.report.about import About

DIGITS = 9  # significant digits of numbers that are not whole: a position to 4 milliarcsec, and columns not 20 wide


def write_mrt(table: pa.Table, path: Path, about: About, warning: str | None) -> None:
    """Byte-by-byte description with units and meanings, notes, then the rows; missing values are blank.

    Whole numbers stay exact, others keep nine digits, NaN counts as missing, truth values are 1 and 0. A column
    without any value is left out, and a note says so.
    Raises UsageError for a table without rows, which the format cannot describe.
    """
    from astropy.table import Column, MaskedColumn, Table
    from astropy.units import Unit, UnitsWarning

    if not len(table):
        raise UsageError(f"{about.name} has no rows, and machine-readable text describes columns by their values")
    columns, empty = {}, []
    for name in table.column_names:
        values, known = table[name], about.columns.get(name)
        if values.null_count == len(values):
            # astropy describes it as one byte wide and writes none, which shifts what follows
            empty.append(name)
            continue
        description = known.description if known else name
        if pa.types.is_boolean(values.type):
            values, description = values.cast(pa.int16()), f"{description} ({TRUE_FALSE})"
        column = MaskedColumn(astropy_column(signed(values), ascii_only=not _is_number(values)))
        if column.dtype.kind == "S":
            column = MaskedColumn(np.char.decode(column.filled(b""), "ascii"), mask=column.mask)
        if column.ndim > 1:
            column = MaskedColumn([" ".join(f"{v:g}" for v in row) for row in column.filled(np.nan).tolist()])
        if column.dtype.kind == "f":
            column = _rounded(column)
        if not np.ma.getmaskarray(column).any():
            # a masked column is described as one that may be blank
            column = Column(np.ma.getdata(column))
        column.description = description
        if known is not None and known.unit:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnitsWarning)
                column.unit = Unit(unit_text(known.unit, "cds"), format="cds", parse_strict="silent")
        columns[name] = column
    text = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        # the limits that it prints overflow at the ends of int64; the values do not
        warnings.simplefilter("ignore", RuntimeWarning)
        Table(columns).write(text, format="ascii.mrt")
    remarks = [warning] if warning else []
    remarks += [f"columns without any value are left out: {', '.join(empty)}"] if empty else []
    path.write_text(_titled(text.getvalue(), about, bool(warning), "; ".join(remarks)), encoding="utf-8")


def _is_number(values: pa.ChunkedArray) -> bool:
    kind = values.type
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _rounded(column: Any) -> Any:
    from astropy.table import MaskedColumn

    values = np.ma.getdata(column).astype(float)
    missing = np.ma.getmaskarray(column) | ~np.isfinite(values)
    rounded = [0.0 if gone else float(f"{value:.{DIGITS}g}") for value, gone in zip(values, missing, strict=True)]
    return MaskedColumn(rounded, mask=missing)


def _titled(text: str, about: About, simulated: bool, remarks: str) -> str:
    """The writer's template with its blanks filled in: title, table, notes."""
    title = f"{'SIMULATED SURVEY: ' if simulated else ''}{about.name}"
    text = text.replace("Title:\n", f"Title: {title}\n", 1).replace("Authors:\n", "Authors: swimmy_db\n", 1)
    text = text.replace("Table:\n", f"Table: {about.description or about.name}\n", 1)
    return text.replace("Notes:\n", f"Notes: {remarks}\n", 1) if remarks else text
