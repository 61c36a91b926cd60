"""`swimmy rebuild`: swimmy.duckdb again, from the files and the journal alone."""

import json
from dataclasses import dataclass

import pyarrow.parquet as pq

from swimmy_db.catalog import Publication, create_schemas, new_staging, publish
from swimmy_db.errors import NotReady, SwimmyError
from swimmy_db.pipeline.arrivals import SIMULATED, arrival
from swimmy_db.pipeline.journal import TABLES, newest_entries
from swimmy_db.pipeline.runner import STAGES
from swimmy_db.pipeline.setup import load_settings
from swimmy_db.pipeline.stage import Progress, make_tables, silent
from swimmy_db.workspace import Workspace, default_settings

INGEST = "ingest-"


@dataclass(frozen=True)
class Rebuilt:
    """What came back: content of every table, and those whose content is not what its stage had published."""

    fingerprints: dict[str, str]
    differing: dict[str, tuple[str, str]]


def rebuild(workspace: Workspace, progress: Progress = silent) -> Rebuilt:
    """Make the database again from downloads/, stamps/, cubes/, checkpoints/, scores/, journal/ and settings.toml.

    The old one, if there is one, is replaced only when the new one is complete and passes all checks. SQL runs as it
    is now, with the settings of now: tables that come out otherwise than they were published are reported.

    Raises NotReady where nothing was ever ingested; SwimmyError where a file is missing or not as it must be.
    """
    journal = newest_entries(workspace)
    if not workspace.settings_file.exists() or not journal["workspace"]:
        workspace.require_survey()
        raise NotReady(f"{workspace.folder} has no settings.toml or no journal; there is nothing to rebuild from")
    settings = workspace.settings()
    archives = [stage.removeprefix(INGEST) for stage in journal["stage"] if stage.startswith(INGEST)]
    stages = [stage for stage in STAGES if stage.name in journal["stage"]]
    total = len(archives) + len(stages)
    with publish(workspace, "rebuild", new_staging(workspace), fresh=True) as publication:
        publication.bands = settings.band_names
        create_schemas(publication)
        load_settings(publication, settings, default_settings(settings))
        for done, name in enumerate(archives):
            progress(done, total)
            load_arrival(publication, name, settings)
        for done, stage in enumerate(stages, start=len(archives)):
            progress(done, total)
            make_tables(publication, stage, workspace.folder)
        for kind, table in TABLES.items():
            publication.load(table, journal[kind].values())
        progress(total, total)
        fingerprints = publication.fingerprints()
    recorded = recorded_outputs(journal["stage"].values())
    differing = {
        table: (mark, fingerprints.get(table, "absent"))
        for table, mark in recorded.items()
        if fingerprints.get(table) != mark
    }
    return Rebuilt(fingerprints, differing)


def load_arrival(publication: Publication, name: str, settings) -> None:
    """Read downloads/<name> again, under its contract."""
    source = arrival(name)
    folder = publication.workspace.downloads / name
    if not folder.is_dir():
        raise SwimmyError(f"{folder} is missing; `swimmy ingest {name}` brings it again")
    if name == SIMULATED:
        publication.connection.execute("create schema if not exists truth")
    parquet = source.read(folder, settings, publication.staging / ".tables" / name)
    for table in source.tables:
        publication.load(table, parquet.get(table, []))


def recorded_outputs(journal_files) -> dict[str, str]:
    """Fingerprint of each table as its stage published it, from the journal."""
    outputs = {}
    for path in journal_files:
        for row in pq.read_table(path).to_pylist():
            outputs |= json.loads(row["outputs"])
    return {table: mark for table, mark in outputs.items() if not table.startswith("files:")}
