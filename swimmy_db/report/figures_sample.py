"""Figure 1: redshifts of the survey's sources, of the sample and of those that MPA-JHU has."""

from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import BLUE, GREY, ORANGE, VERMILLION, log_axis, log_scale, values, zoomable

POPULATIONS = {"all with a redshift": GREY, "test data": ORANGE, "MPA-JHU": VERMILLION}

COLOUR_SELECTION = {"brighter than the limit": GREY, "colour-selected": BLUE}


def draw_redshifts(material: Material) -> Any:
    return redshift_histogram(material.rows("paper.figure1"), POPULATIONS)


def redshift_histogram(rows: list[dict], populations: dict[str, str]) -> Any:
    """Steps over each other, the widest population behind; counts on a logarithmic axis."""
    rows = [{**row, "shown_lower": 0.7} for row in rows]
    highest = max(row["n"] for row in rows)
    colour = alt.Color(
        "population:N",
        scale=alt.Scale(domain=list(populations), range=list(populations.values())),
        legend=alt.Legend(title=None, orient="top-right"),
    )
    chart = (
        alt.Chart(values(rows))
        .mark_rect(opacity=0.85, clip=True, stroke="white", strokeWidth=0.3)
        .encode(
            x=alt.X("z_lower:Q", title="redshift", scale=alt.Scale(zero=True)),
            x2="z_upper:Q",
            y=alt.Y("n:Q", title="sources per bin", scale=log_scale(domain=[0.7, 1.5 * highest]), axis=log_axis()),
            y2="shown_lower:Q",
            color=colour,
            order=alt.Order("position:Q"),
            tooltip=[
                alt.Tooltip("population:N"),
                alt.Tooltip("z_lower:Q", title="from z", format=".2f"),
                alt.Tooltip("z_upper:Q", title="to z", format=".2f"),
                alt.Tooltip("n:Q", title="sources", format=","),
            ],
        )
        .properties(width=900, height=260)
    )
    return zoomable(chart)


def draw_colour_selection(material: Material) -> Any:
    """Figure 18: two histograms over each other, counts on a logarithmic axis."""
    rows = [
        {"population": name, "position": position, "z_lower": row["redshift_low"], "z_upper": row["redshift_high"],
         "n": row[column]}
        for row in material.all_samples("paper.figure18")
        for position, (name, column) in enumerate(zip(COLOUR_SELECTION, ("n_all", "n_colour"), strict=True))
        if row[column]
    ]  # fmt: skip
    return redshift_histogram(rows, COLOUR_SELECTION) if rows else None


FIGURES = (
    Figure(
        "figure1",
        "Redshifts",
        "2.2",
        "Sources with a secure redshift that are brighter than the magnitude limit (grey), the galaxies of the sample, "
        "which are the test data (orange), and those of them that have an MPA-JHU spectrum (red).",
        ("paper.figure1",),
        draw_redshifts,
        "no source of this sample has a redshift.",
    ),
    Figure(
        "figure18",
        "Redshifts of the colour selection",
        "app. 3",
        "Galaxies with an SDSS redshift that pass all cuts but those by colour and redshift (grey), and those of them "
        "that the colours select (blue).",
        ("paper.figure18",),
        draw_colour_selection,
        "no galaxy with an SDSS redshift to try the colour selection on.",
    ),
)
