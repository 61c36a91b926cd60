"""`swimmy status`: what the workspace holds, which stages are up to date, and why others are not."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from swimmy_db.catalog import Catalog, last_runs, open_catalog
from swimmy_db.config import Settings, setting_rows
from swimmy_db.pipeline.query import answer
from swimmy_db.pipeline.runner import STAGES
from swimmy_db.pipeline.setup import STAGE as SETTINGS_STAGE
from swimmy_db.pipeline.stage import Stage, provenance
from swimmy_db.workspace import Workspace, default_settings

UP_TO_DATE = "up to date"
OUT_OF_DATE = "out of date"
NEVER_RUN = "never run"


@dataclass(frozen=True)
class StageState:
    """One stage: when it last ran, how long it took, what it made, and what has changed since."""

    stage: str
    state: str
    why: tuple[str, ...] = ()
    finished: datetime | None = None
    seconds: float | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Status:
    """What a workspace holds. tables, files and rejects are rows of the queries of that name in sql/queries."""

    folder: str
    survey: str
    release: str
    is_simulated: bool
    stages: list[StageState]
    tables: list[dict[str, Any]]
    files: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    database_bytes: int
    changed_settings: list[str] = field(default_factory=list)


def status(workspace: Workspace) -> Status:
    """Look at the workspace. Raises NotReady where there is no survey."""
    with open_catalog(workspace) as catalog:
        settings = workspace.settings()
        survey, release, simulated = catalog.rows("select survey, release, is_simulated from meta.workspace")[0]
        return Status(
            folder=str(workspace.folder),
            survey=survey,
            release=release,
            is_simulated=simulated,
            stages=stage_states(settings, last_runs(catalog)),
            tables=answer(catalog, "status_tables"),
            files=answer(catalog, "status_files"),
            rejects=answer(catalog, "status_rejects"),
            database_bytes=workspace.database.stat().st_size,
            changed_settings=changed_settings(catalog, settings),
        )


def stage_states(settings: Settings, runs: dict[str, dict]) -> list[StageState]:
    """Archives and settings as they were taken in, then every stage of the pipeline in order."""
    names = [stage.name for stage in STAGES]
    states = [
        StageState(name, "taken in", (), run["finished"], run["seconds"], run["rows_made"])
        for name, run in runs.items()
        if name not in names and name != SETTINGS_STAGE
    ]
    stale: list[str] = []
    for stage in STAGES:
        run = runs.get(stage.name)
        if run is None:
            states.append(StageState(stage.name, NEVER_RUN))
            stale.append(stage.name)
            continue
        why = what_changed(stage, settings, runs)
        state = OUT_OF_DATE if why else UP_TO_DATE
        if not why and (before := stages_read(stage, runs) & set(stale)):
            # it runs again only if theirs comes out otherwise: equal tables have equal fingerprints
            why = (f"unless {' or '.join(sorted(before))} gives another result",)
        elif why:
            stale.append(stage.name)
        states.append(StageState(stage.name, state, why, run["finished"], run["seconds"], run["rows_made"]))
    return states


def what_changed(stage: Stage, settings: Settings, runs: dict[str, dict]) -> tuple[str, ...]:
    """What differs between the stage's last run and one made now: settings, SQL, code, and each table by name."""
    last, now = runs[stage.name], provenance(stage, settings, runs)
    why = []
    if last["settings_hash"] != now.settings_hash:
        why.append("a setting that it reads")
    if last["sql_hash"] != now.sql_hash:
        why.append("its SQL")
    if last["code_version"] != now.code_version:
        why.append("its code")
    tables = sorted(last["inputs"].keys() | now.inputs.keys())
    why += [table for table in tables if last["inputs"].get(table) != now.inputs.get(table)]
    return tuple(why)


def stages_read(stage: Stage, runs: dict[str, dict]) -> set[str]:
    """The stages whose tables or files the stage reads, as they last ran."""
    return {name for name, run in runs.items() if name != stage.name and run["outputs"].keys() & stage.all_reads()}


def changed_settings(catalog: Catalog, settings: Settings) -> list[str]:
    """Settings of settings.toml that the tables do not know yet: `name: old -> new`."""
    known = {name: (value, text) for name, value, text in catalog.rows("select name, value, text from meta.settings")}
    changes = []
    for row in setting_rows(settings, default_settings(settings)):
        old = known.get(row["name"], (None, None))
        if old != (row["value"], row["text"]):
            before, after = (_shown(*pair) for pair in (old, (row["value"], row["text"])))
            changes.append(f"{row['name']}: {before} -> {after}")
    return changes


def _shown(value: float | None, text: str | None) -> str:
    return text if text is not None else "not applied" if value is None else f"{value:g}"
