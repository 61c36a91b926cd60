"""Files that a fetch has brought: which are whole, so that a restarted one does not ask for them again."""

import errno
import hashlib
import json
import os
import shutil
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from swimmy_db.errors import FetchFailed
from swimmy_db.sources.fetching import FetchedFile

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def finished(folder: Path, name: str) -> FetchedFile | None:
    """The file as an earlier attempt brought it whole, or None."""
    path, note = folder / name, folder / f".{name}.done.json"
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        if path.stat().st_size != known["bytes"]:
            return None
    except (OSError, ValueError):
        return None
    return FetchedFile(path, known["url"], datetime.fromisoformat(known["fetched_at"]), known["bytes"], known["sha256"])


def note_finished(path: Path, url: str, sha256: str | None = None, when: datetime | None = None) -> FetchedFile:
    """Record that the file is whole, so that a restarted fetch takes it as it is; when: it came, now unless given."""
    if sha256 is None:
        with open(path, "rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    fetched = FetchedFile(path, url, when or datetime.now(UTC), path.stat().st_size, sha256)
    row = asdict(replace(fetched, path=path.name)) | {"fetched_at": fetched.fetched_at.isoformat()}
    write_note(path.with_name(f".{path.name}.done.json"), row)
    return fetched


def write_note(path: Path, content: dict) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    os.replace(temporary, path)


def full_disk(fault: OSError, path: Path, needed: int | None = None) -> FetchFailed | None:
    """What to say where writing failed for want of space; None for another fault."""
    if fault.errno not in _NO_SPACE:
        return None
    free = shutil.disk_usage(path.parent).free
    more = "" if needed is None else f", {needed:,} more are needed"
    held = path.stat().st_size if path.exists() else 0
    return FetchFailed(
        f"{path}: no space left on the disk ({os.strerror(fault.errno)}; {free:,} bytes free{more}); the {held:,} "
        "bytes that came are kept: make room and run the same command again to go on"
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises FetchFailed where the disk is full."""
    temporary = path.with_name(f".{path.name.lstrip('.')}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as fault:
        raise full_disk(fault, temporary, len(content)) or fault from None
