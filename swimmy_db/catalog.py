"""Open the database of a workspace: read-only sessions, and the publication of a stage's output."""

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db import publishing, sql_models
from swimmy_db.contracts import Contract, contracts_of, load_contract
from swimmy_db.errors import NotReady, SwimmyError, UsageError
from swimmy_db.workspace import Workspace

SCHEMAS = ("raw", "survey", "model", "paper", "meta", "truth")
# Users' shells and viewers are DuckDB 1.5: 2.0's own format could not be opened there.
STORAGE_VERSION = "v1.5.0"
SKY_CELL = "sky_cell"
SKY_CELL_COMMENT = "cell of the cross-match that holds the position, sky_cell(ra, dec)"
DUCKDB_TYPES = {
    "bool": "boolean",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "uint64": "ubigint",
    "float32": "real",
    "float64": "double",
    "string": "varchar",
    "timestamp[us]": "timestamp",
    "list<float32>": "real[]",
    "list<float64>": "double[]",
}


class Catalog:
    """A read-only session on a workspace's database. Results leave as Arrow."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def reader(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """As `arrow`, batch by batch, for results that may not fit in memory."""
        return self.connection.sql(sql, params=list(parameters)).to_arrow_reader()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple]:
        return self.connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def has(self, table: str) -> bool:
        """Whether `schema.table` exists, as a table or a view."""
        schema, _, name = table.partition(".")
        found = "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
        return bool(self.value(found, [schema, name]))

    def require(self, table: str, command: str) -> None:
        """Raises NotReady, naming the command that makes it, where the table is absent or empty."""
        if not self.has(table) or not self.value(f"select count(*) from (select 1 from {table} limit 1)"):
            raise NotReady(f"{table} is empty: `swimmy {command}` makes it")


@contextlib.contextmanager
def open_catalog(workspace: Workspace, locked_down: bool = False) -> Iterator[Catalog]:
    """A read-only session; `locked_down` also shuts off files, extensions and settings, for SQL from a user.

    Raises NotReady where the workspace holds no survey yet.
    """
    workspace.require_survey()
    # Sessions on one file in one process share an instance, and with it the lock: what is locked gets its own.
    connection = duckdb.connect() if locked_down else duckdb.connect(str(workspace.database), read_only=True)
    try:
        if locked_down:
            connection.execute(f"attach {_quoted(str(workspace.database))} as swimmy (read_only); use swimmy")
        # a name in SQL is a table of the workspace, never a Python variable of the caller
        connection.execute("set TimeZone = 'UTC'; set python_enable_replacements = false")
        if locked_down:
            connection.execute("set enable_external_access = false; set lock_configuration = true")
        yield Catalog(connection)
    finally:
        connection.close()


def require_one_select(sql: str) -> str:
    """The statement, if it is exactly one SELECT or EXPLAIN as DuckDB itself judges; else UsageError."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as fault:
        raise UsageError(str(fault)) from None
    readable = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(statements) != 1 or statements[0].type not in readable:
        kinds = ", ".join(str(statement.type).removeprefix("StatementType.") for statement in statements) or "nothing"
        raise UsageError(f"swimmy sql runs one SELECT or EXPLAIN, found: {kinds}; the database is read-only")
    return sql


