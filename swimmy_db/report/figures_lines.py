"""Figures 9 and 10: extreme emission-line galaxies by the strength of their lines, and selection by redshift."""

from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import (
    BLACK,
    GREY,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    band_colour,
    by_key,
    log_axis,
    log_scale,
    panels,
    row_of,
    values,
    zoomable,
)

LINE_DASHES = {"h_alpha": [1, 0], "oiii_5007": [7, 4], "oii_3729": [2, 3]}


def draw_equivalent_widths(material: Material) -> Any:
    """Cumulative numbers from the strongest lines down, selected and not, and the share selected so far."""

    def draw(band: str, rows: list[dict]) -> Any:
        colour = band_colour(band, material.bands)
        rows = [row for row in rows if row["ew_band"] is not None and row["ew_band"] >= 1]
        counts = [
            {"ew_band": row["ew_band"], "n": row[column], "of": name, "object_id": row["object_id"],
             "strongest_line": row["strongest_line"], "rate": row["selection_rate_above"]}
            for row in rows
            for name, column in (("selected", "n_selected_above"), ("not selected", "n_unselected_above"))
        ]  # fmt: skip
        x = alt.X("ew_band:Q", title=f"EW_{band} [Å], and all above", scale=log_scale(), axis=log_axis((1, 2, 5)))
        steps = (
            alt.Chart(values(counts))
            .mark_area(interpolate="step-before", opacity=0.35, line={"strokeWidth": 1.4}, clip=True)
            .encode(
                x=x,
                y=alt.Y("n:Q", title="XELGs above", stack=None),
                color=alt.Color(
                    "of:N",
                    scale=alt.Scale(domain=["selected", "not selected"], range=[colour, BLACK]),
                    legend=alt.Legend(title=None, orient="bottom"),
                ),
                tooltip=[
                    alt.Tooltip("of:N"),
                    alt.Tooltip("ew_band:Q", title="EW [Å]", format=".0f"),
                    alt.Tooltip("n:Q", title="XELGs above"),
                    alt.Tooltip("rate:Q", title="selected of all above", format=".1%"),
                    alt.Tooltip("strongest_line:N", title="strongest line"),
                    alt.Tooltip("object_id:N"),
                ],
            )
        )
        rate = (
            alt.Chart(values(rows))
            .mark_line(color=colour, strokeWidth=2.5, interpolate="step-before", clip=True)
            .encode(
                x=x,
                y=alt.Y(
                    "selection_rate_above:Q",
                    title="selected of all above (line)",
                    scale=alt.Scale(domain=[0, 1]),
                    axis=alt.Axis(format="%", orient="right", grid=False),
                ),
            )
        )
        chart = alt.layer(steps, rate).resolve_scale(y="independent")
        return chart.properties(width=PANEL_WIDTH - 44, height=PANEL_HEIGHT, title=band)

    return panels(material.published("paper.figure9"), material.bands, draw)


def draw_rates_by_redshift(material: Material) -> Any:
    """Share selected per redshift bin with its 95 % bounds; where lines fall in the band, their throughput."""
    rates = by_key(material.published("paper.figure10"), "band")
    lines = by_key(material.rows("paper.figure10_lines"), "band")
    seen: dict[str, str] = {}
    for row in material.rows("paper.figure10_lines"):
        seen.setdefault(row["line"], row["label"])

    def draw(band: str) -> Any:
        colour = band_colour(band, material.bands)
        rows = [{**row, "middle": (row["redshift_low"] + row["redshift_high"]) / 2} for row in rates[band]]
        base = alt.Chart(values(rows))
        highest = 1.04 * max(row["selection_rate_upper"] for row in rows)
        x = alt.X("redshift_low:Q", title="redshift", scale=alt.Scale(zero=False, nice=False))
        rate_axis = alt.Axis(format="%")
        bars = base.mark_rect(color=colour, opacity=0.45, stroke=colour, clip=True).encode(
            x=x,
            x2="redshift_high:Q",
            y=alt.Y(
                "selection_rate:Q", title=f"selected in {band}", axis=rate_axis, scale=alt.Scale(domain=[0, highest])
            ),
            y2=alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("redshift_low:Q", title="from z", format=".2f"),
                alt.Tooltip("redshift_high:Q", title="to z", format=".2f"),
                alt.Tooltip("n_selected:Q", title="selected"),
                alt.Tooltip("n_all:Q", title="of"),
                alt.Tooltip("selection_rate:Q", title="rate", format=".1%"),
                alt.Tooltip("selection_rate_lower:Q", title="95 % from", format=".1%"),
                alt.Tooltip("selection_rate_upper:Q", title="to", format=".1%"),
            ],
        )
        errors = base.mark_rule(color=BLACK, clip=True).encode(
            x="middle:Q", y="selection_rate_lower:Q", y2="selection_rate_upper:Q"
        )
        throughput = (
            alt.Chart(values(lines.get(band, [])))
            .mark_line(color=GREY, strokeWidth=1.6, clip=True)
            .encode(
                x="redshift:Q",
                y=alt.Y(
                    "throughput:Q",
                    title="throughput of the line / peak",
                    scale=alt.Scale(domain=[0, 1.02]),
                    axis=alt.Axis(orient="right", grid=False, values=[0, 0.5, 1]),
                ),
                strokeDash=alt.StrokeDash(
                    "label:N",
                    scale=alt.Scale(domain=list(seen.values()), range=[LINE_DASHES.get(line, [1, 1]) for line in seen]),
                    legend=alt.Legend(title=None, orient="bottom", symbolSize=400),
                ),
                tooltip=[
                    alt.Tooltip("label:N", title="line"),
                    alt.Tooltip("redshift:Q", format=".3f"),
                    alt.Tooltip("wavelength_observed:Q", title="observed at [Å]", format=".0f"),
                    alt.Tooltip("throughput:Q", format=".2f"),
                ],
            )
        )
        layers = alt.layer(alt.layer(bars, errors), throughput) if lines.get(band) else alt.layer(bars, errors)
        chart = layers.resolve_scale(y="independent") if lines.get(band) else zoomable(layers, band)
        return chart.properties(width=PANEL_WIDTH - 44, height=PANEL_HEIGHT, title=band)

    return row_of([draw(band) for band in material.bands if band in rates])


FIGURES = (
    Figure(
        "figure9",
        "Extreme emission-line galaxies by line strength",
        "4.1",
        "XELGs with EW_band of a value or more: selected in the band (colour) and not (black), counted from the "
        "strongest lines down; the line is the share selected of all above. Widths below 1 Å are left out.",
        ("paper.figure9",),
        draw_equivalent_widths,
        "no XELG is known in this sample (no MPA-JHU lines).",
    ),
    Figure(
        "figure10",
        "Selection by redshift",
        "4.3",
        "Share of the galaxies that a band selects, by redshift, with Wilson's 95 % bounds; grey lines: where "
        "Hα (solid), [O III] (dashed) and [O II] (dotted) fall in the band's throughput.",
        ("paper.figure10", "paper.figure10_lines"),
        draw_rates_by_redshift,
        "no galaxy of this sample has a redshift.",
    ),
)
