"""What every archive's `fetch` is asked for and what it hands back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from swimmy_db.config import Settings

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class FetchedFile:
    """A file as the archive served it: where it lies, where it came from (no secret in it), when (UTC), its content."""

    path: Path
    url: str
    fetched_at: datetime
    bytes: int
    sha256: str


@dataclass(frozen=True)
class FetchRequest:
    """What to bring: the survey's settings, and options of this one fetch by name."""

    settings: Settings
    options: Mapping[str, str] = field(default_factory=dict)
