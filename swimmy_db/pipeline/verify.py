"""`swimmy verify`: every file, table and row against what was recorded when it was published."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from swimmy_db import sql_models
from swimmy_db.catalog import (
    SCHEMAS,
    Catalog,
    contract_faults,
    last_runs,
    open_catalog,
    table_fingerprint,
)
from swimmy_db.contracts import contracts_of, load_contract
from swimmy_db.pipeline.journal import TABLES, newest_entries
from swimmy_db.pipeline.stage import Progress, silent
from swimmy_db.publishing import sha256_of
from swimmy_db.workspace import Workspace

MEBIBYTE = 2**20
# Folders whose every file is recorded; checkpoints/ keeps older runs beside the newest, downloads/ is the archives'.
RECORDED_FOLDERS = ("downloads", "stamps", "cubes", "scores")


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was published: kind, where, and what was expected and found."""

    kind: Literal["file", "table", "contract", "check", "journal", "database"]
    where: str
    what: str


@dataclass
class Verified:
    """How much was looked at, and what is wrong with it (nothing: an empty list)."""

    n_files: int = 0
    n_bytes: int = 0
    n_tables: int = 0
    n_checks: int = 0
    faults: list[Fault] = field(default_factory=list)


def verify(workspace: Workspace, progress: Progress = silent) -> Verified:
    """Compare files with meta.files, tables with contracts, checks and meta.stages, and meta.* with the journal.

    `progress` counts mebibytes of files. Raises NotReady where there is no survey.
    """
    verified = Verified()
    workspace.require_survey()
    try:
        with open_catalog(workspace) as catalog:
            for examine in (_files, _tables, _checks, _journal):
                verified.faults += examine(workspace, catalog, verified, progress)
    except duckdb.Error as fault:
        said = str(fault).splitlines()[0]
        verified.faults.append(
            Fault("database", workspace.database.name, f"cannot be read: {said}; `swimmy rebuild` makes it again")
        )
    return verified


def _files(workspace: Workspace, catalog: Catalog, verified: Verified, progress: Progress) -> Iterator[Fault]:
    recorded = catalog.rows("select path, bytes, sha256 from meta.files order by path")
    total = sum(size for _, size, _ in recorded)

    def examine(row: tuple[str, int, str]) -> Fault | None:
        name, size, checksum = row
        path = workspace.folder / name
        if not path.is_file():
            return Fault("file", name, "missing")
        if path.stat().st_size != size:
            return Fault("file", name, f"expected {size:,} bytes, found {path.stat().st_size:,}")
        found = sha256_of(path)
        return None if found == checksum else Fault("file", name, f"expected sha256 {checksum}, found {found}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (_, size, _), fault in zip(recorded, pool.map(examine, recorded), strict=True):
            verified.n_files += 1
            verified.n_bytes += size
            progress(verified.n_bytes // MEBIBYTE, max(1, total // MEBIBYTE))
            if fault is not None:
                yield fault
    known = {name for name, _, _ in recorded}
    for folder in RECORDED_FOLDERS:
        for path in sorted((workspace.folder / folder).rglob("*")):
            if path.is_file() and not path.name.startswith(".") and workspace.relative(path) not in known:
                yield Fault("file", workspace.relative(path), "is not in meta.files: no stage made it")


def _tables(workspace: Workspace, catalog: Catalog, verified: Verified, progress: Progress) -> Iterator[Fault]:
    """Rows changed, added or taken away since the stage published the table; and what its contract forbids."""
    bands = workspace.settings().band_names
    recorded = {table: mark for run in last_runs(catalog).values() for table, mark in run["outputs"].items()}
    names = [name for schema in SCHEMAS for name in contracts_of(schema)]
    for table in dict.fromkeys([*names, *(name for name in recorded if not name.startswith("files:"))]):
        if not catalog.has(table):
            if table in recorded:
                yield Fault("table", table, "missing")
            continue
        verified.n_tables += 1
        for fault in contract_faults(catalog.connection, load_contract(table, bands)):
            yield Fault("contract", table, fault.removeprefix(f"{table}: "))
        if table in recorded:
            found = table_fingerprint(catalog.connection, table)
            if found != recorded[table]:
                yield Fault("table", table, _difference(recorded[table], found))


def _difference(expected: str, found: str) -> str:
    rows_then, rows_now = (mark.partition("-")[0] for mark in (expected, found))
    if rows_then != rows_now:
        return f"expected {int(rows_then):,} rows, found {int(rows_now):,}"
    return f"{int(rows_now):,} rows, but their contents are not those that the stage published"


def _checks(workspace: Workspace, catalog: Catalog, verified: Verified, progress: Progress) -> Iterator[Fault]:
    verified.n_checks = len(sql_models.load_checks())
    for failure in sql_models.run_checks(catalog.connection):
        yield Fault("check", failure.name, f"returns rows: {failure.rows[:3]}")


def _journal(workspace: Workspace, catalog: Catalog, verified: Verified, progress: Progress) -> Iterator[Fault]:
    """meta.* must be what the journal would give back, because `swimmy rebuild` takes them from there."""
    entries = newest_entries(workspace)
    for kind, table in TABLES.items():
        files = [str(path) for path in entries[kind].values()]
        copy = f"journal_{kind}"
        catalog.connection.execute(f"create or replace temp table {copy} as from {table} limit 0")
        if files:
            scan = "select * from read_parquet(?, union_by_name = true)"
            try:
                catalog.connection.execute(f"insert into {copy} by name {scan}", [files])
            except duckdb.Error as fault:
                yield Fault("journal", kind, f"cannot be read: {str(fault).splitlines()[0]}")
                continue
        expected, found = (table_fingerprint(catalog.connection, name) for name in (copy, table))
        if expected != found:
            yield Fault("journal", table, f"{_difference(expected, found)} (journal against database)")
