"""HSC-SSP catalogues: results of SQL jobs as CSV, csv.gz or FITS (FORMATS.md sections 1 and 2.1)."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from swimmy_db.contracts import load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.fits_tables import read_fits_table
from swimmy_db.sources.text_columns import narrowest_type, typed

BLOCK_BYTES = 4 << 20
MOST_ROWS = 100_000
# The FITS output has, for every column, a companion that says whether the value is missing.
NULL_COMPANION = "_isnull"


def read_hsc_table(path: Path, table: str, bands: tuple[str, ...] = ("g", "r", "i", "z", "y")) -> Iterator[pa.Table]:
    """Blocks of an SQL job's result. The contract of `table` decides the types of its columns.

    Columns that the contract does not name get the narrowest type that all their values fit.
    Raises InputRefused with file, line, column, expected and found.
    """
    with open(path, "rb") as handle:
        magic = handle.read(6)
    if magic == b"SIMPLE":
        yield from _read_fits(path)
        return
    head = _read_head(path)
    types = _contract_types(table, bands)
    extras = [name for name in head.columns if name.lower() not in types]
    types |= _extra_types(path, head, extras) if extras else {}
    line = head.lines + 1
    for texts in _text_blocks(path, head, head.columns):
        columns = {name: typed(texts[name], types[name.lower()], name, path, line) for name in head.columns}
        yield pa.table({name: column for name, column in columns.items() if not name.endswith(NULL_COMPANION)})
        line += len(texts)


class _Head(NamedTuple):
    columns: list[str]
    lines: int
    has_rows: bool


def _open(path: Path) -> BinaryIO:
    # A csv.gz may arrive unzipped by an HTTP library: believe the bytes, not the name.
    with open(path, "rb") as handle:
        zipped = handle.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else open(path, "rb")


def _read_head(path: Path) -> _Head:
    """The header is the last of the `#` lines that come first; a file without one has it in its first line."""
    lines = 0
    header = None
    try:
        with _open(path) as stream:
            for raw in stream:
                if not raw.startswith(b"#") and header is not None:
                    return _Head(_names(header, path), lines, True)
                lines, header = lines + 1, raw
    except (OSError, EOFError) as fault:
        raise InputRefused(f"{path}: expected a CSV file, found {fault}") from None
    if header is None:
        raise InputRefused(f"{path}: expected a CSV file with a header line `# object_id,...`, found an empty file")
    return _Head(_names(header, path), lines, False)


def _names(header: bytes, path: Path) -> list[str]:
    try:
        text = header.decode("utf-8-sig").lstrip("#").strip()
        names = [name.strip() for name in next(csv.reader([text]), [])]
    except (UnicodeDecodeError, csv.Error):
        raise InputRefused(f"{path}: expected a header line of column names, found {header[:40]!r}") from None
    if not all(name.isprintable() for name in names):
        raise InputRefused(f"{path}: expected a header line of column names, found {header[:40]!r}")
    twice = sorted({name for name in names if [other.lower() for other in names].count(name.lower()) > 1})
    if twice:
        raise InputRefused(f"{path}: expected each column once, found twice: {', '.join(twice)}")
    return names


def _contract_types(table: str, bands: tuple[str, ...]) -> dict[str, pa.DataType]:
    types = {}
    for name, column in load_contract(table, bands).columns.items():
        types |= {spelling.lower(): column.arrow_type for spelling in (name, *column.aliases)}
    return types


def _extra_types(path: Path, head: _Head, extras: list[str]) -> dict[str, pa.DataType]:
    """One pass over the columns that no contract types: a type must hold for the whole file, not for its start."""
    found: dict[str, pa.DataType | None] = dict.fromkeys(extras)
    for texts in _text_blocks(path, head, extras):
        for name in extras:
            if found[name] != pa.string():
                found[name] = narrowest_type(texts[name], found[name])
    return {name.lower(): kind or pa.string() for name, kind in found.items()}


def _text_blocks(path: Path, head: _Head, columns: list[str]) -> Iterator[pa.Table]:
    """Blocks of the named columns, all as text. Raises InputRefused for a row with too few or too many cells."""
    nothing = pa.table({name: pa.array([], pa.string()) for name in columns})
    if not head.has_rows:
        yield nothing
        return
    bad: list[pacsv.InvalidRow] = []

    def refuse(row: pacsv.InvalidRow) -> str:
        bad.append(row)
        return "error"

    # One thread, so that a bad row knows its number.
    reading = pacsv.ReadOptions(
        use_threads=False, block_size=BLOCK_BYTES, skip_rows=head.lines, column_names=head.columns
    )
    converting = pacsv.ConvertOptions(
        column_types=dict.fromkeys(head.columns, pa.string()), include_columns=columns, null_values=[]
    )
    try:
        with (
            _open(path) as stream,
            pacsv.open_csv(stream, reading, pacsv.ParseOptions(invalid_row_handler=refuse), converting) as reader,
        ):
            for batch in reader:
                for start in range(0, len(batch), MOST_ROWS):
                    yield pa.table(batch.slice(start, MOST_ROWS))
    except pa.ArrowInvalid as fault:
        if bad:
            line = "" if bad[0].number is None else f"line {bad[0].number}: "
            raise InputRefused(
                f"{path}: {line}expected {bad[0].expected_columns} cells, found {bad[0].actual_columns}: "
                f"{bad[0].text[:60]!r}"
            ) from None
        raise InputRefused(f"{path}: expected a CSV file, found: {str(fault).splitlines()[0]}") from None
    except (OSError, EOFError) as fault:
        raise InputRefused(f"{path}: expected a whole csv.gz file, found {fault}") from None


def _read_fits(path: Path) -> Iterator[pa.Table]:
    for block in read_fits_table(path):
        columns = {}
        for name in block.column_names:
            companion = name + NULL_COMPANION
            if name.endswith(NULL_COMPANION):
                continue
            columns[name] = block[name]
            if companion in block.column_names:
                nothing = pa.scalar(None, block[name].type)
                columns[name] = pc.if_else(pc.fill_null(block[companion], False), nothing, block[name])
        yield pa.table(columns)
