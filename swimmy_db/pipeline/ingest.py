"""Bring catalogues into the workspace: native files go to downloads/ as they are, and become raw.* tables."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from swimmy_db.catalog import Publication, last_runs, new_staging, open_catalog, publish
from swimmy_db.config import Settings
from swimmy_db.errors import InputRefused, SwimmyError
from swimmy_db.pipeline.arrivals import OWN, SIMULATED, arrival
from swimmy_db.pipeline.fetch import Fetched, archive_of, check_options, discard, fetch_archive, link_or_copy
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
from swimmy_db.sources.fetching import defaults, options_of
from swimmy_db.sources.registry import SOURCES
from swimmy_db.workspace import Workspace, default_settings, resolve, settings_document

READERS = ("swimmy_db.sources", "swimmy_db.contracts")


@contextmanager
def no_bars(title: str, counts_bytes: bool) -> Iterator[Progress]:
    """Show nothing."""
    yield silent


Bars = Callable[[str, bool], AbstractContextManager[Progress]]


def ingest_archives(
    workspace: Workspace, names: Sequence[str], folder: Path, preset: str = "paper", progress: Progress = silent
) -> dict[str, int]:
    """Ingest archives' files from `folder`/<name>/, or from `folder` itself where it has no such folder.

    Returns rows by table. Raises InputRefused, and leaves the workspace as it was, where a file is not what its
    contract says; UsageError for an archive that is not in the registry.
    """
    names = list(dict.fromkeys(names))
    sources = [archive_of(name) for name in names]
    staging = new_staging(workspace)
    for source in sources:
        origin = folder / source.name if (folder / source.name).is_dir() else folder
        if not origin.is_dir():
            raise InputRefused(f"{origin}: expected a folder with the files of {source.title}, found none")
        copy_files(origin, set(source.find(origin)), staging, source.name)
    return ingest_staged(workspace, staging, names, {"preset": preset}, simulated=False, progress=progress)


def ingest_fetched(
    workspace: Workspace, names: Sequence[str], options: Mapping[str, str], preset: str = "paper", bars: Bars = no_bars
) -> dict[str, int]:
    """Fetch archives over the network, then ingest what came as if it had been brought by hand; rows by table.

    options: NAME or ARCHIVE.NAME, as in sources/archives.toml. What was fetched stays in the workspace until its
    tables are published, and a failed or killed run finds it again. bars(title, counts bytes) shows progress.
    Raises FetchFailed where an archive does not serve; otherwise as `ingest_archives`.
    """
    names = list(dict.fromkeys(names))
    check_options(names, options)
    refuse_simulated(workspace)
    fetched = []
    for name in names:
        with bars(f"fetch {name}", archive_of(name).counts_bytes) as progress:
            fetched.append(fetch_archive(workspace, name, options, preset, progress))
    staging = new_staging(workspace)
    try:
        for arrived in fetched:
            arrived.put_into(staging)
            keep_beside(workspace, arrived.name, staging)
        with bars(f"ingest {' '.join(names)}", False) as progress:
            counts = ingest_staged(
                workspace,
                staging,
                names,
                settings_to_begin_with(names, options, preset),
                simulated=False,
                progress=progress,
                fetched={arrived.name: arrived for arrived in fetched},
            )
    except InputRefused as refused:
        kept = ", ".join(str(arrived.folder) for arrived in fetched)
        raise InputRefused(
            f"{refused}\n(the fetched files are in {kept}; remove them to have them fetched anew)"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for name in names:
        discard(workspace, name)
    return counts


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
    fetched: Mapping[str, Fetched] | None = None,
) -> dict[str, int]:
    """Read and check the native files staged under downloads/, then publish them and their tables at once."""
    fetched = fetched or {}
    try:
        values = workspace.setting_values() if workspace.settings_file.exists() else first_settings
        settings = resolve(values, str(workspace.settings_file))
        read = []
        for done, name in enumerate(names):
            progress(done, len(names))
            started, clock = datetime.now(UTC), time.monotonic()
            parquet = arrival(name).read(staging / "downloads" / name, settings, staging / ".tables" / name)
            before = fetched[name].seconds if name in fetched else 0.0
            started = fetched[name].started if name in fetched else started
            read.append(Read(name, parquet, started, before + time.monotonic() - clock, fetched.get(name)))
        with publish(workspace, "ingest", staging) as publication:
            publication.bands = settings.band_names
            claim_workspace(publication, settings, simulated)
            if not workspace.settings_file.exists():
                (staging / "settings.toml").write_text(settings_document(values), encoding="utf-8")
                publish_settings(publication, settings, default_settings(settings))
            made = []
            counts = {}
            for arrived in read:
                counts |= publish_arrival(publication, arrived, mark)
                made += publication.made
            publication.made = made
        return counts
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@dataclass(frozen=True)
class Read:
    """An archive's files as Parquet under contract, and the seconds that this one took so far."""

    name: str
    parquet: dict[str, list[Path]]
    started: datetime
    seconds: float
    fetched: Fetched | None = None


