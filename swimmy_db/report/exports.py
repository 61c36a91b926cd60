"""Write a table for other tools, with units and meanings where the format has a place for them.

CSV, Parquet, FITS, VOTable, CDS machine-readable text (MRT) and DS9 regions; each marks what comes from a simulated
survey.
"""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from swimmy_db.catalog import Catalog
from swimmy_db.errors import UsageError
from swimmy_db.report.about import About, find_table
from swimmy_db.report.astropy_tables import write_fits, write_votable
from swimmy_db.report.machine_readable import write_mrt

SIMULATED = "SIMULATED SURVEY: made by swimmy_db for trials; nothing in it is an observation or a discovery"

MARK = "is_simulated"


def export_table(catalog: Catalog, table: str, path: Path, overwrite: bool = False) -> int:
    """Write a whole table or view to a file; returns the number of rows."""
    about = find_table(catalog, table)
    schema, _, name = about.name.partition(".")
    return write_table(catalog.reader(f'select * from "{schema}"."{name}"'), path, about, overwrite)


def write_table(rows: pa.RecordBatchReader, path: Path, about: About, overwrite: bool = False) -> int:
    """Write rows in the format that the file's name says; returns their number.

    The file appears whole or not at all. Raises UsageError for an unknown format, a file that exists (unless
    `overwrite`), or regions of a table without positions.
    """
    write = _FORMATS.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"{path}: unknown format {path.suffix or '(none)'!r}; there are: {', '.join(_FORMATS)}")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already; --overwrite replaces it")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder")
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        written = write(rows, temporary, about)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return written


def position_columns(names: list[str], about: About) -> tuple[str, str]:
    """The columns of right ascension and declination, degrees: by UCD, else by name. Raises UsageError without them."""
    found = []
    for ucd, plain in (("pos.eq.ra", "ra"), ("pos.eq.dec", "dec")):
        by_ucd = [name for name in names if ((known := about.columns.get(name)) and (known.ucd or "").startswith(ucd))]
        found += [next((name for name in (*by_ucd, plain) if name in names), None)]
    if None in found:
        raise UsageError(f"{about.name} has no columns of position (ra, dec), so there are no regions to write")
    return found[0], found[1]


def plain_text(table: pa.Table | pa.RecordBatch) -> pa.Table:
    """Nested, decimal and other types that text files lack, as text; whole decimals that fit become int64."""
    table = pa.table(table)
    for place, column in enumerate(table.schema):
        if pa.types.is_decimal(column.type):
            whole = column.type.scale == 0
            values = table[column.name]
            try:
                values = values.cast(pa.int64()) if whole else values.cast(pa.float64())
            except pa.ArrowInvalid:
                values = values.cast(pa.string())
            table = table.set_column(place, column.name, values)
        elif pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            values = pa.array([None if v is None else str(v) for v in table[column.name].to_pylist()], pa.string())
            table = table.set_column(place, column.name, values)
    return table


def write_csv(rows: pa.RecordBatchReader, sink: object, about: About | None = None) -> int:
    """CSV with a header line; missing values are empty, floats are written so that they read back the same.

    CSV has no place for a remark that tools skip, so every row of a simulated survey says so: column `is_simulated`.
    """
    marked = about is not None and about.simulated and MARK not in rows.schema.names

    def lines(batch: pa.Table | pa.RecordBatch) -> pa.Table:
        table = plain_text(batch)
        return table.append_column(MARK, pa.array([True] * len(table), pa.bool_())) if marked else table

    first = lines(rows.schema.empty_table())
    written = 0
    with csv.CSVWriter(sink, first.schema) as writer:
        for batch in rows:
            table = lines(batch)
            writer.write_table(table.cast(first.schema))
            written += len(table)
    return written


def _write_parquet(rows: pa.RecordBatchReader, path: Path, about: About) -> int:
    fields = []
    for column in rows.schema:
        known = about.columns.get(column.name)
        said = {} if known is None else {"unit": known.unit, "description": known.description, "ucd": known.ucd}
        fields.append(column.with_metadata({key: value for key, value in said.items() if value}))
    said = {"table": about.name, "description": about.description, "simulated": str(about.simulated).lower()}
    if about.simulated:
        said["warning"] = SIMULATED
    schema = pa.schema(fields, metadata=said)
    written = 0
    with pq.ParquetWriter(path, schema) as writer:
        for batch in rows:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            written += len(batch)
    return written


def _write_whole(write: Callable) -> Callable[[pa.RecordBatchReader, Path, About], int]:
    def whole(rows: pa.RecordBatchReader, path: Path, about: About) -> int:
        table = rows.read_all()
        write(table, path, about, SIMULATED if about.simulated else None)
        return len(table)

    return whole


def _write_regions(rows: pa.RecordBatchReader, path: Path, about: About) -> int:
    """Circles of 1.5 arcsec, labelled by the table's id; rows without a position have no region and are not counted."""
    table = rows.read_all()
    ra, dec = position_columns(table.column_names, about)
    label = next((name for name in ("object_id", *about.key) if name in table.column_names), None)
    known = pc.and_kleene(pc.is_finite(table[ra]), pc.is_finite(table[dec]))
    table = table.filter(pc.fill_null(known, False))
    lines = ["# Region file format: DS9 version 4.1", f"# {about.name}: {about.description}"]
    lines += [f"# {SIMULATED}"] if about.simulated else []
    lines += ["global color=green width=1", "icrs"]
    texts = table[label].to_pylist() if label else [None] * len(table)
    for x, y, text in zip(table[ra].to_pylist(), table[dec].to_pylist(), texts, strict=True):
        lines.append(f'circle({x:.7f},{y:.7f},1.5")' + ("" if text is None else f" # text={{{text}}}"))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(table)


_FORMATS = {
    ".csv": write_csv,
    ".parquet": _write_parquet,
    ".fits": _write_whole(write_fits),
    ".fit": _write_whole(write_fits),
    ".vot": _write_whole(write_votable),
    ".votable": _write_whole(write_votable),
    ".xml": _write_whole(write_votable),
    ".mrt": _write_whole(write_mrt),
    ".reg": _write_regions,
}