class Publication:
    """A stage's output on its way into the workspace: a private copy of the database, and staged files."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, workspace: Workspace, stage: str, staging: Path, bands: tuple
    ) -> None:
        self.connection = connection
        self.workspace = workspace
        self.stage = stage
        self.staging = staging
        self.bands = bands
        self.made: list[str] = []

    def contract(self, table: str) -> Contract:
        return load_contract(table, self.bands)

    def load(self, table: str, files: Iterable[Path]) -> None:
        """Make `table` anew from Parquet files, under its contract; empty where there is no file.

        The only way by which data enters the database: so `swimmy rebuild` can make it again.
        """
        contract, files = self.contract(table), [str(file) for file in files]
        names = list(contract.columns)
        if files:
            casts = ", ".join(
                f'"{name}"::{DUCKDB_TYPES[column.type]} as "{name}"' for name, column in contract.columns.items()
            )
            excluded = ", ".join(f'"{name}"' for name in names)
            scan = "read_parquet(?, union_by_name = true)"
            extra = self.connection.execute(f"describe select * from {scan}", [files]).fetchall()
            others = f", * exclude ({excluded})" if {row[0] for row in extra} - set(names) else ""
            # the cell of a catalogue's position, which the cross-match joins on, is computed once, when it comes
            cell = f", sky_cell(ra, dec) as {SKY_CELL}" if contract.keeps_cells else ""
            rows = f"select *{cell} from (select {casts}{others} from {scan})"
            self.connection.execute(f"create or replace table {table} as {rows}", [files])
        else:
            columns = ", ".join(f'"{n}" {DUCKDB_TYPES[c.type]}' for n, c in contract.columns.items())
            columns += f", {SKY_CELL} bigint" if contract.keeps_cells else ""
            self.connection.execute(f"create or replace table {table} ({columns})")
        self.finish_table(table)

    def load_arrow(self, table: str, rows: pa.Table) -> None:
        """As `load`, for a small table made in Python; it passes through a Parquet file like every other."""
        path = self.staging / ".tables" / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path)
        self.load(table, [path])
        path.unlink()

    def load_rows(self, table: str, rows: list[dict]) -> None:
        self.load_arrow(table, pa.Table.from_pylist(rows, schema=self.contract(table).arrow_schema()))

    def run_models(self, stage: str) -> None:
        """Run the SQL files of a stage, in the order that their `reads` lines give."""
        for model in sql_models.load_models(stage):
            try:
                sql_models.run_model(self.connection, model)
            except duckdb.Error as fault:
                raise SwimmyError(f"{model.path}: {fault}") from fault
            self.finish_table(model.name)

    def finish_table(self, table: str) -> None:
        """Put the contract's descriptions and units on the table and its columns; note that it was made."""
        comment(self.connection, self.contract(table))
        if table not in self.made:
            self.made.append(table)

    def check(self) -> None:
        """Raises SwimmyError if a table made here breaks its contract or a query of sql/checks returns rows."""
        faults = [fault for table in self.made for fault in contract_faults(self.connection, self.contract(table))]
        for failure in sql_models.run_checks(self.connection, set(self.made)):
            faults.append(f"check {failure.name}: {failure.rows}")
        if faults:
            listing = "\n  ".join(faults)
            raise SwimmyError(f"stage {self.stage} is not published, its tables are not as they must be:\n  {listing}")

    def fingerprints(self) -> dict[str, str]:
        """Content of every table made here, whatever its row order: what later stages compare their inputs with."""
        return {table: table_fingerprint(self.connection, table) for table in self.made}


@contextlib.contextmanager
def publish(
    workspace: Workspace, stage: str, staging: Path | None = None, fresh: bool = False
) -> Iterator[Publication]:
    """One lock, one copy of the database, one commit: nothing of it is seen before all of it is on disk.

    `staging` mirrors the workspace; its files are put in place together with the database. `fresh` starts from an
    empty database in place of the copy.
    """
    with publishing.lock(workspace):
        staging = staging or new_staging(workspace)
        staging.mkdir(parents=True, exist_ok=True)
        following = workspace.folder / publishing.NEXT_DATABASE
        if workspace.database.exists() and not fresh:
            shutil.copyfile(workspace.database, following)
        connection = duckdb.connect()
        try:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach {_quoted(str(following))} as swimmy (storage_version '{STORAGE_VERSION}')")
            connection.execute("use swimmy")
            publication = Publication(connection, workspace, stage, staging, ())
            yield publication
            publication.check()
            connection.execute("use memory; checkpoint swimmy; detach swimmy")
        except BaseException:
            connection.close()
            publishing.finish_interrupted(workspace)
            shutil.rmtree(staging, ignore_errors=True)
            raise
        connection.close()
        shutil.rmtree(staging / ".tables", ignore_errors=True)
        publishing.commit(workspace, staging)


def new_staging(workspace: Workspace) -> Path:
    """An empty folder that mirrors the workspace, on the same file system so that a rename is atomic."""
    return workspace.folder / publishing.STAGING / uuid.uuid4().hex


