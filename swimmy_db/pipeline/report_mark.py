"""What a report was written from, kept beside it: where nothing of that has changed it is not written again."""

import json
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from swimmy_db.catalog import Catalog
from swimmy_db.pipeline.stage import code_version, digest

PACKAGES = ("swimmy_db", "torch", "duckdb", "numpy", "astropy", "scipy", "pyarrow", "altair", "vl-convert-python")
MADE_FROM = ".made_from.json"
CODE = ("swimmy_db.report", "swimmy_db.pipeline.report", "swimmy_db.pipeline.report_pixels")
TEXTS = (resources.files("swimmy_db.sql") / "queries", resources.files("swimmy_db.report") / "page")


@dataclass(frozen=True)
class Written:
    """What there is: the page, its size (bytes), figures drawn, and those that say why they are missing.

    is_new: written now; else it was there, of the same tables, settings and code.
    """

    page: Path
    n_bytes: int
    drawn: tuple[str, ...]
    missing: dict[str, str]
    n_files: int
    is_new: bool


def report_mark(catalog: Catalog, with_exports: bool) -> str:
    """Short hash of all that a report shows: every stage's output, settings, files, the code and the page's queries."""
    stages = catalog.rows("select stage, fingerprint, finished from meta.stages order by all")
    shown = [catalog.rows(f"from {table} order by all") for table in ("meta.settings", "meta.files")]
    texts = [
        path.read_text(encoding="utf-8")
        for place in TEXTS
        for path in sorted(place.iterdir(), key=lambda path: path.name)
    ]
    return digest([stages, shown, texts, code_version(CODE), package_versions(), with_exports])


def written_from(folder: Path, mark: str) -> Written | None:
    """The report in a folder, where it was written from what `mark` stands for."""
    try:
        kept = json.loads((folder / MADE_FROM).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return described(folder, is_new=False) if kept.get("made_from") == mark else None


def described(folder: Path, is_new: bool) -> Written:
    kept = json.loads((folder / MADE_FROM).read_text(encoding="utf-8"))
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != MADE_FROM]
    page = folder / "index.html"
    return Written(page, page.stat().st_size, tuple(kept["drawn"]), kept["missing"], len(files), is_new)


def package_versions() -> dict[str, str]:
    """The installed version of each package that the report names."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
