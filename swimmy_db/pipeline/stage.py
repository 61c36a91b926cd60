"""What a stage is, when it is up to date, and how it is run and published."""

import hashlib
import importlib.util
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db import sql_models
from swimmy_db.catalog import (
    Catalog,
    Publication,
    append_journal,
    last_runs,
    new_staging,
    open_catalog,
    publish,
)
from swimmy_db.config import Settings
from swimmy_db.contracts import load_contract
from swimmy_db.publishing import sha256_of
from swimmy_db.workspace import Workspace

Progress = Callable[[int, int | None], None]


def silent(done: int, total: int | None) -> None:
    """Show nothing."""


@dataclass
class Work:
    """What a stage computes with: a read-only catalog, the settings, a staging folder that mirrors the workspace.

    partial: a folder for finished pieces of long work, which a killed run finds again if nothing it depends on has
    changed. kept_files: files that the stage wrote in their place, by their path in the workspace. done_with: folders
    that nobody needs once the stage is published.
    """

    workspace: Workspace
    settings: Settings
    catalog: Catalog
    staging: Path
    partial: Path
    progress: Progress = silent
    rejects: list[dict] = field(default_factory=list)
    kept_files: dict[str, Path] = field(default_factory=dict)
    done_with: list[Path] = field(default_factory=list)

    def reject(self, reason: str, **where: object) -> None:
        """Note something that was left out: source_file, file_row, object_id, band, column_name, value."""
        self.rejects.append({"reason": reason, **where})


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline. `compute` makes files without holding the database; `load` makes tables of them.

    reads: tables; settings: names in config.Settings; code: modules whose text counts as the stage's version.
    A stage with `sql` runs the SQL files that name it, whose headers say what they read.
    """

    name: str
    title: str
    reads: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    sql: bool = False
    compute: Callable[[Work], None] | None = None
    load: Callable[[Publication, Path], None] | None = None

    def models(self) -> tuple[sql_models.SqlModel, ...]:
        return sql_models.load_models(self.name) if self.sql else ()

    def all_reads(self) -> set[str]:
        models = self.models()
        made = {model.name for model in models}
        return (set(self.reads) | {table for model in models for table in model.reads}) - made - {"meta.settings"}

    def all_settings(self) -> set[str]:
        return set(self.settings) | {name for model in self.models() for name in model.settings}


@dataclass(frozen=True)
class Provenance:
    """What a stage's output follows from; equal fingerprints mean equal output."""

    settings_hash: str
    sql_hash: str
    code_version: str
    inputs: dict[str, str]

    @property
    def fingerprint(self) -> str:
        return digest([self.settings_hash, self.sql_hash, self.code_version, self.inputs])


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


@cache
def code_version(modules: tuple[str, ...]) -> str:
    """Hash of the modules' texts: a changed method makes its results out of date."""
    texts = []
    for name in modules:
        origin = Path(importlib.util.find_spec(name).origin)
        files = sorted(origin.parent.glob("*.py")) if origin.name == "__init__.py" else [origin]
        texts += [file.read_text(encoding="utf-8") for file in files]
    return digest(texts)


def files_of(stage: str) -> str:
    """The name under which a stage's `reads` asks for the contents of another stage's files."""
    return f"files:{stage}"


def provenance(stage: Stage, settings: Settings, runs: dict[str, dict]) -> Provenance:
    """Where the stage's output would come from if it were made now."""
    # what the stage made itself, and its own SQL reads, is no input
    others = [run["outputs"] for name, run in runs.items() if name != stage.name]
    outputs = {table: mark for made in others for table, mark in made.items()}
    values = {name: getattr(settings, name) for name in sorted(stage.all_settings())}
    macros = [macro.text for macro in sql_models.load_macros()] if stage.sql else []
    return Provenance(
        settings_hash=digest({k: v if isinstance(v, str | float | int | None) else str(v) for k, v in values.items()}),
        sql_hash=digest([model.text for model in stage.models()] + macros),
        code_version=code_version(stage.code),
        inputs={table: outputs.get(table, "none") for table in sorted(stage.all_reads())},
    )


def is_up_to_date(stage: Stage, settings: Settings, runs: dict[str, dict]) -> bool:
    last = runs.get(stage.name)
    return last is not None and last["fingerprint"] == provenance(stage, settings, runs).fingerprint


