"""A list of positions that a user brings (CSV, FITS, VOTable or Parquet) as an Arrow table, ra and dec in degrees."""

from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.errors import InputRefused
from swimmy_db.sources.text_columns import leading_comments

# What archives and tools call the columns of position; the first that a file has counts.
RA_NAMES = ("ra", "ra_deg", "radeg", "_raj2000", "raj2000", "ra_j2000", "alpha_j2000", "ra_icrs", "right_ascension")
DEC_NAMES = (
    *("dec", "dec_deg", "decdeg", "dedeg", "_dej2000", "dej2000", "_decj2000", "decj2000", "dec_j2000"),
    *("delta_j2000", "dec_icrs", "de_icrs", "declination", "decl"),
)
LIMITS = {"ra": (0.0, 360.0), "dec": (-90.0, 90.0)}


def read_user_list(file: Path, ra: str | None = None, dec: str | None = None) -> tuple[pa.Table, pa.Array, pa.Array]:
    """The file's columns as they are, and its positions (float64, degrees, null where missing).

    `ra` and `dec` name the columns; left out, they are found by the names that archives give them.
    Raises InputRefused for a file that is not a table, has no such columns, or positions that are not degrees.
    """
    read = _READERS.get("".join(file.suffixes[-2:]).lower()) or _READERS.get(file.suffix.lower())
    if not file.is_file():
        raise InputRefused(f"{file}: expected a list of positions, found no such file")
    if read is None:
        raise InputRefused(f"{file}: expected one of {', '.join(_READERS)}, found {file.suffix or 'no suffix'}")
    try:
        table, units = read(file)
    except (OSError, ValueError, IndexError, TypeError, KeyError) as fault:
        said = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise InputRefused(f"{file}: expected {file.suffix.removeprefix('.')}, found something else: {said}") from fault
    positions = []
    for axis, asked, names in (("ra", ra, RA_NAMES), ("dec", dec, DEC_NAMES)):
        column = _find_column(file, table.column_names, axis, asked, names)
        positions.append(_degrees(file, column, table[column], units.get(column), LIMITS[axis]))
    return table, positions[0], positions[1]


def _find_column(file: Path, columns: list[str], axis: str, asked: str | None, names: tuple[str, ...]) -> str:
    lower = {name.lower(): name for name in columns}
    for name in names if asked is None else (asked.lower(),):
        if name in lower:
            return lower[name]
    if asked is None:
        raise InputRefused(f"{file}: expected a column of {axis}, found {', '.join(columns)}; name it with --{axis}")
    near = [lower[name] for name in get_close_matches(asked.lower(), lower, n=3)]
    raise InputRefused(f"{file}: expected a column {asked}, found {', '.join(near or columns)}")


def _degrees(
    file: Path, name: str, values: pa.ChunkedArray, unit: str | None, limits: tuple[float, float]
) -> pa.ChunkedArray:
    if unit and unit.lower() not in ("deg", "degree", "degrees"):
        raise InputRefused(f"{file}: column {name}: expected degrees, found the unit {unit}")
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        found = next((v for v in values.to_pylist() if v is not None), None)
        raise InputRefused(f"{file}: column {name}: expected degrees as numbers, found {values.type} ({found!r})")
    values = values.cast(pa.float64())
    values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))
    off_sky = pc.fill_null(pc.or_(pc.less(values, limits[0]), pc.greater(values, limits[1])), False)
    row = pc.index(off_sky, True).as_py()
    if row >= 0:
        raise InputRefused(
            f"{file}: column {name}: expected degrees in [{limits[0]:g}, {limits[1]:g}], "
            f"found {values[row].as_py()} in row {row}"
        )
    return values


def _read_csv(file: Path) -> tuple[pa.Table, dict[str, str]]:
    from pyarrow import csv

    comments, line = leading_comments(file)
    # HSC's own CSV and many others begin `# object_id,ra,dec`: that comment is the header where numbers follow it
    names = [name.strip() for name in comments[-1].lstrip("#").split(",")] if comments else []
    cells = line.split(",")
    has_names = 1 < len(names) == len(cells) and any(_is_number(cell) for cell in cells)
    # one block: types are inferred from all rows, so that large ids stay integers and a late text is no error
    read = csv.ReadOptions(
        skip_rows=len(comments),
        column_names=names if has_names else None,
        block_size=min(file.stat().st_size + 1, 2**31 - 1),
    )
    convert = csv.ConvertOptions(strings_can_be_null=True)
    return csv.read_csv(file, read, convert_options=convert), {}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_parquet(file: Path) -> tuple[pa.Table, dict[str, str]]:
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    units = {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in table.schema}
    return table, {name: unit for name, unit in units.items() if unit}


def _read_astropy(file: Path) -> tuple[pa.Table, dict[str, str]]:
    """FITS or VOTable; columns with several values a row are left out."""
    from astropy.table import Table

    options = {} if ".fit" in file.name.lower() else {"use_names_over_ids": True}
    # Integers with a missing value keep their type: a mask, never a float.
    table = Table.read(file, format="votable" if options else "fits", **options)
    columns, units = {}, {}
    for name in table.colnames:
        column = table[name]
        if column.ndim != 1:
            continue
        data, mask = np.ma.getdata(column), np.ma.getmaskarray(column)
        if data.dtype.kind in "SUO":
            words = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in data.tolist()]
            columns[name] = pa.array(
                [None if hidden else v for v, hidden in zip(words, mask, strict=True)], pa.string()
            )
        else:
            columns[name] = pa.array(np.asarray(data, data.dtype.newbyteorder("=")), mask=mask)
        if column.unit is not None:
            units[name] = str(column.unit)
    return pa.table(columns), units


_READERS = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    **dict.fromkeys((".fits", ".fit", ".fits.gz", ".vot", ".votable", ".xml"), _read_astropy),
}
