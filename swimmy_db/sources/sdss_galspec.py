"""MPA-JHU's galSpecInfo, galSpecLine and galSpecExtra of SDSS DR8 (FORMATS.md section 3.1).

Row i of the three files is the same spectrum; rows without a result have ids of -1 or blank and are kept, so that
file_row stays the join key. Signs and missing values are as served: emission is negative in EQW and REQW.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.errors import InputRefused
from swimmy_db.sources.fits_tables import count_fits_rows, read_fits_table

KINDS = ("Info", "Line", "Extra")
_NAME = re.compile(r"(?<=galSpec)(Info|Line|Extra)", re.IGNORECASE)


def read_galspec(path: Path) -> Iterator[pa.Table]:
    """Blocks of one of the three files.

    Raises InputRefused if a file beside it, of the same name but for Info, Line or Extra, has other rows.
    """
    counts = {path.name: count_fits_rows(path)}
    for kind in KINDS:
        sibling = path.with_name(_NAME.sub(kind, path.name, count=1))
        if sibling != path and sibling.exists():
            counts[sibling.name] = count_fits_rows(sibling)
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} has {rows}" for name, rows in counts.items())
        raise InputRefused(f"{path}: expected row-aligned files of equal length, found: {found} rows")
    yield from read_fits_table(path)
