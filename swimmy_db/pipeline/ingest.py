"""Bring catalogues into the workspace: native files go to downloads/ as they are, and become raw.* tables."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from swimmy_db.catalog import Publication, last_runs, new_staging, open_catalog, publish
from swimmy_db.errors import InputRefused, UsageError
from swimmy_db.pipeline.arrivals import OWN, SIMULATED, arrival
from swimmy_db.pipeline.setup import claim_workspace, publish_settings
from swimmy_db.pipeline.stage import (
    Progress,
    Provenance,
    code_version,
    digest,
    record_files,
    record_rejects,
    record_stage,
    silent,
    staged_files,
)
from swimmy_db.publishing import replace_folder
from swimmy_db.sources.registry import SOURCES
from swimmy_db.workspace import Workspace, default_settings, resolve, settings_document

READERS = ("swimmy_db.sources", "swimmy_db.contracts")


def ingest_archives(
    workspace: Workspace, names: Sequence[str], folder: Path, preset: str = "paper", progress: Progress = silent
) -> dict[str, int]:
    """Ingest archives' files from `folder`/<name>/, or from `folder` itself where it has no such folder.

    Returns rows by table. Raises InputRefused, and leaves the workspace as it was, where a file is not what its
    contract says; UsageError for an archive that is not in the registry.
    """
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        raise UsageError(f"no archive named {unknown[0]!r}; there are: demo, files, {', '.join(SOURCES)}")
    staging = new_staging(workspace)
    for name in names:
        origin = folder / name if (folder / name).is_dir() else folder
        if not origin.is_dir():
            raise InputRefused(f"{origin}: expected a folder with the files of {SOURCES[name].title}, found none")
        patterns = [kind.pattern for kind in SOURCES[name].files.values()] + list(SOURCES[name].kept)
        copy_files(origin, {file for pattern in patterns for file in origin.glob(pattern)}, staging, name)
    return ingest_staged(workspace, staging, names, {"preset": preset}, simulated=False, progress=progress)


def ingest_demo(workspace: Workspace, options: Mapping[str, object], progress: Progress = silent) -> dict[str, int]:
    """Make the embedded survey's native files and ingest them; {} where the very same survey is there already."""
    from swimmy_db.sources.simulated.options import SurveyOptions
    from swimmy_db.sources.simulated.survey import simulate

    survey = SurveyOptions(**options)
    mark = digest([survey.model_dump(), code_version(("swimmy_db.sources.simulated", *READERS))])
    if workspace.database.exists():
        with open_catalog(workspace) as catalog:
            last = last_runs(catalog).get(f"ingest-{SIMULATED}")
            if last is not None and last["settings_hash"] == mark:
                return {}
    staging = new_staging(workspace)
    try:
        simulate(staging / "downloads", survey, progress)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    names = [*(name for name in SOURCES if (staging / "downloads" / name).is_dir()), SIMULATED]
    return ingest_staged(workspace, staging, names, {"preset": "demo"}, simulated=True, mark=mark)


def ingest_own(workspace: Workspace, survey_file: Path, progress: Progress = silent) -> dict[str, int]:
    """Ingest a survey of one's own, described by a survey.toml (README, "Your own survey")."""
    from swimmy_db.sources.own_survey import own_settings, read_survey, survey_files

    survey = read_survey(survey_file)
    staging = new_staging(workspace)
    copy_files(survey_file.resolve().parent, survey_files(survey), staging, OWN)
    if survey_file.name != "survey.toml":
        (staging / "downloads" / OWN / survey_file.name).rename(staging / "downloads" / OWN / "survey.toml")
    return ingest_staged(workspace, staging, [OWN], own_settings(survey), simulated=False, progress=progress)


def copy_files(origin: Path, files: set[Path], staging: Path, name: str) -> None:
    for file in sorted(files):
        target = staging / "downloads" / name / file.resolve().relative_to(origin.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)


def ingest_staged(
    workspace: Workspace,
    staging: Path,
    names: Sequence[str],
    first_settings: dict,
    simulated: bool,
    mark: str | None = None,
    progress: Progress = silent,
) -> dict[str, int]:
    """Read and check the native files staged under downloads/, then publish them and their tables at once."""
    started = datetime.now(UTC)
    try:
        values = workspace.setting_values() if workspace.settings_file.exists() else first_settings
        settings = resolve(values, str(workspace.settings_file))
        parquet = {}
        for done, name in enumerate(names):
            progress(done, len(names))
            out = staging / ".tables" / name
            parquet[name] = arrival(name).read(staging / "downloads" / name, settings, out)
        with publish(workspace, "ingest", staging) as publication:
            publication.bands = settings.band_names
            claim_workspace(publication, settings, simulated)
            if not workspace.settings_file.exists():
                (staging / "settings.toml").write_text(settings_document(values), encoding="utf-8")
                publish_settings(publication, settings, default_settings(settings))
            made = []
            counts = {}
            for name in names:
                counts |= publish_arrival(publication, name, parquet[name], started, mark)
                made += publication.made
            publication.made = made
        return counts
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def publish_arrival(
    publication: Publication, name: str, parquet: dict[str, list[Path]], started: datetime, mark: str | None
) -> dict[str, int]:
    """Load one archive's tables and note its files; returns rows by table."""
    source = arrival(name)
    publication.stage = f"ingest-{name}"
    publication.made = []
    if name == SIMULATED:
        publication.connection.execute("create schema if not exists truth")
    counts = {}
    for table in source.tables:
        publication.load(table, parquet.get(table, []))
        counts[table] = publication.connection.execute(f"select count(*) from {table}").fetchone()[0]
    folder = publication.staging / "downloads" / name
    replace_folder(folder)
    files = {f"downloads/{name}/{key}": path for key, path in staged_files(folder).items()}
    fetched = started.replace(tzinfo=None)
    recorded = record_files(
        publication, publication.stage, files, fetched_at=fetched, acknowledgement=source.acknowledgement or None
    )
    record_rejects(publication, [])
    seconds = (datetime.now(UTC) - started).total_seconds()
    contents = digest({row["path"]: row["sha256"] for row in recorded})
    origin = Provenance(mark or contents, "", code_version(READERS), {})
    record_stage(publication, origin, started, seconds, recorded)
    return counts
