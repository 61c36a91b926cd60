"""What every archive's `fetch` is asked for and hands back, and the options that it takes (archives.toml)."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from swimmy_db.config import Settings
from swimmy_db.errors import UsageError

Progress = Callable[[int, int | None], None]
NETWORK = "network"


@dataclass(frozen=True)
class FetchedFile:
    """A file as the archive served it: where it lies, where it came from (no secret in it), when (UTC), its content."""

    path: Path
    url: str
    fetched_at: datetime
    bytes: int
    sha256: str


def not_noted(reason: str, **where: object) -> None:
    """Where nobody asks what an archive did not have."""


def _no_survey(query: str) -> list[tuple]:
    return []


@dataclass(frozen=True)
class FetchRequest:
    """What to bring: the survey's settings, and options of this one fetch by name.

    reject: called with a reason and where (source_file, value ...) for what the archive does not have; a row of
    meta.rejects. ask_survey: the rows of a query of sql/queries to the workspace, none while it cannot answer.
    is_first: the workspace is new, and begins with the settings that the options name.
    """

    settings: Settings
    options: Mapping[str, str] = field(default_factory=dict)
    reject: Callable[..., None] = not_noted
    ask_survey: Callable[[str], list[tuple]] = _no_survey
    is_first: bool = True


@cache
def defaults() -> dict[str, dict[str, str]]:
    """The options of each archive with their defaults, as archives.toml has them."""
    document = (resources.files("swimmy_db.sources") / "archives.toml").read_text(encoding="utf-8")
    return {name: {key: str(value) for key, value in table.items()} for name, table in tomllib.loads(document).items()}


def options_of(name: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The archive's options by their plain names, those of the network by `network.NAME`.

    given: `NAME` or `ARCHIVE.NAME`, and `network.NAME`; options of other archives are passed over.
    Raises UsageError for a name that the archive does not have, and for an address with a password. An archive that
    is not in archives.toml (hsc keeps its own) gets what was given.
    """
    known = defaults()
    options = {f"{NETWORK}.{key}": value for key, value in known[NETWORK].items()} | known.get(name, {})
    for key, value in (given or {}).items():
        archive, dot, plain = key.partition(".")
        full = plain if dot and archive != NETWORK else key
        if re.search(r"//[^/]*@", value):
            raise UsageError(f"option {key}: an address must not hold a user or a password: it is kept in meta.files")
        if dot and archive not in (name, NETWORK):
            continue
        if full not in options and (name in known or archive == NETWORK):
            there = ", ".join(options)
            raise UsageError(f"option {key}: {name} has no such option; it has: {there}")
        options[full] = value
    return options


def option(request: FetchRequest, name: str) -> str:
    """The option's value; the default of `network.*` where the request does not say."""
    if name in request.options:
        return request.options[name]
    archive, _, plain = name.partition(".")
    return defaults()[archive][plain]


def choice(request: FetchRequest, name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """The value of an option that has to be one of `known`. Raises UsageError naming it."""
    value = request.options[name]
    if value not in known:
        raise UsageError(f"option {name}: expected one of {', '.join(known)}, found {value!r}")
    return value


def pairs(text: str) -> dict[str, str]:
    """An option that holds several values: "7.2 = VII/290/catalog, 8 = VII/294/catalog"."""
    items = (item.partition("=") for item in text.split(",") if item.strip())
    return {key.strip(): value.strip() for key, _, value in items}


def planned(asked: Sequence[str], requests: int, size: int | str) -> str:
    """What `swimmy ingest --dry-run` prints of an archive: what is asked for, how often, and the bytes to expect."""
    expected = size if isinstance(size, str) else f"about {size / 1e6:,.1f} MB"
    return "\n".join([*asked, f"{requests:,} request{'' if requests == 1 else 's'}, {expected} to expect"])
