"""SDSS DR16 quasar catalogue, DR16Q_v4.fits (FORMATS.md section 3.2)."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.contracts import load_contract
from swimmy_db.sources.fits_tables import read_fits_table

# Five-element columns, in SDSS's order of bands.
VECTORS = ("psfflux", "psfmag", "extinction")


def read_dr16q(path: Path) -> Iterator[pa.Table]:
    """Blocks of the columns that the contract names; of the file's about 180 the others stay there."""
    columns = load_contract("raw.dr16q").columns
    names = {spelling.lower() for name, column in columns.items() for spelling in (name, *column.aliases)}
    yield from read_fits_table(path, names, dict.fromkeys(VECTORS, "ugriz"))
