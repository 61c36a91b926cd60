"""What lies in a folder of downloads/ becomes raw.* tables: read, checked against the contract, as Parquet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.config import Settings
from swimmy_db.contracts import Contract, conform, contracts_of, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.archive import Source
from swimmy_db.sources.registry import SOURCES

OWN = "own"
SIMULATED = "simulated"


@dataclass(frozen=True)
class Arrival:
    """One folder of downloads/: the tables that it fills, how, and whom to thank for it."""

    name: str
    tables: tuple[str, ...]
    read: Callable[[Path, Settings, Path], dict[str, list[Path]]]
    acknowledgement: str


def arrival(name: str) -> Arrival:
    """How the folder downloads/<name> is read: an archive of the registry, a survey of one's own, or the truth."""
    if name == OWN:
        return Arrival(name, ("raw.own_objects", "raw.own_photometry"), _read_own, "")
    if name == SIMULATED:
        return Arrival(name, tuple(contracts_of("truth")), _read_truth, "")
    source = SOURCES[name]
    tables = tuple(dict.fromkeys(kind.table for kind in source.files.values()))
    return Arrival(name, tables, lambda *where: _read_archive(source, *where), source.acknowledgement)


def to_parquet(tables: Iterator[pa.Table], contract: Contract, path: Path, source_file: str) -> int:
    """Check each block of a native file against the contract and write it; returns the number of rows.

    Adds source_file, and file_row (0-based data row) where the reader does not say itself which row it was.
    Raises InputRefused; nothing has been published then.
    """
    written = 0
    writer = None
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        for native in tables:
            named = native.append_column("source_file", pa.array([source_file] * len(native), pa.string()))
            if "file_row" not in native.column_names:
                rows = pa.array(range(written, written + len(native)), pa.int64())
                named = named.append_column("file_row", rows)
            table = conform(named, contract, source_file, written)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
            written += len(native)
    finally:
        if writer is not None:
            writer.close()
    return written


def _read_archive(source: Source, folder: Path, settings: Settings, out: Path) -> dict[str, list[Path]]:
    tables: dict[str, list[Path]] = {}
    for file_kind, kind in source.files.items():
        files = kind.find(folder)
        if not files and kind.required:
            there = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else "no such folder"
            raise InputRefused(
                f"{folder}: expected a file {' or '.join(kind.patterns)} ({source.title}, {file_kind}), found: {there}"
            )
        contract = load_contract(kind.table, settings.band_names)
        chosen = {keyword: getattr(settings, name) for keyword, name in kind.settings.items()}
        for file in files:
            written = tables.setdefault(kind.table, [])
            parquet = out / f"{kind.table}-{len(written)}.parquet"
            if to_parquet(
                kind.read(file, **chosen), contract, parquet, f"{folder.name}/{file.relative_to(folder).as_posix()}"
            ):
                written.append(parquet)
    return tables


def _read_own(folder: Path, settings: Settings, out: Path) -> dict[str, list[Path]]:
    from swimmy_db.sources.own_catalogue import read_objects, read_photometry
    from swimmy_db.sources.own_survey import read_survey

    survey = read_survey(folder / "survey.toml")
    tables = {}
    for table, read in (("raw.own_objects", read_objects), ("raw.own_photometry", read_photometry)):
        parquet = out / f"{table}.parquet"
        contract = load_contract(table, settings.band_names)
        rows = to_parquet(read(survey), contract, parquet, f"{folder.name}/{survey.catalogue_name}")
        tables[table] = [parquet] if rows else []
    return tables


def _read_truth(folder: Path, settings: Settings, out: Path) -> dict[str, list[Path]]:
    return {f"truth.{file.stem}": [file] for file in sorted(folder.glob("*.parquet"))}
