"""What a figure of the report is: which tables it is drawn from, where the paper has it, what it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from swimmy_db.report.material import Material
from swimmy_db.report.stamp_strips import StampSheet
from swimmy_db.report.style import specification


@dataclass(frozen=True)
class Figure:
    """A figure of the paper.

    tables: what it is drawn from, `paper.figureN` first. draw: a chart, a sheet of stamps, None, or words why there is
    none; called only where the first table has rows. absent: why a survey may have none, said in the figure's place.
    """

    name: str
    title: str
    section: str
    caption: str
    tables: tuple[str, ...]
    draw: Callable[[Material], Any]
    absent: str
    of_colour_sample: bool = False

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("figure"))


@dataclass(frozen=True)
class Drawn:
    """A figure as the page shows it: one of chart (altair), sheet, or the reason why there is none.

    lacking: parts of it that the survey cannot give, with the reason.
    """

    figure: Figure
    chart: Any = None
    sheet: StampSheet | None = None
    reason: str = ""
    is_simulated: bool = False
    lacking: tuple[str, ...] = ()

    @cached_property
    def specification(self) -> dict[str, Any]:
        """The figure as Vega-Lite, a sheet of stamps as a chart of images; it says where a survey is simulated."""
        return specification(self.chart if self.sheet is None else self.sheet.chart(), self.is_simulated)


def why_not(material: Material, table: str, otherwise: str) -> str:
    """What stands where a figure or table would be, never an empty axis."""
    return f"Not shown: {(material.why_absent(table) or otherwise).rstrip('.')}."


def draw_figure(figure: Figure, material: Material) -> Drawn:
    """The figure, or why not: a table that is not made, no row of this sample, or nothing that can be drawn."""
    table = figure.tables[0]
    if not material.catalog.has(table):
        return Drawn(figure, reason=f"{table} is not made in this workspace: `swimmy pipeline` makes it.")
    drawing = figure.draw(material) if material.rows(table) else None
    if drawing is None:
        return Drawn(figure, reason=why_not(material, table, figure.absent))
    if isinstance(drawing, str):
        return Drawn(figure, reason=f"Not shown: {drawing}.")
    kind = "sheet" if isinstance(drawing, StampSheet) else "chart"
    lacking = tuple(f"{part}: {reason}" for part, reason in material.lacking(f"figure {figure.number}"))
    return Drawn(figure, **{kind: drawing}, is_simulated=material.is_simulated, lacking=lacking)
