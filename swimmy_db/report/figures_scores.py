"""Figures 5, 11 and 12: how scores are distributed, and how they go with line strength and magnitude."""

from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import (
    BLACK,
    GREY,
    PALE,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    band_colour,
    by_key,
    layered,
    log_axis,
    log_scale,
    panels,
    row_of,
    values,
    zoomable,
)

SCORE = "anomaly score S"
DASHES = {"median": [1, 0], "top 5 % (2 σ)": [2, 3], "top 0.3 % (3 σ)": [7, 4]}
KINDS = {"galaxy": "circle", "XELG": "triangle-up", "AGN or quasar": "cross"}


def threshold_lines(limits: dict[str, float | None], channel: str) -> alt.Chart:
    """Rules at scores, along x or y, dotted at 2 sigma and dashed at 3 as in the paper."""
    rows = [{"line": name, "at": value} for name, value in limits.items() if value is not None]
    axis = {"x": alt.X, "y": alt.Y}[channel]("at:Q")
    return (
        alt.Chart(values(rows))
        .mark_rule(color=BLACK, strokeWidth=1.2, clip=True)
        .encode(
            **{channel: axis},
            strokeDash=alt.StrokeDash(
                "line:N",
                scale=alt.Scale(domain=list(limits), range=[DASHES[name] for name in limits]),
                legend=alt.Legend(title=None, orient="bottom", symbolStrokeColor=BLACK, symbolSize=400),
            ),
            tooltip=[alt.Tooltip("line:N"), alt.Tooltip("at:Q", title=SCORE, format=".4g")],
        )
    )


def draw_score_distributions(material: Material) -> Any:
    def draw(band: str, rows: list[dict]) -> Any:
        bars = [
            {**row, "of": name, "n": row[column], "floor": 0.6}
            for row in rows
            for name, column in (("test data", "n_all"), ("candidates", "n_selected"))
            if row[column]
        ]
        histogram = (
            alt.Chart(values(bars))
            .mark_rect(clip=True, opacity=0.9)
            .encode(
                x=alt.X("s_anom_low:Q", title=f"{SCORE} in {band}", scale=log_scale(), axis=log_axis()),
                x2="s_anom_high:Q",
                y=alt.Y("n:Q", title="galaxies per bin", scale=log_scale(domainMin=0.6), axis=log_axis()),
                y2="floor:Q",
                color=alt.Color(
                    "of:N",
                    scale=alt.Scale(
                        domain=["test data", "candidates"], range=[PALE, band_colour(band, material.bands)]
                    ),
                    legend=alt.Legend(title=None, orient="bottom"),
                ),
                tooltip=[
                    alt.Tooltip("of:N"),
                    alt.Tooltip("s_anom_low:Q", title="from S", format=".3g"),
                    alt.Tooltip("s_anom_high:Q", title="to S", format=".3g"),
                    alt.Tooltip("n:Q", title="galaxies", format=","),
                ],
            )
        )
        first = rows[0]
        limits = {
            "median": first["median_s_anom"],
            "top 5 % (2 σ)": first["limit_2sigma"],
            "top 0.3 % (3 σ)": first["limit_3sigma"],
        }
        chart = alt.layer(histogram, threshold_lines(limits, "x"))
        return zoomable(chart.properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=band), band)

    return panels(material.published("paper.figure5"), material.bands, draw)


