"""The .sql files as models: what each makes and reads, in which order they run; macros, checks and examples."""

import re
from collections.abc import Iterator, Set
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import PurePosixPath
from typing import NamedTuple

import duckdb

from swimmy_db.errors import SwimmyError

SCHEMAS = ("raw", "survey", "model", "paper", "meta")
STAGE_OF_SCHEMA = {"survey": "select"}
STAGES = ("select", "train", "choose", "candidates", "paper")
_HEADER = re.compile(r"^-- (makes|reads|paper|stage|after): ?(.*)$")
_TABLE = re.compile(rf"\b(?:{'|'.join(SCHEMAS)})\.[a-z_][a-z0-9_]*")
_SETTING = re.compile(r"\bsetting(?:_text)?\(\s*'([a-z0-9_]+)'\s*\)")
_COMMENT = re.compile(r"--[^\n]*")
_MACRO = re.compile(r"create or replace macro ([a-z_]+)\(")


class SqlModel(NamedTuple):
    """One file of sql/survey, sql/model or sql/paper: it makes the table or view of its own name."""

    name: str
    path: str
    stage: str
    makes: str
    reads: tuple[str, ...]
    paper: str
    text: str
    settings: frozenset[str]


class Check(NamedTuple):
    """One query of sql/checks; it must return no row. `after`: the tables whose making it follows (header, else all).

    A check of tables that different stages make is due after the later stage: in between they may disagree.
    """

    name: str
    path: str
    reads: tuple[str, ...]
    after: tuple[str, ...]
    text: str


class CheckFailure(NamedTuple):
    """A check that returned rows: the first of them, as the query's columns."""

    name: str
    rows: list[dict[str, object]]


class Macro(NamedTuple):
    """One file of sql/macros: the macros that it makes and the tables that they read when they are called."""

    path: str
    names: tuple[str, ...]
    reads: tuple[str, ...]
    text: str
    settings: frozenset[str]


def load_models(stage: str | None = None) -> tuple[SqlModel, ...]:
    """The models, of one stage or all, each after those that it reads.

    Raises SwimmyError where a header is missing, two models make one table, or models read each other in a circle.
    """
    ordered = _all_models()
    return tuple(model for model in ordered if stage is None or model.stage == stage)


@cache
def load_macros() -> tuple[Macro, ...]:
    """The macros, each after those that it calls."""
    macros = {}
    for path, text in _files("macros"):
        header = _read_header(path, text, ("makes", "reads", "paper"))
        code = strip_comments(text)
        names = tuple(_MACRO.findall(code))
        macros[path] = Macro(path, names, _names_in(header["reads"]), text, frozenset(_SETTING.findall(code)))
    calls = {
        path: {
            other.path
            for other in macros.values()
            if other.path != path and _calls_any(strip_comments(macro.text), other.names)
        }
        for path, macro in macros.items()
    }
    return tuple(macros[path] for path in _in_order(calls, "sql/macros"))


def load_checks() -> tuple[Check, ...]:
    """The checks of sql/checks, by name."""
    checks = []
    for path, text in _files("checks"):
        header = _read_header(path, text, ("makes", "reads", "paper"), optional="after")
        reads = _names_in(header["reads"])
        checks.append(Check(PurePosixPath(path).stem, path, reads, _names_in(header.get("after", "")) or reads, text))
    return tuple(checks)


