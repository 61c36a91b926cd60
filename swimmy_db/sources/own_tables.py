"""Columns of a table in FITS, VOTable, CSV or Parquet, under our names, a hundred thousand rows at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_declaration import OwnSurvey
from swimmy_db.sources.text_columns import leading_comments

ROWS_PER_TABLE = 100_000
UNITS = {"ra": "deg", "dec": "deg", "seeing_fwhm": "arcsec"} | dict.fromkeys(
    ("magnitude", "magnitude_error", "psf_magnitude", "extinction", "psf_depth"), "mag"
)
WORDS = ("object_id", "redshift_source", "class_hint", "is_point_source", "flagged")
WHOLE_NUMBERS = ("tract", "patch")


def read_columns(survey: OwnSurvey, columns: dict[str, str]) -> Iterator[tuple[int, pa.Table]]:
    """The catalogue's columns (ours = theirs) under our names, with the number of each table's first row.

    Raises InputRefused where the file, a column or a unit is not what survey.toml says.
    """
    file = survey.catalogue_file
    if not file.is_file():
        raise InputRefused(f"{file}: expected a catalogue (catalogue.file in {survey.toml}), found no such file")
    wanted = list(dict.fromkeys(columns.values()))
    first_row = 0
    with _refusing(survey):
        for table in _READERS[survey.catalogue.file_format](survey, wanted):
            yield first_row, pa.table([table[theirs] for theirs in columns.values()], names=list(columns))
            first_row += len(table)


@contextmanager
def _refusing(survey: OwnSurvey) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, IndexError, TypeError) as fault:
        said = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        expected = survey.catalogue.file_format
        raise InputRefused(f"{survey.catalogue_file}: expected {expected}, found something else: {said}") from fault


def _read_parquet(survey: OwnSurvey, wanted: list[str]) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(survey.catalogue_file) as file:
        _check_columns(survey, wanted, file.schema_arrow.names)
        for batch in file.iter_batches(ROWS_PER_TABLE, columns=wanted):
            yield _plain_text(pa.Table.from_batches([batch]))


def _plain_text(table: pa.Table) -> pa.Table:
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(i, field.name, table[field.name].cast(pa.string()))
    return table


def _read_csv(survey: OwnSurvey, wanted: list[str]) -> Iterator[pa.Table]:
    from pyarrow import csv

    path, mapped = survey.catalogue_file, survey.catalogue.columns
    comments, _ = leading_comments(path)
    # "# object_id,ra,dec": archives write the header as the last of the comments
    header = [name.strip().strip('"') for name in comments[-1].lstrip("# ").split(",")] if comments else []
    names = header if mapped.object_id in header else None
    read = csv.ReadOptions(skip_rows=len(comments), column_names=names)
    with csv.open_csv(path, read) as file:
        _check_columns(survey, wanted, file.schema.names)
    # Types are told, not guessed: a guess follows the first rows, and would take large ids for floats.
    types = dict.fromkeys(wanted, pa.float64())
    types |= {theirs: pa.int64() for ours, theirs in mapped.of_objects().items() if ours in WHOLE_NUMBERS}
    types |= {theirs: pa.string() for ours, theirs in mapped.of_objects().items() if ours in WORDS}
    convert = csv.ConvertOptions(column_types=types, include_columns=wanted, strings_can_be_null=True)
    table = csv.read_csv(path, read, convert_options=convert)
    if mapped.object_id in wanted:
        position, ids = table.schema.get_field_index(mapped.object_id), table[mapped.object_id]
        if pc.all(pc.match_substring_regex(ids, "^(0|-?[1-9][0-9]*)$"), min_count=0).as_py():
            table = table.set_column(position, mapped.object_id, ids.cast(pa.int64()))
    yield from _slices(table)


def _read_fits(survey: OwnSurvey, wanted: list[str]) -> Iterator[pa.Table]:
    from astropy.io import fits

    asked = survey.catalogue.table
    with fits.open(survey.catalogue_file) as hdus:
        tables = [
            hdu
            for number, hdu in enumerate(hdus)
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and asked in (None, number, hdu.name)
        ]
        if not tables:
            found = [hdu.name for hdu in hdus]
            raise InputRefused(f"{survey.catalogue_file}: expected a table ({asked or 'any'}), found HDUs {found}")
        hdu = tables[0]
        _check_columns(survey, wanted, hdu.columns.names)
        _check_units(survey, {column.name: column.unit for column in hdu.columns})
        for start in range(0, len(hdu.data), ROWS_PER_TABLE):
            rows = hdu.data[start : start + ROWS_PER_TABLE]
            yield pa.table({name: _arrow(survey, name, rows[name], hdu.columns[name].null) for name in wanted})


def _read_votable(survey: OwnSurvey, wanted: list[str]) -> Iterator[pa.Table]:
    from astropy.table import Table

    asked = {} if survey.catalogue.table is None else {"table_id": survey.catalogue.table}
    table = Table.read(survey.catalogue_file, format="votable", use_names_over_ids=True, **asked)
    _check_columns(survey, wanted, table.colnames)
    _check_units(survey, {name: str(table[name].unit or "") for name in table.colnames})
    columns = {}
    for name in wanted:
        values = _arrow(survey, name, np.ma.getdata(table[name]))
        masked = pa.array(np.ma.getmaskarray(table[name]))
        columns[name] = pc.if_else(masked, pa.scalar(None, values.type), values)
    yield from _slices(pa.table(columns))


_READERS = {"parquet": _read_parquet, "csv": _read_csv, "fits": _read_fits, "votable": _read_votable}


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, len(table), ROWS_PER_TABLE):
        yield table.slice(start, ROWS_PER_TABLE)


def _arrow(survey: OwnSurvey, name: str, values: np.ndarray, null: int | None = None) -> pa.Array:
    values = np.asarray(values)
    if values.ndim != 1:
        shape = values.shape[1:]
        raise InputRefused(f"{survey.catalogue_file}: column {name}: expected one value a row, found {shape}")
    if values.dtype.kind in "SUO":
        text = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.tolist()]
        return pa.array([v.strip() for v in text], pa.string())
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return pa.array(values, mask=None if null is None else values == null)


def _check_columns(survey: OwnSurvey, wanted: list[str], found: list[str]) -> None:
    folded = {name.lower(): name for name in found}
    faults = []
    for name in wanted:
        if name not in found:
            near = [folded[other] for other in get_close_matches(name.lower(), folded, n=3)]
            hint = f" (is it {' or '.join(near)}?)" if near else ""
            faults.append(f"column {name}: expected by catalogue.columns in {survey.toml.name}, found none{hint}")
    if faults:
        listing = "\n  ".join(faults)
        raise InputRefused(f"{survey.catalogue_file}: columns missing\n  {listing}\n  the file has: {', '.join(found)}")


@cache
def _is_unit(found: str, expected: str) -> bool | None:
    """Whether the unit is the expected one; None where astropy does not know it."""
    from astropy import units

    try:
        return units.Unit(found) == units.Unit(expected)
    except (ValueError, TypeError):
        return None


def _check_units(survey: OwnSurvey, units: dict[str, str | None]) -> None:
    """Refuse a known unit that is another one (rad, nJy); unknown spellings and "mag(AB)" pass: the owner knows."""
    columns = survey.catalogue.columns
    mapped = [*columns.of_objects().items(), *(pair for b in survey.bands for pair in columns.of_photometry(b).items())]
    for ours, theirs in mapped:
        expected, found = UNITS.get(ours), units.get(theirs)
        if expected and found and "mag" not in found and _is_unit(found, expected) is False:
            raise InputRefused(f"{survey.catalogue_file}: column {theirs} ({ours}): expected {expected}, found {found}")