def run_stage(stage: Stage, workspace: Workspace, progress: Progress = silent) -> float:
    """Compute the stage and publish it; returns the seconds that it took.

    Raises SwimmyError, and leaves the workspace as it was, where its tables are not as they must be.
    """
    started = datetime.now(UTC)
    clock = time.monotonic()
    settings = workspace.settings()
    staging = new_staging(workspace)
    staging.mkdir(parents=True)
    with open_catalog(workspace) as catalog:
        origin = provenance(stage, settings, last_runs(catalog))
        partial = workspace.folder / ".partial" / f"{stage.name}-{origin.fingerprint}"
        work = Work(workspace, settings, catalog, staging, partial, progress)
        if stage.compute is not None:
            stage.compute(work)
    with publish(workspace, stage.name, staging) as publication:
        publication.bands = settings.band_names
        make_tables(publication, stage, staging)
        record_rejects(publication, work.rejects)
        files = record_files(publication, stage.name, {**staged_files(staging), **work.kept_files})
        record_stage(publication, origin, started, time.monotonic() - clock, files)
    for folder in (work.partial, *work.done_with):
        shutil.rmtree(folder, ignore_errors=True)
    return time.monotonic() - clock


def make_tables(publication: Publication, stage: Stage, root: Path) -> None:
    """Make the stage's tables from its files under `root`, the staging folder or, to rebuild, the workspace."""
    if stage.load is not None:
        stage.load(publication, root)
    if stage.sql:
        publication.run_models(stage.name)


def record_stage(
    publication: Publication, origin: Provenance, started: datetime, seconds: float, files: Iterable[dict] = ()
) -> None:
    """Put the run into meta.stages, which holds the newest of each stage, and into the journal, which keeps all."""
    made = publication.fingerprints()
    rows_made = sum(int(mark.partition("-")[0]) for mark in made.values())
    contents = {row["path"]: row["sha256"] for row in files}
    if contents:
        made[files_of(publication.stage)] = digest(contents)
    row = {
        "stage": publication.stage,
        "started": started.replace(tzinfo=None),
        "finished": datetime.now(UTC).replace(tzinfo=None),
        "seconds": seconds,
        "fingerprint": origin.fingerprint,
        "settings_hash": origin.settings_hash,
        "sql_hash": origin.sql_hash,
        "code_version": origin.code_version,
        "inputs": json.dumps(origin.inputs, sort_keys=True),
        "outputs": json.dumps(made, sort_keys=True),
        "rows_made": rows_made,
        "status": "done",
    }
    rows = pa.Table.from_pylist([row], schema=load_contract("meta.stages").arrow_schema())
    append_journal(publication, "stage", rows)
    publication.connection.execute("delete from meta.stages where stage = ?", [publication.stage])
    insert(publication, "meta.stages", rows)


def record_rejects(publication: Publication, rejects: Iterable[dict]) -> None:
    """meta.rejects holds what the newest run of each stage left out; the journal keeps all of them."""
    schema = load_contract("meta.rejects").arrow_schema()
    rows = pa.Table.from_pylist([{"stage": publication.stage, **reject} for reject in rejects], schema=schema)
    publication.connection.execute("delete from meta.rejects where stage = ?", [publication.stage])
    append_journal(publication, "rejects", rows)
    insert(publication, "meta.rejects", rows)


def staged_files(staging: Path) -> dict[str, Path]:
    """Data files waiting to be published, by the path that they will have in the workspace."""
    return {
        path.relative_to(staging).as_posix(): path
        for path in sorted(staging.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.relative_to(staging).parts[0] not in (".tables",)
    }


def record_files(
    publication: Publication,
    source: str,
    files: dict[str, Path],
    each: Mapping[str, dict] | None = None,
    **about: object,
) -> list[dict]:
    """meta.files names every file of the workspace with its checksum: what `swimmy verify` compares.

    about: the same for all files; each: what is known of single ones (url, fetched_at), by their name in `files`.
    """
    each = each or {}
    rows = [
        {"path": name, "bytes": path.stat().st_size, "sha256": sha256_of(path), "source": source}
        | about
        | each.get(name, {})
        for name, path in files.items()
        if not name.startswith("journal/")
    ]
    publication.connection.execute("delete from meta.files where source = ?", [source])
    table = pa.Table.from_pylist(rows, schema=load_contract("meta.files").arrow_schema())
    append_journal(publication, "files", table)
    insert(publication, "meta.files", table)
    return rows


def insert(publication: Publication, table: str, rows: pa.Table) -> None:
    """Add rows through a Parquet file, as all data enters the database."""
    if not len(rows):
        return
    path = publication.staging / ".tables" / "insert.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)
    publication.connection.execute(f"insert into {table} by name select * from read_parquet(?)", [str(path)])
    path.unlink()