def load_examples() -> tuple[tuple[str, str], ...]:
    """Name and text of each query of sql/examples."""
    return tuple((PurePosixPath(path).stem, text) for path, text in _files("examples"))


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create (or replace) the macros in the current database, so that every shell that opens it has them.

    DuckDB refuses a macro whose tables do not exist: those are left out here, and made by `run_model` when they can be.
    """
    existing = _existing_tables(connection)
    for macro in load_macros():
        if existing.issuperset(tables_read(macro.text)):
            connection.execute(macro.text)


def run_model(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
    """Make the model's table or view, and the macros that read it. The tables that it reads must exist.

    Raises SwimmyError naming the file, with DuckDB's own words.
    """
    schema = model.name.partition(".")[0]
    try:
        connection.execute(f"create schema if not exists {schema}")
        _drop_other_kind(connection, model)
        connection.execute(model.text)
        existing = _existing_tables(connection)
        for macro in load_macros():
            reads = tables_read(macro.text)
            if model.name in reads and existing.issuperset(reads):
                connection.execute(macro.text)
    except duckdb.Error as fault:
        raise SwimmyError(f"{model.path}: {fault}") from fault


def run_checks(connection: duckdb.DuckDBPyConnection, tables: Set[str] | None = None) -> list[CheckFailure]:
    """Run the checks whose tables all exist and, if `tables` is given, that are due after making one of them.

    Returns the checks that found something, with up to 20 rows each; an empty list is what one wants.
    """
    existing = _existing_tables(connection)
    failures = []
    for check in load_checks():
        concerned = tables is None or not tables.isdisjoint(check.after)
        if not concerned or not existing.issuperset(check.reads):
            continue
        cursor = connection.execute(check.text)
        columns = [column[0] for column in cursor.description]
        rows = cursor.fetchall()[:20]
        if rows:
            failures.append(CheckFailure(check.name, [dict(zip(columns, row, strict=True)) for row in rows]))
    return failures


def strip_comments(text: str) -> str:
    """The text without its line comments."""
    return _COMMENT.sub("", text)


@cache
def tables_read(text: str, makes: str | None = None) -> tuple[str, ...]:
    """Tables that a statement names (also as text, for table macros) or reads through macros, sorted.

    meta.settings is left out where it is read through setting(): every statement may do that.
    """
    code = strip_comments(text)
    tables = set(_TABLE.findall(code))
    for macro in load_macros():
        if "setting" not in macro.names and _calls_any(code, macro.names):
            tables |= set(tables_read(macro.text)) if not _is_in(macro, text) else set()
    return tuple(sorted(tables - {makes}))


def settings_read(text: str) -> frozenset[str]:
    """Names of the settings that a statement reads, itself or through macros."""
    code = strip_comments(text)
    names = set(_SETTING.findall(code))
    for macro in load_macros():
        if _calls_any(code, macro.names) and not _is_in(macro, text):
            names |= settings_read(macro.text)
    return frozenset(names)


def _existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = current_database()"
    )
    return {name for (name,) in rows.fetchall()}


def _is_in(macro: Macro, text: str) -> bool:
    return macro.text == text


def _calls_any(code: str, names: tuple[str, ...]) -> bool:
    return any(re.search(rf"\b{name}\(", code) for name in names)


@cache
def _all_models() -> tuple[SqlModel, ...]:
    models: dict[str, SqlModel] = {}
    for schema in ("survey", "model", "paper"):
        for path, text in _files(schema):
            model = _read_model(schema, path, text)
            models[model.name] = model
    reads = {model.name: {table for table in model.reads if table in models} for model in models.values()}
    return tuple(models[name] for name in _in_order(reads, "sql"))


def _read_model(schema: str, path: str, text: str) -> SqlModel:
    staged = schema not in STAGE_OF_SCHEMA
    header = _read_header(path, text, ("makes", "reads", "paper", *(("stage",) if staged else ())))
    name = f"{schema}.{PurePosixPath(path).stem}"
    made, _, makes = header["makes"].partition(", ")
    if made != name:
        raise SwimmyError(f"{path}: says that it makes {made}, its name says {name}")
    stage = header.get("stage", STAGE_OF_SCHEMA.get(schema, ""))
    if stage not in STAGES:
        raise SwimmyError(f"{path}: stage {stage!r} is none of {', '.join(STAGES)}")
    return SqlModel(name, path, stage, makes, _names_in(header["reads"]), header["paper"], text, settings_read(text))


def _read_header(path: str, text: str, keys: tuple[str, ...], optional: str | None = None) -> dict[str, str]:
    header = {}
    for key, line in zip((*keys, optional), text.splitlines(), strict=False):
        match = _HEADER.match(line)
        if match is None or match[1] != key:
            if key == optional:
                break
            raise SwimmyError(f"{path}: expected a line `-- {key}: ...`, found {line!r}")
        header[key] = match[2].strip()
    return header


def _names_in(listing: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listing.split(",") if name.strip())


def _files(folder: str) -> Iterator[tuple[str, str]]:
    root = resources.files("swimmy_db.sql") / folder
    for file in sorted(root.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            yield f"sql/{folder}/{file.name}", file.read_text(encoding="utf-8")


def _in_order(reads: dict[str, set[str]], where: str) -> list[str]:
    """Names, each after those that it reads; equal ones by name, so that the order is always the same."""
    sorter = TopologicalSorter({name: sorted(reads[name]) for name in sorted(reads)})
    try:
        return list(sorter.static_order())
    except CycleError as fault:
        raise SwimmyError(f"{where}: these read each other in a circle: {' -> '.join(fault.args[1])}") from fault


def _drop_other_kind(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
    """`create or replace table` refuses to replace a view, and the other way round: take the old kind away first."""
    schema, _, name = model.name.partition(".")
    found = connection.execute(
        "select table_type from information_schema.tables "
        "where table_catalog = current_database() and table_schema = ? and table_name = ?",
        [schema, name],
    ).fetchone()
    makes_view = "create or replace view" in model.text
    if found is not None and (found[0] == "VIEW") != makes_view:
        connection.execute(f"drop {'view' if found[0] == 'VIEW' else 'table'} {model.name}")