def score_plane(
    material: Material, table: str, x: str, title: str, x_scale: alt.Scale, x_axis: alt.Axis, headings: dict[str, str]
) -> Any:
    """Scores against a quantity: all galaxies as cells of grey, those that matter singly, thresholds as lines."""
    singles = by_key(material.published(table), "band")
    cells = by_key(material.published(f"{table}_density"), "band")

    def draw(band: str) -> Any:
        colour = band_colour(band, material.bands)
        y = alt.Y("s_anom_low:Q", title=f"{SCORE} in {band}", scale=log_scale(), axis=log_axis())
        is_first = band == next(b for b in material.bands if b in singles or b in cells)
        legend = alt.Legend(title=None, orient="bottom", symbolFillColor=GREY, symbolSize=60)
        density = (
            alt.Chart(values(cells.get(band, [])))
            .mark_rect(clip=True)
            .encode(
                x=alt.X(f"{x}_low:Q", title=title.format(band=band), scale=x_scale, axis=x_axis),
                x2=f"{x}_high:Q",
                y=y,
                y2="s_anom_high:Q",
                color=alt.Color(
                    "n:Q",
                    scale=alt.Scale(type="log", scheme="greys", domainMin=0.4),
                    legend=None,
                ),
                tooltip=[alt.Tooltip("n:Q", title="galaxies", format=",")],
            )
        )
        columns = ("object_id", x, "s_anom", "sigma")
        rows = [
            {name: row[name] for name in columns}
            | {"kind": kind_of(row), "is": "selected" if row["is_selected"] else "not selected"}
            for row in singles.get(band, [])
        ]

        def points(rows: list[dict], size: int) -> alt.Chart:
            base = alt.Chart(values(rows)).mark_point(
                filled=True, clip=True, opacity=0.8, stroke="white", strokeWidth=0.4, size=size
            )
            return base.encode(
                x=alt.X(f"{x}:Q", scale=x_scale),
                y=alt.Y("s_anom:Q"),
                shape=alt.Shape(
                    "kind:N",
                    scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())),
                    legend=legend if is_first else None,
                ),
                fill=alt.Fill(
                    "is:N",
                    scale=alt.Scale(domain=["selected", "not selected"], range=[colour, BLACK]),
                    legend=alt.Legend(title=None, orient="bottom", symbolType="circle"),
                ),
                tooltip=[
                    alt.Tooltip("object_id:N"),
                    alt.Tooltip("kind:N"),
                    alt.Tooltip("is:N"),
                    alt.Tooltip("s_anom:Q", title=SCORE, format=".4g"),
                    alt.Tooltip(f"{x}:Q", format=".4g"),
                    alt.Tooltip("sigma:Q", format=".2f"),
                ],
            )

        ordinary = points([row for row in rows if row["kind"] == "galaxy"], 18)
        special = points([row for row in rows if row["kind"] != "galaxy"], 42)
        first = (singles.get(band) or cells[band])[0]
        lines = threshold_lines({"top 5 % (2 σ)": first["limit_2sigma"], "top 0.3 % (3 σ)": first["limit_3sigma"]}, "y")
        chart = layered(density, ordinary, special, lines).resolve_scale(shape="shared")
        title_of = f"{band}{headings.get(band, '')}"
        return zoomable(chart.properties(width=PANEL_WIDTH, height=PANEL_HEIGHT + 30, title=title_of), band)

    return row_of([draw(band) for band in material.bands if band in singles or band in cells])


def kind_of(row: dict) -> str:
    return "AGN or quasar" if row["is_agn"] else "XELG" if row["is_xelg"] else "galaxy"


def draw_line_strengths(material: Material) -> Any:
    scale, headings = log_scale(domainMin=0.1, clamp=True), _spearman(material, "ew_band")
    return score_plane(material, "paper.figure11", "ew_band", "EW_{band} [Å]", scale, log_axis(), headings)


def draw_magnitudes(material: Material) -> Any:
    scale = alt.Scale(zero=False, nice=False)
    title, headings = "cmodel magnitude in {band} [mag]", _spearman(material, "magnitude")
    return score_plane(material, "paper.figure12", "magnitude", title, scale, alt.Axis(), headings)


def _spearman(material: Material, quantity: str) -> dict[str, str]:
    """Coefficient and p-value by band, for the panels' headings."""
    return {
        row["band"]: f"    Spearman ρ = {row['rho']:.3f}, p = {row['p_value']:.2g}"
        for row in material.published("paper.figure12_correlations")
        if row["quantity"] == quantity and row["rho"] is not None
    }


FIGURES = (
    Figure(
        "figure5",
        "Distribution of the scores",
        "3.2",
        "Anomaly scores in the selection bands: all galaxies (grey) and those that the band selects (colour). Lines: "
        "median (solid), top 5 % or 2 σ (dotted), top 0.3 % or 3 σ (dashed). High scores that stay grey lack light in "
        "the centre instead of having too much.",
        ("paper.figure5",),
        draw_score_distributions,
        "no galaxy is scored.",
    ),
    Figure(
        "figure11",
        "Scores against line strength",
        "4.3",
        "Score against EW_band, the observed equivalent widths of the lines weighted by the throughput where they "
        "fall. Cells: all galaxies, darker for more. Points: selected galaxies in colour; XELGs (triangles), AGNs and "
        "quasars (crosses) also where they are not selected (black). Lines: 2 σ (dotted) and 3 σ (dashed). Galaxies "
        "below 0.1 Å stand at the left edge.",
        ("paper.figure11", "paper.figure11_density"),
        draw_line_strengths,
        "no galaxy has measured lines (no MPA-JHU).",
    ),
    Figure(
        "figure12",
        "Scores against magnitude",
        "4.3",
        "As figure 11, against the magnitude in the band; with Spearman's coefficient of all galaxies and its p-value.",
        ("paper.figure12", "paper.figure12_density", "paper.figure12_correlations"),
        draw_magnitudes,
        "no galaxy has a score and a magnitude.",
    ),
)
