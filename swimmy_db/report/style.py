"""One look for all figures: colours that colour-blind readers tell apart (Okabe and Ito), sizes, and chart helpers."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import altair as alt

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE = "#8A8F94", "#C4C8CC"
# Bands of any survey from blue to red, in their order in the cube.
BAND_COLOURS = (BLUE, GREEN, VERMILLION, PURPLE, ORANGE, SKY, BLACK, GREY, YELLOW)
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
PANEL_WIDTH, PANEL_HEIGHT = 260, 210
SIGNIFICANT = 6  # digits that a plotted number keeps: the page stays small and no eye sees the difference

NO_ROWS = "[]"
SIMULATED, SIMULATED_COLOUR = "simulated survey", "#8A6D1D"

CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "#ffffff",
    "view": {"stroke": "#3c4043", "strokeWidth": 0.8},
    "axis": {
        "gridColor": "#eceef0",
        "domain": False,
        "tickColor": "#3c4043",
        "tickSize": 4,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": "#202124",
        "titleColor": "#202124",
    },
    "legend": {
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "symbolSize": 70,
        "layout": {"bottom": {"direction": "vertical", "anchor": "start"}},
    },
    "header": {"labelFontSize": 12, "titleFontSize": 12},
    "title": {"fontSize": 13, "fontWeight": "normal", "anchor": "start", "offset": 6, "color": "#202124"},
    "text": {"fontSize": 11},
    "bar": {"binSpacing": 0},
}


def band_colour(band: str, bands: Sequence[str]) -> str:
    """The colour of a band of the survey, the same in every figure."""
    return BAND_COLOURS[list(bands).index(band) % len(BAND_COLOURS)] if band in bands else BLACK


def values(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as a chart's data: ids as text (JavaScript's numbers end at 2^53), numbers to six digits, NaN as null.

    As one JSON text, because Altair copies and validates data row by row whenever charts are combined.
    """
    plain = [{name: _plain(name, value) for name, value in row.items()} for row in rows]
    return alt.InlineData(values=json.dumps(plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def row_of(charts: Sequence[alt.Chart], columns: int = 3, spacing: int = 18) -> alt.ConcatChart:
    """Panels beside each other, `columns` a row."""
    return alt.concat(*charts, columns=columns, spacing=spacing).resolve_scale(
        color="independent", shape="independent", fill="independent", strokeDash="shared"
    )


def layered(*charts: alt.Chart) -> alt.LayerChart:
    """Charts over each other, those without data left out: they have no extent for the axes."""
    return alt.layer(*(chart for chart in charts if getattr(chart.data, "values", None) != NO_ROWS))


def zoomable(chart: Any, name: str = "all") -> Any:
    """Dragging pans, shift and wheel zooms, a double click goes back; the bare wheel scrolls the page.

    name: of the panel, for each has a zoom of its own.
    """
    return chart.add_params(alt.selection_interval(name=f"zoom_{name}", bind="scales", zoom="wheel![event.shiftKey]"))


def by_key(rows: Iterable[Mapping[str, Any]], key: str) -> dict[Any, list[Mapping[str, Any]]]:
    """Rows grouped by one column, in the order in which its values come."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def panels(
    rows: Sequence[Mapping[str, Any]], bands: Sequence[str], draw: Callable[[str, list], Any], columns: int = 3
) -> alt.ConcatChart:
    """One panel for each band that has rows, in the survey's order."""
    groups = by_key(rows, "band")
    return row_of([draw(band, groups[band]) for band in bands if band in groups], columns)


def log_scale(**options: Any) -> alt.Scale:
    return alt.Scale(type="log", nice=False, **options)


def log_axis(mantissas: Sequence[int] = (1,), **options: Any) -> alt.Axis:
    """An axis that names only powers of ten, or also other leading digits where it spans few of them."""
    digit = "round(datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9)))"
    return alt.Axis(labelExpr=f"indexof({list(mantissas)}, {digit}) >= 0 ? datum.label : ''", **options)


def specification(chart: Any, is_simulated: bool = False) -> dict[str, Any]:
    """The chart as Vega-Lite with the common configuration; a simulated survey's says so, wherever it is pasted."""
    document = chart.to_dict(validate=True)
    document["datasets"] = {
        name: json.loads(rows) if isinstance(rows, str) else rows for name, rows in document.get("datasets", {}).items()
    }
    is_framed = document.get("config", {}).get("view", {}).get("stroke", "") is not None
    document["config"] = CONFIG if is_framed else CONFIG | {"view": {"stroke": None}}
    if is_simulated:
        own = document.get("title")
        mark = {"text": SIMULATED, "anchor": "end", "fontSize": 10, "color": SIMULATED_COLOUR, "offset": 3}
        if own is not None:
            mark = {"text": own, "subtitle": SIMULATED, "subtitleFontSize": 10, "subtitleColor": SIMULATED_COLOUR}
        document["title"] = mark
    return document


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return str(value) if name.endswith("object_id") else value
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT}g}") if value - value == 0 else None
    return str(value)
