"""A release of HSC-SSP as data: addresses, schema, names of filters, flags and columns (hsc_releases.toml)."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swimmy_db.config import Settings
from swimmy_db.errors import InputRefused, UsageError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


Name = Annotated[str, Field(pattern="^[a-z_][a-z0-9_]*$")]
ColumnName = Annotated[str, Field(pattern="^([a-z0-9_]|[{]band[}])+$")]


class Tables(BaseModel):
    """What the release calls its tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    forced: Name = "forced"
    forced2: Name = "forced2"
    masks: Annotated[str, Field(pattern="^([a-z_][a-z0-9_]*)?$")] = "masks"
    specz: Name = "specz"
    patch_qa: Name = "patch_qa"


class Release(BaseModel):
    """One release; the comments of hsc_releases.toml say what each key is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    # these go into SQL as they are, so they are names and nothing else
    schema_name: Name = Field(alias="schema")
    rerun: str
    release_version: str
    client_version: float
    sql_url: str
    cutout_url: str
    psf_url: str
    out_format: str = Field("csv.gz", pattern=r"^(csv|csv\.gz|fits)$")
    filters: dict[str, str]
    tables: Tables = Tables()
    columns: dict[ColumnName, ColumnName] = {}
    pixel_flags: tuple[str, ...]
    shape_flags: tuple[str, ...]
    mask_flags: tuple[str, ...]
    specz_flags: tuple[str, ...]
    tracts: int
    rows_a_tract: int
    row_bytes: int


def load_releases(settings: Settings) -> dict[str, Release]:
    """All releases by name: the built-in ones, changed and added to by the file that hsc_release_file names."""
    builtin = resources.files("swimmy_db.sources") / "hsc_releases.toml"
    tables = tomllib.loads(builtin.read_text(encoding="utf-8"))
    source = "hsc_releases.toml"
    if settings.hsc_release_file:
        source = settings.hsc_release_file
        try:
            own = tomllib.loads(Path(source).expanduser().read_text(encoding="utf-8"))
            tables |= {name: {**tables.get(name, {}), **table} for name, table in own.items()}
        except (OSError, ValueError, TypeError) as fault:
            raise InputRefused(f"{source}: expected a TOML of releases (setting hsc_release_file): {fault}") from None
    try:
        return {name: Release(name=name, **table) for name, table in tables.items()}
    except (ValidationError, TypeError) as fault:
        raise InputRefused(f"{source}: not a description of HSC releases (setting hsc_release_file): {fault}") from None


def release_of(settings: Settings) -> Release:
    """The release that the setting `release` names, by its name or schema, at the addresses that settings give.

    Raises UsageError for a release that nobody describes, and for an address that a password must not go to.
    """
    releases = load_releases(settings)
    found = next((r for r in releases.values() if settings.release in (r.name, r.schema_name, r.rerun)), None)
    if found is None:
        raise UsageError(
            f"setting release: no HSC release {settings.release!r}; there are: {', '.join(releases)}; "
            "the setting hsc_release_file names a file with others"
        )
    changes = {}
    for service in ("sql_url", "cutout_url", "psf_url"):
        url = getattr(settings, f"hsc_{service}") or getattr(found, service)
        changes[service] = _checked(url, f"hsc_{service}")
    changes["sql_url"] = changes["sql_url"].rstrip("/") + "/"
    return found.model_copy(update=changes)


def _checked(url: str, setting: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"setting {setting}: expected an https address, found {url!r}")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"setting {setting}: an address must not hold a user or a password")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(f"setting {setting}: a password goes to https addresses only, found {url!r}")
    return url
