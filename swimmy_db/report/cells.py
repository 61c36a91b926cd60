"""Cells and tables of the page: what a template needs to print, sort and colour them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """Text of a cell; value: what it sorts by. share: the length of a bar behind it, 0 to 1. note: small text below."""

    text: str
    value: float | str | None = None
    share: float | None = None
    note: str = ""
    interval: tuple[float, float, float, float | None] | None = None
    """ours, lower, upper and the paper's value, drawn on a scale from 0 to 1"""

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, int | float)


@dataclass(frozen=True)
class HtmlTable:
    """A table of the page. tables: what it is read from, for its SQL; reason: why there is none."""

    name: str
    title: str
    tables: tuple[str, ...]
    headings: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    caption: str = ""
    reason: str = ""
    is_long: bool = False


def words(value: Any) -> Cell:
    return Cell("" if value is None else str(value), "" if value is None else str(value))


def count(value: int | None, share: float | None = None) -> Cell:
    return Cell("" if value is None else f"{value:,}", value, share)


def number(value: float | None, form: str = ".4g") -> Cell:
    return Cell("" if value is None else format(value, form), value)


def percent(value: float | None) -> Cell:
    """One decimal; below 1 % three significant digits."""
    if value is None:
        return Cell("")
    text = f"{100 * value:.3g}" if 0 < value < 0.01 else f"{100 * value:.1f}"
    return Cell(f"{text} %", value)


def share_of(n: int | None, fraction: float | None, digits: int = 1) -> Cell:
    """Number and percentage, as the paper prints them: 443 (63.2 %)."""
    if n is None and fraction is None:
        return Cell("")
    parts = [] if n is None else [f"{n:,}"]
    parts += [] if fraction is None else [f"({100 * fraction:.{digits}f} %)"]
    text = " ".join(parts)
    return Cell(text, fraction if fraction is not None else n)


def bounds(lower: float | None, upper: float | None) -> Cell:
    """The 95 % interval of a share."""
    known = lower is not None and upper is not None
    return Cell(f"{100 * lower:.1f} to {100 * upper:.1f} %" if known else "", lower)
