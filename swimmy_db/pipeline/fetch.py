"""Archives over the network: into a folder that an interrupted fetch finds again, from where ingest takes the files."""

import contextlib
import fcntl
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from swimmy_db.catalog import open_catalog
from swimmy_db.config import Settings
from swimmy_db.errors import NotReady, SwimmyError, UsageError
from swimmy_db.pipeline.query import answer
from swimmy_db.pipeline.stage import Progress, silent
from swimmy_db.sources.archive import Source
from swimmy_db.sources.fetched_files import note_finished
from swimmy_db.sources.fetching import NETWORK, FetchedFile, FetchRequest, not_noted, options_of
from swimmy_db.sources.registry import SOURCES
from swimmy_db.workspace import Workspace, resolve


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought, and what the archive did not have.

    The files lie in `folder` until they are published; what else lies there was brought for another request.
    """

    name: str
    folder: Path
    files: list[FetchedFile]
    started: datetime
    seconds: float
    rejects: list[dict] = field(default_factory=list)

    def put_into(self, staging: Path) -> None:
        """Place the files below staging/downloads/<name>/: linked, so that a refusal later loses nothing."""
        for file in self.files:
            link_or_copy(file.path, self._place(staging, file))

    def about(self) -> dict[str, dict]:
        """What meta.files says of each file, by its path in the workspace."""
        return {
            self._place(Path(), file).as_posix(): {"url": file.url, "fetched_at": file.fetched_at.replace(tzinfo=None)}
            for file in self.files
        }

    def sha256s(self) -> dict[str, str]:
        """The checksum with which each file came, by its path in the workspace."""
        return {self._place(Path(), file).as_posix(): file.sha256 for file in self.files}

    def _place(self, root: Path, file: FetchedFile) -> Path:
        return root / "downloads" / self.name / file.path.relative_to(self.folder)


def archive_of(name: str) -> Source:
    """Raises UsageError for a name that the registry does not have."""
    if name not in SOURCES:
        raise UsageError(f"no archive named {name!r}; there are: demo, files, {', '.join(SOURCES)}")
    return SOURCES[name]


def fetch_archive(
    workspace: Workspace, name: str, given: Mapping[str, str], preset: str, progress: Progress = silent
) -> Fetched:
    """Bring the archive's files, going on where an earlier attempt stopped.

    Raises UsageError for an unknown option; FetchFailed, InputRefused as the archive's fetch does.
    """
    source = archive_of(name)
    if source.fetch is None:
        raise UsageError(f"{source.title} cannot be fetched: `swimmy ingest {name} --from FOLDER` takes its files")
    started, clock = datetime.now(UTC), time.monotonic()
    rejects: list[dict] = []

    def reject(reason: str, **where: object) -> None:
        rejects.append({"reason": reason, **where})

    request = request_for(workspace, name, given, preset, reject)
    folder = _folder(workspace, name)
    with _alone_in(folder):
        if source.accumulates:
            _bring_back(workspace, name, folder)
        files = source.fetch(folder, request, progress)
    return Fetched(name, folder, files, started, time.monotonic() - clock, rejects)


def plan_archives(workspace: Workspace, names: Sequence[str], given: Mapping[str, str], preset: str) -> list[str]:
    """What each archive would be asked for, in words, with its options; nobody is asked, nothing is written."""
    check_options(names, given)
    plans = []
    for name in names:
        source = archive_of(name)
        request = request_for(workspace, name, given, preset)
        plan = "cannot be fetched" if source.plan is None else source.plan(request)
        options = [
            f"--option {shlex.quote(f'{name}.{key}={value}')}"
            for key, value in request.options.items()
            if not key.startswith(f"{NETWORK}.")
        ]
        plans.append("\n  ".join([f"{name}: {source.title}", *plan.splitlines(), *options]))
    return plans


def check_options(names: Sequence[str], given: Mapping[str, str]) -> None:
    """Raises UsageError for an archive or option that there is not, before anything is fetched."""
    for name in names:
        archive_of(name)
        options_of(name, given)
    for key in given:
        archive, dot, _ = key.partition(".")
        if not dot and len(names) > 1:
            raise UsageError(f"option {key}: say of which archive, as in {names[0]}.{key}")
        if dot and archive not in (*names, NETWORK):
            raise UsageError(f"option {key}: {archive} is not among the archives asked for: {', '.join(names)}")


def discard(workspace: Workspace, name: str) -> None:
    """Remove what fetches of the archive left, once its files are published."""
    shutil.rmtree(_folder(workspace, name), ignore_errors=True)


def request_for(
    workspace: Workspace,
    name: str,
    given: Mapping[str, str],
    preset: str,
    reject: Callable[..., None] = not_noted,
) -> FetchRequest:
    """The archive's options, and the settings of the workspace, or of the preset where it is new."""

    def ask_survey(query: str) -> list[tuple]:
        with contextlib.suppress(NotReady), open_catalog(workspace) as catalog:
            return [tuple(row.values()) for row in answer(catalog, query) or []]
        return []

    is_first = not workspace.settings_file.exists()
    return FetchRequest(settings_of(workspace, preset), options_of(name, given), reject, ask_survey, is_first)


def settings_of(workspace: Workspace, preset: str) -> Settings:
    return workspace.settings() if workspace.settings_file.exists() else resolve({"preset": preset}, f"preset {preset}")


def _folder(workspace: Workspace, name: str) -> Path:
    """One for each archive. Whether what lies there is what is asked for now, each fetch knows by address or query."""
    return workspace.folder / ".partial" / f"fetch-{name}"


def _bring_back(workspace: Workspace, name: str, folder: Path) -> None:
    """Link published files into the folder as if they had just come, so that they are not asked for again."""
    if not workspace.database.exists():
        return
    with open_catalog(workspace) as catalog:
        published = catalog.rows(
            "select path, url, fetched_at, sha256 from meta.files where source = ? and url is not null",
            [f"ingest-{name}"],
        )
    for path, url, fetched_at, sha256 in published:
        source, target = workspace.folder / path, folder / Path(path).name
        if source.is_file() and not target.exists():
            link_or_copy(source, target)
            note_finished(target, url, sha256, fetched_at.replace(tzinfo=UTC))


def link_or_copy(source: Path, target: Path) -> None:
    """Place a file without copying its bytes where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SwimmyError(f"another swimmy is fetching into {folder}") from None
        yield
