"""Figure 16: losses and selection rates over all saved weights."""

from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import (
    BLACK,
    BLUE,
    GREEN,
    VERMILLION,
    layered,
    values,
    zoomable,
)

LEFT = {"train_loss": ("training", BLACK), "validation_loss": ("validation", GREEN)}
RIGHT = {"rate_dr16q": ("DR16Q quasars", VERMILLION), "rate_xelg": ("XELGs", BLUE)}
SHAPES = ["circle", "triangle-up"]


def draw_training(material: Material) -> Any:
    rows = [
        row
        for row in material.all_samples("paper.figure16")
        if row["sample"] in (None, material.sample) and row["experiment"] == material.experiment
    ]
    charts = []
    for quantities, title, axis in (
        (LEFT, "loss (mean squared error)", alt.Axis(format=".1e")),
        (RIGHT, "share selected", alt.Axis(format="%")),
    ):
        shown = [{**row, "of": quantities[row["quantity"]][0]} for row in rows if row["quantity"] in quantities]
        if shown:
            charts.append(_epochs(shown, list(quantities.values()), title, axis))
    return alt.hconcat(*charts, spacing=30).resolve_scale(color="independent", shape="independent") if charts else None


def _epochs(rows: list[dict], kinds: list[tuple[str, str]], title: str, axis: alt.Axis) -> Any:
    names = [name for name, _ in kinds]
    colour = alt.Color(
        "of:N",
        scale=alt.Scale(domain=names, range=[colour for _, colour in kinds]),
        legend=alt.Legend(title=None, orient="top", symbolOpacity=1),
    )
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(zero=False, nice=False, padding=12))
    y = alt.Y("value:Q", title=title, axis=axis, scale=alt.Scale(zero=False))
    tooltip = [
        alt.Tooltip("of:N"),
        alt.Tooltip("run:Q"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("value:Q", format=".4g"),
        alt.Tooltip("deviation:Q", format=".2g"),
    ]
    runs = (
        alt.Chart(values([row for row in rows if row["run"] is not None]))
        .mark_line(strokeDash=[4, 3], opacity=0.35, strokeWidth=1, clip=True)
        .encode(x=x, y=y, color=colour, detail="run:N", tooltip=tooltip)
    )
    means = [
        {**row, "low": row["value"] - (row["deviation"] or 0), "high": row["value"] + (row["deviation"] or 0)}
        for row in rows
        if row["run"] is None
    ]
    base = alt.Chart(values(means))
    line = base.mark_line(strokeWidth=2.2, clip=True).encode(x=x, y=y, color=colour)
    bars = base.mark_rule(strokeWidth=1.4, clip=True).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    points = base.mark_point(filled=True, size=38, opacity=1, clip=True).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape("of:N", scale=alt.Scale(domain=names, range=SHAPES)),
        tooltip=tooltip,
    )
    return zoomable(
        layered(runs, bars, line, points).properties(width=400, height=270), "".join(filter(str.isalnum, title))
    )


FIGURES = (
    Figure(
        "figure16",
        "Losses and selection rates of all saved weights",
        "app. 1",
        "Left: training (circles) and validation (triangles) loss. Right: share of the DR16Q quasars (circles) and of "
        "the XELGs (triangles) that are selected. Light dashed lines: single runs; points with bars: mean and standard "
        "deviation of the runs.",
        ("paper.figure16",),
        draw_training,
        "no run is finished.",
    ),
)
