"""GAMA SpecObj or SpecAll, FITS (FORMATS.md section 4.2)."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.sources.fits_tables import read_fits_table


def read_gama(path: Path) -> Iterator[pa.Table]:
    """Blocks of the table, all its scalar columns."""
    yield from read_fits_table(path)
