"""The PostgreSQL that is sent to the HSC catalogue: sql/remote/hsc/*.sql with a release's names and coarse cuts."""

import re
from collections.abc import Sequence
from importlib import resources
from itertools import product
from typing import NamedTuple

from swimmy_db.config import Settings
from swimmy_db.sources.hsc_release import Release

# A cut that is not applied: no magnitude is near it.
NO_LIMIT = 1000.0
_HOLDER = re.compile(r"\{([a-z_0-9]+)\}")
_SELECTED = re.compile(r"(?P<indent> *)(?P<table>[a-z][a-z0-9]*)\.(?P<name>[a-z0-9_]+)(?P<comma>,?)")
_COLUMN = re.compile(r"\b(f2?|m|s|q)\.([a-z0-9_]+)")


class Query(NamedTuple):
    """One job: the name of its result file without suffix, the tracts that it covers, and what is sent."""

    name: str
    result: str
    tracts: tuple[int, ...]
    sql: str


def catalogue_queries(settings: Settings, release: Release, tracts: Sequence[int]) -> list[Query]:
    """The jobs for these tracts, which follow each other in the release: objects, masks, specz and their counts."""
    first, last = tracts[0], tracts[-1]
    place = f"t{first:05d}" if first == last else f"t{first:05d}-{last:05d}"
    results = ["objects", "masks", "specz"] if release.tables.masks else ["objects", "specz"]
    queries = [
        Query(f"{name}-{place}", name, tuple(tracts), render(name, settings, release, tracts)) for name in results
    ]
    # an object's id begins with its tract (FORMATS.md section 1.7)
    return [*queries, _counts(f"counts-{place}", queries, "q.object_id >> 42")]


def patch_queries(settings: Settings, release: Release) -> list[Query]:
    """The jobs for seeing and depth of all patches, and for their count."""
    patches = Query("patch_qa", "patch_qa", (), render("patch_qa", settings, release))
    return [patches, _counts("counts-patch_qa", [patches], "q.tract")]


def _counts(name: str, queries: Sequence[Query], tract_of_row: str) -> Query:
    """The job that counts the rows of others by tract."""
    parts = ({"result": query.result, "query": _indented(query.sql), "tract_of_row": tract_of_row} for query in queries)
    return Query(
        name, "counts", queries[0].tracts, "\nunion all\n".join(_fill(_text("counts"), part, {}) for part in parts)
    )


def render(name: str, settings: Settings, release: Release, tracts: Sequence[int] = (0,)) -> str:
    """The text of sql/remote/hsc/<name>.sql as it is sent for the tracts from the first to the last."""
    # without push_down the limits say nothing, and a changed one does not make another query
    limit, star = (settings.magnitude_max, settings.extendedness_min) if settings.push_down else (None, None)
    values = {
        "schema": release.schema_name,
        **release.tables.model_dump(),
        "magnitude_band": settings.magnitude_band,
        "first_tract": str(int(tracts[0])),
        "last_tract": str(int(tracts[-1])),
        "push_down": "true" if settings.push_down else "false",
        "extinction": "1" if settings.extinction_corrected else "0",
        "magnitude_limit": _number(NO_LIMIT if limit is None else limit + settings.push_down_magnitude_margin),
        "extendedness_limit": _number(-NO_LIMIT if star is None else star - settings.push_down_extendedness_margin),
    }
    lists = {
        "band": settings.band_names,
        "pixel_flag": release.pixel_flags,
        "shape_flag": release.shape_flags,
        "mask_flag": release.mask_flags,
        "specz_flag": release.specz_flags,
    }
    values["coarse_cuts"] = _indented(_fill(_text("coarse_cuts"), values, lists))
    theirs = {
        ours.replace("{band}", band): named.replace("{band}", band)
        for ours, named in release.columns.items()
        for band in settings.band_names
    }
    return _as_named(_fill(_text(name), values, lists), theirs)


def columns_asked_for(release: Release) -> set[str]:
    """The columns that the queries name and a release may call otherwise; {band} stands for each band."""
    texts = [_text(name) for name in ("coarse_cuts", "objects", "masks", "specz", "patch_qa")]
    plain = {name for text in texts for name in re.findall(r"\b(?:f2?|m|s|q)\.([a-z0-9_{}]+)", text)}
    flags = {f"{{band}}_{flag}" for flag in (*release.pixel_flags, *release.shape_flags, *release.mask_flags)}
    plain = {name.replace("{magnitude_band}", "{band}") for name in plain if "flag}" not in name}
    return (plain | flags | set(release.specz_flags)) - {"object_id"}


def _as_named(text: str, theirs: dict[str, str]) -> str:
    """Columns under the archive's names, ours = theirs; a selected one comes back under ours."""

    def renamed(line: str) -> str:
        selected = _SELECTED.fullmatch(line)
        if selected and selected["name"] in theirs:
            indent, table, name, comma = selected.groups()
            return f"{indent}{table}.{theirs[name]} as {name}{comma}"
        return _COLUMN.sub(lambda found: f"{found[1]}.{theirs.get(found[2], found[2])}", line)

    return "\n".join(map(renamed, text.splitlines()))


def _text(name: str) -> str:
    """A file without its comments: the archive keeps what is sent, and needs no word of ours in it."""
    file = resources.files("swimmy_db.sql") / "remote" / "hsc" / f"{name}.sql"
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def _fill(text: str, values: dict[str, str], lists: dict[str, Sequence[str]]) -> str:
    """Placeholders replaced; a line with a list's placeholder becomes a line for each of its values."""
    lines = []
    for line in text.splitlines():
        named = [name for name in dict.fromkeys(_HOLDER.findall(line)) if name in lists]
        for choice in product(*(lists[name] for name in named)):
            here = values | dict(zip(named, choice, strict=True))
            lines.append(_HOLDER.sub(lambda found, here=here: here[found[1]], line))
    return "\n".join(lines)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
