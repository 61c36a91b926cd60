"""Stamps that arrive over hours, kept piece by piece so that a killed run finds again what it had.

Pieces are Parquet files as in stamps/, each whole or not there; what was refused stands beside them. When all have
come, the spool gives the stamps back in a fixed order, so that the final parts do not depend on how they came.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.cubes.cutouts import Stamp
from swimmy_db.cubes.stamps import stamps_of, write_part
from swimmy_db.errors import SwimmyError

PIECE_STAMPS = 128
PIECE_SECONDS = 30.0
OPEN_PIECES = 16  # held while reading; a piece is about 5 MB
REFUSED = "refused.jsonl"


class StampSpool:
    """A folder of pieces. `stored`: (object_id, band) -> place. `refused`: (object_id, band) -> what was noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.stored: dict[tuple[int, str], tuple[int, str, int]] = {}
        self.refused: dict[tuple[int, str], dict] = {}
        self._waiting: dict[object, list[Stamp]] = defaultdict(list)
        self._since = time.monotonic()
        self._next = 0
        for path in sorted(folder.glob("piece-*.parquet")):
            self._next = max(self._next, int(path.stem.partition("-")[2]) + 1)
            try:
                whole = pq.read_table(path, page_checksum_verification=True)
            except (OSError, pa.ArrowInvalid):
                path.unlink()  # damaged: its stamps are fetched again
                continue
            keys = (whole[name].to_pylist() for name in ("object_id", "band", "tract"))
            self._note(path.name, zip(*keys, strict=True))
        self._read_refused()

    def add(self, stamp: Stamp, group: object = None) -> None:
        """Keep a stamp; those of one group lie together. The first one of an object and band counts."""
        if (stamp.object_id, stamp.band) in self.stored:
            return
        self._waiting[group].append(stamp)
        if len(self._waiting[group]) >= PIECE_STAMPS:
            self._write(group)
        elif time.monotonic() - self._since > PIECE_SECONDS:
            self.flush()

    def refuse(self, object_id: int, band: str, note: dict) -> None:
        """Keep that there is no stamp, and what is to be said of it."""
        self.refused[object_id, band] = note
        with self._saying("refused.jsonl"), open(self.folder / REFUSED, "a", encoding="utf-8") as stream:
            stream.write(json.dumps({"object_id": object_id, "band": band, "note": note}) + "\n")

    def flush(self) -> None:
        """Put everything that waits on disk."""
        for group in list(self._waiting):
            self._write(group)
        self._since = time.monotonic()

    def stamps(self) -> Iterator[Stamp]:
        """All stamps by band, tract and object; memory holds a few pieces."""
        self.flush()

        @lru_cache(maxsize=OPEN_PIECES)
        def piece(name: str) -> list[Stamp]:
            return stamps_of(pq.read_table(self.folder / name))

        ordered = sorted((band, tract, object_id) for (object_id, band), (tract, _, _) in self.stored.items())
        for band, _, object_id in ordered:
            _, name, row = self.stored[object_id, band]
            yield piece(name)[row]

    def _write(self, group: object) -> None:
        stamps = self._waiting.pop(group)
        name = f"piece-{self._next:06d}.parquet"
        temporary = self.folder / f".{name}.tmp"
        try:
            with self._saying(name):
                # not synced, which would wait for the disk each time: what a power cut spoils is found by checksum
                write_part(stamps, temporary, name, checksums=True)
                os.replace(temporary, self.folder / name)
        except SwimmyError:
            temporary.unlink(missing_ok=True)
            raise
        self._next += 1
        self._note(name, ((stamp.object_id, stamp.band, stamp.tract) for stamp in stamps))

    def _note(self, name: str, keys: Iterator[tuple[int, str, int]]) -> None:
        for row, (object_id, band, tract) in enumerate(keys):
            self.stored.setdefault((object_id, band), (tract, name, row))

    def _read_refused(self) -> None:
        path = self.folder / REFUSED
        if not path.is_file():
            return
        text = path.read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            with open(path, "a", encoding="utf-8") as stream:
                stream.write("\n")
        for line in text.splitlines():
            try:
                found = json.loads(line)
                self.refused[found["object_id"], found["band"]] = found["note"]
            except (json.JSONDecodeError, KeyError):
                continue  # a kill in the middle of a line: it is asked for again

    def _saying(self, name: str) -> "_DiskFault":
        return _DiskFault(self.folder / name)


class _DiskFault:
    """Turns a full or broken disk into a message that names the file and what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, fault: BaseException | None, _where: object) -> None:
        if isinstance(fault, OSError):
            raise SwimmyError(
                f"{self.path}: {os.strerror(fault.errno) if fault.errno else fault}. What has arrived is kept: make "
                "room, then the same command goes on"
            ) from None
