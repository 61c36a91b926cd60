"""Cells of text as typed Arrow columns: what the readers of CSV and fixed-width catalogues share."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.errors import InputRefused

# The archives do not document how they spell a missing value (FORMATS.md 2.1): all of these are one.
MISSING = ("", "null", "NULL", "Null", "None", "none", "NONE", "\\N")
# In a column of floats these are values, kept as served; an integer or a boolean cannot hold them.
NOT_FINITE = ("nan", "NaN", "NAN", "inf", "Inf", "INF", "-inf", "-Inf", "Infinity", "-Infinity")
TRUE = ("True", "true", "TRUE", "T", "t")
FALSE = ("False", "false", "FALSE", "F", "f")

_MISSING = pa.array(MISSING)
_NO_NUMBER = pa.array(MISSING + NOT_FINITE)
_BOOLEANS = pa.array((*TRUE, "1", *FALSE, "0"))
_N_TRUE = len(TRUE) + 1


def leading_comments(path: Path) -> tuple[list[str], str]:
    """The lines with # that a CSV begins with, of which archives make the last the header, and the line after them."""
    comments: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                return comments, line
            comments.append(line)
    return comments, ""


def typed(texts: pa.ChunkedArray, to: pa.DataType, column: str, path: Path, first_line: int) -> pa.ChunkedArray:
    """The texts as a column of type `to`; spellings of "missing" become NULL, NaN and inf stay in floats.

    first_line: the file's line number (from 1) of the first cell.
    Raises InputRefused naming the file, line, column, expected type and the text found.
    """
    missing = _MISSING if pa.types.is_floating(to) or pa.types.is_string(to) else _NO_NUMBER
    values = pc.if_else(pc.is_in(texts, value_set=missing), pa.scalar(None, pa.string()), texts)
    if pa.types.is_string(to):
        return values
    converted = _converted(values, to)
    if converted is None:
        values = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.is_in(values, value_set=missing), pa.scalar(None, pa.string()), values)
        converted = _converted(values, to)
    if converted is None:
        position, found = next(
            (row, value)
            for row, value in enumerate(values.to_pylist())
            if value is not None and _converted(pa.chunked_array([[value]]), to) is None
        )
        raise InputRefused(f"{path}: line {first_line + position}, column {column}: expected {to}, found {found!r}")
    return converted


def narrowest_type(texts: pa.ChunkedArray, at_least: pa.DataType | None) -> pa.DataType | None:
    """The first of bool, int64, float64, string that holds all the texts, not narrower than `at_least`.

    None where there is no value to judge by. 0 and 1 are taken for integers.
    """
    ladder = [pa.bool_(), pa.int64(), pa.float64(), pa.string()]
    values = pc.drop_null(pc.if_else(pc.is_in(texts, value_set=_NO_NUMBER), pa.scalar(None, pa.string()), texts))
    if not len(values):
        return at_least
    words = pa.array(TRUE + FALSE)
    found = next(
        rung
        for rung in ladder
        if pa.types.is_string(rung)
        or (pc.all(pc.is_in(values, value_set=words)).as_py() if rung == ladder[0] else _converted(values, rung))
    )
    if at_least is None or found == at_least:
        return found
    numbers = {ladder[1], ladder[2]}
    return ladder[2] if {found, at_least} <= numbers else ladder[3]


def _converted(values: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray | None:
    """None where a value does not fit the type."""
    if pa.types.is_boolean(to):
        positions = pc.index_in(values, value_set=_BOOLEANS)
        if positions.null_count > values.null_count:
            return None
        return pc.less(positions, _N_TRUE)
    try:
        return values.cast(to)
    except pa.ArrowInvalid:
        return None
