"""The Million Quasars catalogue as fixed-width text, in any of its layouts (FORMATS.md section 4.1)."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.contracts import load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.text_columns import typed

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


def read_milliquas(path: Path, layout: str | None = None) -> Iterator[pa.Table]:
    """Blocks of the catalogue; the layout, a key of LAYOUTS, is recognised unless given. Blank cells are NULL.

    Raises InputRefused naming the line for one that is too short, too long, or has a value that is not a number.
    """
    types = {name: column.arrow_type for name, column in load_contract("raw.milliquas").columns.items()}
    with open(path, encoding="latin-1", newline="") as stream:
        first = list(itertools.islice(stream, SNIFFED_LINES))
        fields = LAYOUTS[layout or recognise_layout(first)]
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
