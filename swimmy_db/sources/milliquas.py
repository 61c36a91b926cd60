"""The Million Quasars catalogue: fixed-width text in any of its layouts, VizieR's VOTable, FITS (FORMATS.md 4.1)."""

import itertools
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.contracts import load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, choice, pairs, planned
from swimmy_db.sources.fits_tables import read_fits_table
from swimmy_db.sources.text_columns import typed
from swimmy_db.sources.votables import is_votable, read_votable

NAME = "milliquas"
AUTO = "auto"
BLOCK_LINES = 50_000
SNIFFED_LINES = 1000

_COMMON = {"ra": (0, 11), "dec": (12, 23), "name": (25, 50), "type": (51, 55)}
# Half-open columns from 0. A: 17 fields, v5 to v7.x; B: 18 fields with RXPct, v7.x and v8; 2016: the edition of
# December 2016, seen in a real file, where magnitudes are four wide.
LAYOUTS = {
    "A": _COMMON
    | {"rmag": (56, 61), "bmag": (62, 67)}
    | {"comment": (68, 71), "r": (72, 73), "b": (74, 75), "z": (76, 82), "cite": (83, 89), "zcite": (90, 96)}
    | {"qpct": (97, 100), "xname": (101, 123), "rname": (124, 146), "lobe1": (147, 169), "lobe2": (170, 192)},
    "B": _COMMON
    | {"rmag": (56, 61), "bmag": (62, 67)}
    | {"comment": (68, 70), "r": (71, 72), "b": (73, 74), "z": (76, 82), "cite": (83, 88), "zcite": (90, 95)}
    | {"rxpct": (97, 99), "qpct": (101, 103), "xname": (105, 126), "rname": (128, 149)}
    | {"lobe1": (151, 172), "lobe2": (174, 195)},
    "2016": _COMMON
    | {"rmag": (56, 60), "bmag": (61, 65)}
    | {"comment": (66, 69), "r": (70, 71), "b": (72, 73), "z": (74, 80), "cite": (81, 87), "zcite": (88, 94)}
    | {"qpct": (95, 98), "xname": (99, 121), "rname": (122, 144), "lobe1": (145, 167), "lobe2": (168, 191)},
}
LONGEST_A = 192
# A line without class, magnitudes and redshift is a legal one; without a name it is not a source.
SHORTEST = 26


# VizieR's names (VII/290 and VII/294) for the text's columns; rName and RName differ only by case.
VIZIER_NAMES = {
    **{"RAJ2000": "ra", "RAdeg": "ra", "DEJ2000": "dec", "DEdeg": "dec", "Name": "name", "Type": "type"},
    **{"Rmag": "rmag", "Bmag": "bmag", "Comment": "comment", "R": "r", "B": "b", "z": "z", "rName": "cite"},
    **{"rz": "zcite", "RXpct": "rxpct", "Qpct": "qpct", "XName": "xname", "RName": "rname"},
    **{"Lobe1": "lobe1", "Lobe2": "lobe2"},
}


def read_milliquas(path: Path, layout: str = AUTO) -> Iterator[pa.Table]:
    """Blocks of the catalogue, whatever form it came in; blank cells are NULL.

    layout: of the text, a key of LAYOUTS; it is recognised unless given. Raises InputRefused.
    """
    with open(path, "rb") as handle:
        magic = handle.read(6)
    if is_votable(path):
        yield from renamed(read_votable(path), VIZIER_NAMES)
    elif magic == b"SIMPLE" or magic[:2] == b"\x1f\x8b":
        yield from read_fits_table(path)
    else:
        yield from read_text(path, layout)


def renamed(tables: Iterable[pa.Table], names: Mapping[str, str]) -> Iterator[pa.Table]:
    """Blocks under the archive's own names; a column that would come second under a name is left out."""
    for table in tables:
        taken = {names[name] for name in table.column_names if name in names}
        kept = [name for name in table.column_names if name in names or name.lower() not in taken]
        yield pa.table({names.get(name, name): table[name] for name in kept})


def read_text(path: Path, layout: str = AUTO) -> Iterator[pa.Table]:
    """Blocks of the fixed-width text.

    Raises InputRefused naming the line for one that is too short, too long, or has a value that is not a number.
    """
    types = {name: column.arrow_type for name, column in load_contract("raw.milliquas").columns.items()}
    with open(path, encoding="latin-1", newline="") as stream:
        first = list(itertools.islice(stream, SNIFFED_LINES))
        fields = LAYOUTS[recognise_layout(first) if layout == AUTO else layout]
        lines = itertools.chain(first, stream)
        number = 1
        while True:
            block = [line.rstrip("\r\n") for line in itertools.islice(lines, BLOCK_LINES)]
            if not block and number > 1:
                return
            _check_lengths(block, fields, path, number)
            texts = pa.chunked_array([pa.array(block, pa.string())])
            columns = {}
            for name, (start, stop) in fields.items():
                cells = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(texts, start, stop))
                columns[name] = typed(cells, types[name], name, path, number)
            yield pa.table(columns)
            if not block:
                return
            number += len(block)