def publish_arrival(publication: Publication, read: Read, mark: str | None) -> dict[str, int]:
    """Load one archive's tables and note its files; returns rows by table."""
    clock = time.monotonic()
    name, source = read.name, arrival(read.name)
    publication.stage = f"ingest-{name}"
    publication.made = []
    if name == SIMULATED:
        publication.connection.execute("create schema if not exists truth")
    counts = {}
    for table in source.tables:
        publication.load(table, read.parquet.get(table, []))
        counts[table] = publication.connection.execute(f"select count(*) from {table}").fetchone()[0]
    folder = publication.staging / "downloads" / name
    replace_folder(folder)
    files = {f"downloads/{name}/{key}": path for key, path in staged_files(folder).items()}
    recorded = record_files(
        publication,
        publication.stage,
        files,
        each=read.fetched.about() if read.fetched else None,
        fetched_at=read.started.replace(tzinfo=None),
        acknowledgement=source.acknowledgement or None,
    )
    if read.fetched:
        require_as_fetched(recorded, read.fetched)
    record_rejects(publication, read.fetched.rejects if read.fetched else [])
    contents = digest({row["path"]: row["sha256"] for row in recorded})
    origin = Provenance(mark or contents, "", code_version(READERS), {})
    record_stage(publication, origin, read.started, read.seconds + time.monotonic() - clock, recorded)
    return counts


def settings_to_begin_with(names: Sequence[str], options: Mapping[str, str], preset: str) -> dict:
    """A new workspace's settings: the preset, and those that the fetch was told (HSC's options are settings).

    So `swimmy ingest hsc --option release=pdr2_wide` makes a workspace of that release, whose cutouts come from there.
    """
    told = {
        key: value
        for name in names
        if name not in defaults()
        for key, value in options_of(name, options).items()
        if key in Settings.model_fields
    }
    settings = resolve({"preset": preset, **told}, "options of the fetch")
    return {"preset": preset} | {key: getattr(settings, key) for key in told}


def keep_beside(workspace: Workspace, name: str, staging: Path) -> None:
    """Files that an archive keeps beside its tables (HSC's cutouts) stay when only the tables are fetched anew."""
    published = workspace.downloads / name
    for pattern in archive_of(name).kept:
        for file in published.glob(pattern):
            target = staging / "downloads" / name / file.relative_to(published)
            if not target.exists():
                link_or_copy(file, target)


def require_as_fetched(recorded: Sequence[dict], fetched: Fetched) -> None:
    """Raises InputRefused for a file that is not, byte for byte, what came over the network."""
    expected = fetched.sha256s()
    for row in recorded:
        came = expected.get(row["path"], row["sha256"])
        if came != row["sha256"]:
            raise InputRefused(f"{row['path']}: expected sha256 {came}, as it was fetched, found {row['sha256']}")


def refuse_simulated(workspace: Workspace) -> None:
    """Raises SwimmyError where real catalogues would come into an embedded survey, before anything is fetched."""
    if not workspace.database.exists():
        return
    with open_catalog(workspace) as catalog:
        if catalog.value("select is_simulated from meta.workspace"):
            raise SwimmyError(
                f"{workspace.folder} holds a simulated survey; real archives need a workspace of their own "
                "(--workspace FOLDER)"
            )