def create_schemas(publication: Publication) -> None:
    """Make a database's schemas, macros, and every table that is loaded from files and not there yet, empty.

    So a database that an older version made gets the tables, and the column, that have been added since.
    """
    for schema in SCHEMAS[:-1]:
        publication.connection.execute(f"create schema if not exists {schema}")
    # first those that need no table: loading a catalogue needs its positions' cells
    sql_models.create_macros(publication.connection)
    present = {model.name for model in sql_models.load_models()}
    there = publication.connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = current_database()"
    )
    present |= {name for (name,) in there.fetchall()}
    for schema in SCHEMAS[:-1]:
        for table in contracts_of(schema):
            if table not in present:
                publication.load(table, [])
            elif publication.contract(table).keeps_cells:
                publication.connection.execute(f"alter table {table} add column if not exists {SKY_CELL} bigint")
    sql_models.create_macros(publication.connection)


def comment(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    schema, _, name = contract.table.partition(".")
    kind = connection.execute(
        "select table_type from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
    ).fetchone()[0]
    word = "view" if kind == "VIEW" else "table"
    connection.execute(f"comment on {word} {contract.table} is {_quoted(contract.description)}")
    present = {
        row[0]
        for row in connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
            [schema, name],
        ).fetchall()
    }
    missing = contract.columns.keys() - present
    if missing:
        raise SwimmyError(f"{contract.table} lacks columns that its contract names: {sorted(missing)}")
    for column_name, column in contract.columns.items():
        connection.execute(f'comment on column {contract.table}."{column_name}" is {_quoted(column.comment)}')
    if SKY_CELL in present and SKY_CELL not in contract.columns:
        connection.execute(f"comment on column {contract.table}.{SKY_CELL} is {_quoted(SKY_CELL_COMMENT)}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def contract_faults(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """Where the table breaks its contract: nulls, limits, words not allowed, keys that occur twice."""
    tests = {}
    for name, column in contract.columns.items():
        if not column.nullable:
            tests[f"{name} is null"] = f'"{name}" is null'
        if column.minimum is not None and column.type != "bool":
            tests[f"{name} < {column.minimum}"] = f'"{name}" < {column.minimum}'
        if column.maximum is not None:
            # NaN is the greatest value in DuckDB; missing values are the business of the cuts.
            finite = f' and not isnan("{name}")' if column.type.startswith("float") else ""
            tests[f"{name} > {column.maximum}"] = f'"{name}" > {column.maximum}{finite}'
        if column.allowed is not None:
            words = ", ".join(_quoted(word) for word in column.allowed)
            tests[f"{name} not one of {list(column.allowed)}"] = f'"{name}" not in ({words})'
    faults = []
    if tests:
        counts = ", ".join(f"count(*) filter (where {condition})" for condition in tests.values())
        found = connection.execute(f"select {counts} from {contract.table}").fetchone()
        faults += [f"{contract.table}: {n} rows with {label}" for label, n in zip(tests, found, strict=True) if n]
    if contract.key:
        key = ", ".join(f'"{name}"' for name in contract.key)
        repeated = connection.execute(
            f"select count(*) from (select 1 from {contract.table} group by {key} having count(*) > 1)"
        ).fetchone()[0]
        faults += [f"{contract.table}: {repeated} values of the key ({key}) occur more than once"] if repeated else []
    return faults


def table_fingerprint(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    count, total = connection.execute(f"select count(*), coalesce(sum(hash(t)), 0) from {table} t").fetchone()
    return f"{count}-{int(total):x}"


def append_journal(publication: Publication, kind: str, rows: pa.Table) -> None:
    """Keep rows in the append-only journal too: what the database cannot make again from anything else."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{publication.stage}-{kind}.parquet"
    path = publication.staging / "journal" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)


def last_runs(catalog: Catalog) -> dict[str, dict]:
    """The newest row of meta.stages for each stage: fingerprint, inputs, outputs (decoded)."""
    if not catalog.has("meta.stages"):
        return {}
    return {
        row["stage"]: {**row, "inputs": json.loads(row["inputs"]), "outputs": json.loads(row["outputs"])}
        for row in catalog.arrow("from meta.stages").to_pylist()
    }
