"""Results on stdout: an aligned table on a terminal, CSV in a pipe, JSON where asked for."""

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_ON_TERMINAL = 40
WIDEST_CELL = 60


def print_rows(reader: "pa.RecordBatchReader", as_json: bool = False) -> None:
    """Print a result: JSON (a list of objects), else aligned on a terminal (first 40 rows), else CSV."""
    if as_json:
        print_json([row for batch in reader for row in batch.to_pylist()])
    elif sys.stdout.isatty():
        _print_first_rows(reader)
    else:
        from swimmy_db.report.exports import write_csv

        sys.stdout.flush()
        write_csv(reader, sys.stdout.buffer)


def print_json(value: Any) -> None:
    """JSON on stdout. NaN and infinities, which JSON lacks, become null; times become ISO text."""
    print(json.dumps(_plain(value), indent=1, default=str, allow_nan=False, ensure_ascii=False))


def print_section(title: str, rows: Sequence[dict[str, Any]], empty: str = "none") -> None:
    """A titled table of rows that share their keys, or one word where there is none."""
    if not rows:
        print_lines([f"{title}: {empty}", ""])
        return
    if len(rows) == 1 and len(rows[0]) > 6:
        names = [str(name) for name in rows[0]]
        width = max(map(len, names))
        cells = (cell_text(value) for value in rows[0].values())
        print_lines([title, *(f"  {name.ljust(width)}  {cell}" for name, cell in zip(names, cells, strict=True)), ""])
        return
    width = terminal_width()
    table = aligned(list(rows[0]), [list(row.values()) for row in rows], width and width - 2)
    print_lines([title, *(f"  {line}" for line in table), ""])


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line.rstrip())


def aligned(
    headers: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None = None, cut_last: bool = False
) -> list[str]:
    """Lines of a table: numbers to the right, text to the left.

    Within `width` characters long cells are cut, and columns that do not fit are named below; with `cut_last` it is
    the last column that gives way. Without a width nothing is left out.
    """
    cells = [[cell_text(value, WIDEST_CELL if width and not cut_last else None) for value in row] for row in rows]
    numeric = [
        any(_is_number(row[i]) for row in rows) and all(row[i] is None or _is_number(row[i]) for row in rows)
        for i in range(len(headers))
    ]
    widths = [max([len(header), *(len(row[i]) for row in cells)]) for i, header in enumerate(headers)]
    shown = len(headers)
    if width and cut_last:
        widths[-1] = min(widths[-1], max(8, width - sum(widths[:-1]) - 2 * (shown - 1)))
        cells = [[*row[:-1], _cut(row[-1], widths[-1])] for row in cells]
    while width and not cut_last and shown > 1 and sum(widths[:shown]) + 2 * (shown - 1) > width:
        shown -= 1

    def line(values: Sequence[str]) -> str:
        padded = (v.rjust(w) if right else v.ljust(w) for v, w, right in zip(values, widths, numeric, strict=True))
        return "  ".join(list(padded)[:shown]).rstrip()

    lines = [line(headers), "  ".join("-" * w for w in widths[:shown]), *map(line, cells)]
    if shown < len(headers):
        lines.append(f"({len(headers) - shown} more columns do not fit: {', '.join(headers[shown:])})")
    return lines


def cell_text(value: Any, widest: int | None = None) -> str:
    """A value for the eye: int64 whole, floats to nine digits, NULL said, text cut to `widest` characters."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    text = str(value).replace("\n", " ")
    return text if widest is None else _cut(text, widest)


def terminal_width() -> int | None:
    """Characters a line, None where stdout is no terminal and nothing need be cut."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else None


def _cut(text: str, widest: int) -> str:
    return text if len(text) <= widest else text[: widest - 1] + "…"


def _print_first_rows(reader: "pa.RecordBatchReader") -> None:
    names = reader.schema.names
    if names == ["explain_key", "explain_value"]:
        print_lines(row["explain_value"] for batch in reader for row in batch.to_pylist())
        return
    first: list[tuple] = []
    total = 0
    for batch in reader:
        total += len(batch)
        wanted = batch.slice(0, ROWS_ON_TERMINAL - len(first))
        first += zip(*(column.to_pylist() for column in wanted.columns), strict=True)
    print_lines(aligned(names, first, terminal_width()))
    more = "" if total == len(first) else f", the first {len(first)} shown"
    print(f"({total:,} row{'' if total == 1 else 's'}{more})")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        # sums of integers come as decimals
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
