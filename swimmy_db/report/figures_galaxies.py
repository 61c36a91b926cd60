"""Figure 13: star formation against stellar mass of what is selected."""

from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import (
    BLACK,
    PALE,
    PANEL_WIDTH,
    band_colour,
    by_key,
    layered,
    row_of,
    values,
    zoomable,
)

CATALOGUES = {"mpa_jhu": "MPA-JHU", "gswlc": "GSWLC-2"}
SIDE = 55  # height of the histograms beside the plane
HEIGHT = 220


def draw_main_sequence(material: Material) -> Any:
    """A row of panels for each catalogue that has rows: the plane, with histograms of mass above and of SFR beside."""
    rows = [
        row_of([_panel(material, catalog, band) for band in material.selection_bands])
        for catalog in CATALOGUES
        if any(row["catalog"] == catalog for row in material.rows("paper.figure13_density"))
    ]
    return alt.vconcat(*rows, spacing=24) if rows else None


def _panel(material: Material, catalog: str, band: str) -> Any:
    colour = band_colour(band, material.bands)

    def of(table: str, **wanted: str) -> list[dict]:
        wanted = {"catalog": catalog, **wanted}
        return [row for row in material.published(table) if all(row[name] == value for name, value in wanted.items())]

    cells = of("paper.figure13_density")
    mass_range = [min(row["log_mass_low"] for row in cells), max(row["log_mass_high"] for row in cells)]
    sfr_range = [min(row["log_sfr_low"] for row in cells), max(row["log_sfr_high"] for row in cells)]
    x_scale = alt.Scale(domain=mass_range, nice=False)
    y_scale = alt.Scale(domain=sfr_range, nice=False)
    density = (
        alt.Chart(values(cells))
        .mark_rect(clip=True)
        .encode(
            x=alt.X("log_mass_low:Q", title="log stellar mass [solar masses]", scale=x_scale),
            x2="log_mass_high:Q",
            y=alt.Y("log_sfr_low:Q", title="log SFR [solar masses / yr]", scale=y_scale),
            y2="log_sfr_high:Q",
            color=alt.Color("n:Q", scale=alt.Scale(type="log", scheme="greys", domainMin=0.4), legend=None),
            tooltip=[alt.Tooltip("n:Q", title="galaxies", format=",")],
        )
    )
    selected = [
        {**row, "kind": "3 σ or above" if row["is_most_anomalous"] else "selected"}
        for row in of("paper.figure13", band=band)
    ]
    points = (
        alt.Chart(values(selected))
        .mark_point(filled=True, color=colour, opacity=0.85, clip=True, stroke="white", strokeWidth=0.4)
        .encode(
            x="log_mass:Q",
            y="log_sfr:Q",
            shape=alt.Shape(
                "kind:N",
                scale=alt.Scale(domain=["selected", "3 σ or above"], range=["circle", "diamond"]),
                legend=alt.Legend(title=None, orient="bottom", symbolFillColor=colour),
            ),
            size=alt.condition("datum.is_most_anomalous", alt.value(90), alt.value(22)),
            tooltip=[
                alt.Tooltip("object_id:N"),
                alt.Tooltip("kind:N"),
                alt.Tooltip("log_mass:Q", format=".2f"),
                alt.Tooltip("log_sfr:Q", format=".2f"),
                alt.Tooltip("s_anom:Q", title="S", format=".4g"),
                alt.Tooltip("sigma:Q", format=".2f"),
            ],
        )
    )
    sequence = (
        alt.Chart(values(material.rows("paper.figure13_main_sequence")))
        .mark_line(color=BLACK, strokeDash=[6, 4], clip=True)
        .encode(x="log_mass:Q", y="log_sfr:Q")
    )
    plane = zoomable(
        layered(density, points, sequence).properties(width=PANEL_WIDTH - 60, height=HEIGHT), f"{catalog}_{band}"
    )
    bins = of("paper.figure13_histograms", band=band)
    by_quantity = by_key(bins, "quantity")
    above = _histogram(by_quantity.get("log_mass", []), colour, "x", x_scale)
    beside = _histogram(by_quantity.get("log_sfr", []), colour, "y", y_scale)
    tests = {row["quantity"]: row for row in of("paper.figure13_tests", band=band, compared_with="all")}
    title = f"{band}, {CATALOGUES[catalog]}"
    said = [
        f"{name}: KS D = {tests[quantity]['statistic']:.3f}, p = {tests[quantity]['p_value']:.2g}"
        for quantity, name in (("log_mass", "mass"), ("log_sfr", "SFR"))
        if quantity in tests and tests[quantity]["statistic"] is not None
    ]
    heading = alt.Title(title, subtitle=said, subtitleFontSize=10) if said else alt.Title(title)
    above = above.properties(width=PANEL_WIDTH - 60, height=SIDE, title=heading)
    beside = beside.properties(width=SIDE, height=HEIGHT)
    return alt.vconcat(above, alt.hconcat(plane, beside, spacing=4), spacing=4)


def _histogram(rows: list[dict], colour: str, along: str, scale: alt.Scale) -> Any:
    """Fractions per bin of all galaxies (grey) and of the selected (colour), along x or y, without an axis title."""
    shares = [
        {"low": row["low"], "high": row["high"], "of": name, "share": row[n] / total, "zero": 0, "n": row[n]}
        for row in rows
        for name, n, total in (
            ("all", "n_all", row["n_total"]),
            ("selected", "n_selected", row["n_selected_total"]),
        )
        if total
    ]
    hidden = alt.Axis(labels=False, ticks=False, title=None, grid=False)
    share = {"title": None, "axis": alt.Axis(labels=False, ticks=False, grid=False)}
    low = (alt.X if along == "x" else alt.Y)("low:Q", scale=scale, axis=hidden)
    ends = {"x": low, "x2": "high:Q", "y": alt.Y("share:Q", **share), "y2": "zero:Q"}
    if along == "y":
        ends = {"y": low, "y2": "high:Q", "x": alt.X("share:Q", **share), "x2": "zero:Q"}
    colours = alt.Color("of:N", scale=alt.Scale(domain=["all", "selected"], range=[PALE, colour]), legend=None)
    return (
        alt.Chart(values(shares))
        .mark_rect(opacity=0.65, clip=True)
        .encode(
            **ends,
            color=colours,
            tooltip=[
                alt.Tooltip("of:N"),
                alt.Tooltip("low:Q", title="from", format=".1f"),
                alt.Tooltip("high:Q", title="to", format=".1f"),
                alt.Tooltip("n:Q", title="galaxies"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )


FIGURES = (
    Figure(
        "figure13",
        "Star formation and stellar mass",
        "4.3",
        "Cells: all galaxies but quasars and AGNs, darker for more. Points: those that the band selects; diamonds: at "
        "3 σ or above. Dashed: the main sequence of star-forming galaxies (Renzini and Peng 2015). Histograms: shares "
        "per bin of all (grey) and of the selected (colour), which the Kolmogorov-Smirnov tests compare.",
        (
            "paper.figure13_density",
            "paper.figure13",
            "paper.figure13_histograms",
            "paper.figure13_main_sequence",
            "paper.figure13_tests",
        ),
        draw_main_sequence,
        "no galaxy has a mass and a star-formation rate (no MPA-JHU, no GSWLC-2).",
    ),
)
