"""What an archive is to swimmy: its files, how they are read, how they are fetched, whom to thank."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress

Fetch = Callable[[Path, FetchRequest, Progress], list[FetchedFile]]
Plan = Callable[[FetchRequest], str]


@dataclass(frozen=True)
class FileKind:
    """Files of one kind: the table that they fill, their globs in downloads/<source>/, and their reader.

    `read(path)` yields tables of at most 100 000 rows with native names, before the contract is applied. `settings`
    names the settings that the reader takes, as {its keyword: setting}.
    """

    table: str
    patterns: tuple[str, ...]
    read: Callable[..., Iterator[pa.Table]]
    required: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    def find(self, folder: Path) -> list[Path]:
        """The files of this kind in the folder, by name."""
        return sorted({path for pattern in self.patterns for path in folder.glob(pattern)})


@dataclass(frozen=True)
class Source:
    """An archive: its files, those kept beside the tables (`kept`, globs), and how to acknowledge it.

    `fetch(folder, request, progress)` brings the files from the network into the folder, under names that the
    patterns match, going on with what an interrupted fetch left there; `plan(request)` says what it would ask for,
    without asking. `counts_bytes`: whether its progress is in bytes. `accumulates`: whether files that were published
    are taken again where the same address is asked for, because the archive never changes them.
    """

    name: str
    title: str
    files: dict[str, FileKind]
    acknowledgement: str
    kept: tuple[str, ...] = ()
    fetch: Fetch | None = None
    plan: Plan | None = None
    counts_bytes: bool = True
    accumulates: bool = False

    def find(self, folder: Path) -> list[Path]:
        """Every file of the archive that there is in the folder."""
        found = {path for kind in self.files.values() for path in kind.find(folder)}
        return sorted(found | {path for pattern in self.kept for path in folder.glob(pattern)})
