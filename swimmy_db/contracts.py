"""Table contracts: schemas/<schema>/<table>.toml as Arrow schemas, and the check of a table against one."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from swimmy_db.errors import InputRefused, SwimmyError

TYPES = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "timestamp[us]": pa.timestamp("us"),
    "list<float32>": pa.list_(pa.float32()),
    "list<float64>": pa.list_(pa.float64()),
}


class Column(BaseModel):
    """One column: its Arrow type, unit (astropy string), limits (inclusive) and meaning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    description: str
    unit: str | None = None
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    ucd: str | None = None
    aliases: tuple[str, ...] = ()
    required: bool = True

    @property
    def arrow_type(self) -> pa.DataType:
        return TYPES[self.type]

    @property
    def comment(self) -> str:
        """Meaning and unit, as they stand in the database's column comment."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


class Contract(BaseModel):
    """What a table is: one row per what, its key, its columns in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    description: str
    key: tuple[str, ...] = ()
    columns: dict[str, Column]

    @property
    def keeps_cells(self) -> bool:
        """Whether the table is a catalogue with positions: in the database it has the column sky_cell as well."""
        return self.table.startswith("raw.") and {"ra", "dec"} <= self.columns.keys()

    def arrow_schema(self) -> pa.Schema:
        return pa.schema(
            [pa.field(name, column.arrow_type, nullable=column.nullable) for name, column in self.columns.items()]
        )

    def empty(self) -> pa.Table:
        return self.arrow_schema().empty_table()


def _expand_bands(columns: Mapping[str, dict], bands: Sequence[str]) -> dict[str, dict]:
    expanded = {}
    for name, column in columns.items():
        for band in bands if "{band}" in name else ("",):
            expanded[name.replace("{band}", band)] = {
                key: value.replace("{band}", band) if isinstance(value, str) else value for key, value in column.items()
            } | {"aliases": [alias.replace("{band}", band) for alias in column.get("aliases", [])]}
    return expanded


@cache
def load_contract(table: str, bands: tuple[str, ...] = ("g", "r", "i", "z", "y")) -> Contract:
    """The contract of `schema.table`, with `{band}` in column names expanded over the survey's bands.

    Raises SwimmyError where there is no such contract or it is not well formed.
    """
    schema, _, name = table.partition(".")
    resource = resources.files("swimmy_db.schemas") / schema / f"{name}.toml"
    try:
        document = tomllib.loads(resource.read_text(encoding="utf-8"))
        document["columns"] = _expand_bands(document["columns"], bands)
        contract = Contract(table=table, **document)
    except FileNotFoundError:
        raise SwimmyError(f"no contract schemas/{schema}/{name}.toml for the table {table}") from None
    except (tomllib.TOMLDecodeError, ValidationError, KeyError) as fault:
        raise SwimmyError(f"schemas/{schema}/{name}.toml is not a contract: {fault}") from fault
    unknown = {column.type for column in contract.columns.values()} - TYPES.keys()
    if unknown:
        raise SwimmyError(f"schemas/{schema}/{name}.toml: unknown types {sorted(unknown)}")
    return contract


def contracts_of(schema: str) -> list[str]:
    """Names (`schema.table`) of all tables of one schema that have a contract, sorted."""
    folder = resources.files("swimmy_db.schemas") / schema
    if not folder.is_dir():
        return []
    return sorted(f"{schema}.{Path(file.name).stem}" for file in folder.iterdir() if file.name.endswith(".toml"))


def conform(table: pa.Table, contract: Contract, source: str | Path, first_row: int = 0) -> pa.Table:
    """The table with the contract's names and types in the contract's order; further columns follow, kept.

    Names are matched without regard to case; `aliases` are native spellings. A column that is not `required`
    is filled with nulls where the file lacks it. `first_row` is the file's row number of the table's first row.

    Raises InputRefused with every fault found: the file, the column, what was expected, what was found.
    """
    faults: list[str] = []
    native = {name.lower(): name for name in table.column_names}
    if len(native) != len(table.column_names):
        raise InputRefused(f"{source}: two columns have the same name when case is ignored: {table.column_names}")
    arrays, fields, used = [], [], set()
    for name, column in contract.columns.items():
        found = next((alias for alias in (name, *column.aliases) if alias.lower() in native), None)
        if found is None:
            if column.required:
                faults.append(f"column {name}: expected {_expectation(column)}, found no such column")
            values = pa.nulls(len(table), column.arrow_type)
        else:
            used.add(found.lower())
            values, fault = _conform_column(table[native[found.lower()]], column, first_row)
            faults += [f"column {name}: {fault}"] if fault else []
        arrays.append(values)
        fields.append(pa.field(name, column.arrow_type))
    if faults:
        listing = "\n  ".join(faults)
        raise InputRefused(f"{source} is not a {contract.table} file:\n  {listing}")
    for lower, original in native.items():
        if lower not in used and lower not in contract.columns:
            arrays.append(table[original])
            fields.append(pa.field(lower, table[original].type))
    return pa.table(arrays, schema=pa.schema(fields))


def _expectation(column: Column) -> str:
    limits = "" if column.minimum is None and column.maximum is None else f" in [{column.minimum}, {column.maximum}]"
    return f"{column.type}{limits}{f' ({column.unit})' if column.unit else ''}"


def _conform_column(values: pa.ChunkedArray, column: Column, first_row: int) -> tuple[pa.ChunkedArray, str | None]:
    """The cast column, and what is wrong with it (None if nothing is)."""
    nothing = pa.chunked_array([pa.nulls(len(values), column.arrow_type)])
    if pa.types.is_floating(values.type) and pa.types.is_integer(column.arrow_type):
        # An id that has passed through a float is already lost: refuse it even where the cast would be exact.
        return nothing, f"expected {column.type}, found {values.type}"
    try:
        cast = values.cast(column.arrow_type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as fault:
        return nothing, f"expected {_expectation(column)}, found {values.type}: {str(fault).splitlines()[0]}"
    if not column.nullable and cast.null_count:
        return cast, f"expected a value in every row, found none in row {_first(pc.is_null(cast), first_row)}"
    bad = _out_of_range(cast, column)
    if bad is not None:
        position = _first(bad, 0)
        wanted = f"one of {list(column.allowed)}" if column.allowed else _expectation(column)
        return cast, f"expected {wanted}, found {cast[position].as_py()!r} in row {first_row + position}"
    return cast, None


def _out_of_range(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | None:
    tests = []
    if column.minimum is not None:
        tests.append(pc.less(values, pa.scalar(column.minimum).cast(column.arrow_type)))
    if column.maximum is not None:
        tests.append(pc.greater(values, pa.scalar(column.maximum).cast(column.arrow_type)))
    if column.allowed is not None:
        allowed = pa.array(column.allowed, column.arrow_type)
        tests.append(pc.and_(pc.invert(pc.is_in(values, allowed)), pc.is_valid(values)))
    for test in tests:
        # NaN compares false on both sides and passes: "missing" is a cut of its own, made in SQL.
        if pc.any(test).as_py():
            return test
    return None


def _first(mask: pa.ChunkedArray, first_row: int) -> int:
    return first_row + pc.index(mask, pa.scalar(True)).as_py()
