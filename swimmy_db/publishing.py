"""Publish a stage's output: files and database together, all or nothing, without ever blocking a reader.

The files wait in a staging folder and the database is a copy (`swimmy.next.duckdb`). When both are complete and
on disk, a manifest of the renames is written; from then on the publication is done, because whoever comes next
finishes a manifest that it finds. A kill before the manifest leaves the old state, one after it the new.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from swimmy_db.errors import SwimmyError
from swimmy_db.workspace import Workspace

STAGING = ".staging"
MANIFEST = ".publish.json"
LOCK = ".lock"
NEXT_DATABASE = "swimmy.next.duckdb"


@contextlib.contextmanager
def lock(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace's one lock file; finish a publication that a kill interrupted.

    Raises SwimmyError, naming the process, if another one holds it.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    with open(workspace.folder / LOCK, "a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise SwimmyError(
                f"another swimmy (process {handle.read().strip() or 'unknown'}) is writing to {workspace.folder}; "
                "reading is possible meanwhile (`swimmy sql`, `swimmy status`)"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        finish_interrupted(workspace)
        yield


def finish_interrupted(workspace: Workspace) -> bool:
    """Carry out the renames of a manifest that a kill left behind; clear what never got one."""
    manifest = workspace.folder / MANIFEST
    if manifest.exists():
        _carry_out(workspace, json.loads(manifest.read_text(encoding="utf-8")))
        return True
    (workspace.folder / NEXT_DATABASE).unlink(missing_ok=True)
    (workspace.folder / f"{NEXT_DATABASE}.wal").unlink(missing_ok=True)
    return False


def commit(workspace: Workspace, staging: Path | None) -> None:
    """Put the staged files and the next database in place. The staging folder mirrors the workspace.

    A file replaces the file of its name. A folder that holds a `.replace` marker replaces the folder of its name
    whole, so that parts of an older, larger output do not linger.
    """
    renames: list[str] = []
    if staging is not None and staging.exists():
        for path in _units(staging):
            renames.append(path.relative_to(staging).as_posix())
        _sync_tree(staging)
    _sync(workspace.folder / NEXT_DATABASE)
    manifest = {"staging": None if staging is None else workspace.relative(staging), "renames": renames}
    temporary = workspace.folder / f"{MANIFEST}.tmp"
    temporary.write_text(json.dumps(manifest), encoding="utf-8")
    _sync(temporary)
    os.replace(temporary, workspace.folder / MANIFEST)
    _sync(workspace.folder)
    _carry_out(workspace, manifest)


def replace_folder(folder: Path) -> None:
    """Mark a staged folder: it replaces the published folder of its name whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".replace").touch()


def _units(staging: Path) -> Iterator[Path]:
    for entry in sorted(staging.iterdir()):
        if entry.is_dir() and not (entry / ".replace").exists():
            yield from _units(entry)
        else:
            yield entry


def _carry_out(workspace: Workspace, manifest: dict) -> None:
    """Every step may have been done already by the process that was killed."""
    if manifest["staging"] is not None:
        staging = workspace.folder / manifest["staging"]
        for name in manifest["renames"]:
            source, target = staging / name, workspace.folder / name
            if not source.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir() and target.exists():
                shutil.rmtree(target)
            os.replace(source, target)
            (target / ".replace").unlink(missing_ok=True) if target.is_dir() else None
            _sync(target.parent)
    if (workspace.folder / NEXT_DATABASE).exists():
        os.replace(workspace.folder / NEXT_DATABASE, workspace.database)
    _sync(workspace.folder)
    if manifest["staging"] is not None:
        shutil.rmtree(workspace.folder / manifest["staging"], ignore_errors=True)
    (workspace.folder / MANIFEST).unlink(missing_ok=True)
    _sync(workspace.folder)


def _sync_tree(folder: Path) -> None:
    for root, _, files in os.walk(folder):
        for name in files:
            _sync(Path(root) / name)
        _sync(Path(root))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