def recognise_layout(lines: Sequence[str]) -> str:
    """The layout whose gaps between fields are blank in most lines; of equals, by the length of the longest line.

    Length alone would not do: trailing blanks may have been cut.
    """
    lines = [line.rstrip("\r\n") for line in lines]
    fits = {name: sum(_fits(line, fields) for line in lines) for name, fields in LAYOUTS.items()}
    best = [name for name in LAYOUTS if fits[name] == max(fits.values())]
    by_length = "B" if max(map(len, lines), default=0) > LONGEST_A else "A"
    return by_length if by_length in best else best[0]


def _fits(line: str, fields: dict[str, tuple[int, int]]) -> bool:
    used = {column for start, stop in fields.values() for column in range(start, stop)}
    return all(character == " " or column in used for column, character in enumerate(line))


def _check_lengths(block: list[str], fields: dict[str, tuple[int, int]], path: Path, first_line: int) -> None:
    longest = max(stop for _, stop in fields.values())
    for number, line in enumerate(block, first_line):
        if len(line) < SHORTEST:
            raise InputRefused(
                f"{path}: line {number}: expected a fixed-width line that reaches column name (from byte 25), "
                f"found {len(line)} characters: {line!r}"
            )
        if line[longest:].strip():
            raise InputRefused(f"{path}: line {number}: expected at most {longest} characters, found {len(line)}")


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """The version that is asked for, from VizieR; or the author's text, always the newest (option `via`)."""
    via = choice(request, "via", ("tap", "vizier", "text"))
    if via == "text":
        return _fetch_text(folder, request, progress)
    from swimmy_db.sources.vizier import fetch_tap, fetch_vizier

    version, table = _table(request)
    stem = f"{NAME}-{version}"
    if via == "vizier":
        return fetch_vizier(folder, request, progress, NAME, table, f"{stem}.vot")
    return fetch_tap(folder, request, progress, NAME, table, stem)


def plan(request: FetchRequest) -> str:
    """What `fetch` would ask for."""
    from swimmy_db.sources.vizier import tap_queries

    via, size = choice(request, "via", ("tap", "vizier", "text")), int(request.options["bytes"])
    if via == "text":
        return planned([request.options["text_url"]], 1, size)
    _, table = _table(request)
    if via == "vizier":
        return planned([f"{request.options['vizier_server']}: {table}, all rows and columns"], 1, 2 * size)
    queries = tap_queries(table, int(request.options["parts"]))
    return planned([request.options["tap_url"], *queries], 2 + len(queries), size)


def _table(request: FetchRequest) -> tuple[str, str]:
    """The version and VizieR's name of it. Raises UsageError, naming the option, for a version that is not known."""
    tables = pairs(request.options["tables"])
    version = choice(request, "version", tables)
    return version, tables[version]


def _fetch_text(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """milliquas.txt, out of the zip in which it is served."""
    from swimmy_db.sources.download import Remote, download
    from swimmy_db.sources.fetched_files import full_disk, note_finished
    from swimmy_db.sources.network import Network

    url = request.options["text_url"]
    remote = Remote(url, ".milliquas.zip", "the option milliquas.text_url", "zip")
    packed = download(remote, folder, Network.of(request), progress)
    path = folder / "milliquas.txt"
    try:
        with zipfile.ZipFile(packed.path) as archive:
            member = next(name for name in archive.namelist() if name.lower().endswith("milliquas.txt"))
            with archive.open(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except Exception as fault:  # a damaged zip raises BadZipFile, OSError, EOFError, zlib.error and more
        full = full_disk(fault, path) if isinstance(fault, OSError) else None
        if full is not None:
            raise full from None
        packed.path.unlink()
        found = "none in it" if isinstance(fault, StopIteration) else str(fault) or type(fault).__name__
        raise InputRefused(f"{url}: expected a zip with milliquas.txt (milliquas.text_url), found {found}") from None
    return [note_finished(path, url)]


SOURCE = Source(
    name=NAME,
    title="Million Quasars catalogue",
    files={
        "quasars": FileKind(
            "raw.milliquas",
            ("milliquas.txt", "milliquas*.vot", "milliquas*.fits*", "mos_milliquas*.fits*"),
            read_milliquas,
            settings={"layout": "milliquas_layout"},
        )
    },
    acknowledgement=(
        "Cite the Million Quasars catalogue, Flesch 2015 (PASA 32, 10) and Flesch 2023 for version 8, and name "
        "the version that was used."
    ),
    fetch=fetch,
    plan=plan,
)
