"""Figure 8: radial profiles of quasars that a band selects and of those that it does not."""

from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import (
    GREY,
    PURPLE,
    layered,
    row_of,
    values,
)

GROUPS = {True: "selected", False: "not selected"}
COLOURS = {"selected": PURPLE, "not selected": GREY}
WIDTH, HEIGHT = 148, 150


def draw_profiles(material: Material) -> Any:
    """One block for the selection band with both groups (the paper's is the first): originals above residuals."""
    rows = material.published("paper.figure8")
    by_band = {band: [row for row in rows if row["selection_band"] == band] for band in material.selection_bands}
    shown = next(
        (band for band, of_band in by_band.items() if len({row["is_selected"] for row in of_band}) == 2),
        next((band for band, of_band in by_band.items() if of_band), None),
    )
    if shown is None:
        return None
    panels = [
        _panel(
            [row for row in by_band[shown] if (row["image"], row["band"]) == (image, band)],
            band,
            f"{image}, stretched flux" if place == 0 else None,
            has_legend=place == 0 and image == "residual",
        )
        for image in ("original", "residual")
        for place, band in enumerate(material.bands)
    ]
    counts = {
        is_selected: max((row["n_objects"] for row in by_band[shown] if row["is_selected"] == is_selected), default=0)
        for is_selected in GROUPS
    }
    title = f"quasars selected in {shown}: {counts[True]}, not selected: {counts[False]}"
    return row_of(panels, columns=len(material.bands), spacing=10).properties(title=title)


def _panel(rows: list[dict], band: str, title: str | None, has_legend: bool) -> Any:
    rows = [{**row, "group": GROUPS[row["is_selected"]]} for row in rows]
    colour = alt.Color(
        "group:N",
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
        legend=alt.Legend(title=None, orient="bottom", symbolOpacity=1) if has_legend else None,
    )
    x = alt.X("radius_arcsec:Q", title="radius [arcsec]", scale=alt.Scale(nice=False))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False))
    tooltip = [
        alt.Tooltip("group:N"),
        alt.Tooltip("object_id:N"),
        alt.Tooltip("radius_arcsec:Q", title="radius [arcsec]", format=".2f"),
        alt.Tooltip("value:Q", format=".4f"),
        alt.Tooltip("n_objects:Q", title="quasars"),
    ]
    singles = (
        alt.Chart(values([row for row in rows if row["object_id"] is not None]))
        .mark_line(strokeDash=[3, 3], opacity=0.45, strokeWidth=1, clip=True)
        .encode(x=x, y=y, color=colour, detail="object_id:N", tooltip=tooltip)
    )
    means = (
        alt.Chart(values([row for row in rows if row["object_id"] is None]))
        .mark_line(strokeWidth=2.6, clip=True, point=alt.OverlayMarkDef(size=18))
        .encode(x=x, y=y, color=colour, tooltip=tooltip)
    )
    return layered(singles, means).properties(width=WIDTH, height=HEIGHT, title=band)


FIGURES = (
    Figure(
        "figure8",
        "Radial profiles of quasars",
        "4.1",
        "DR16Q quasars in all bands: as observed (above) and less the reconstruction (below), selected (purple) and "
        "not (grey) in the band that the heading names. Dashed: single quasars; solid with points: means.",
        ("paper.figure8", "model.radial_profiles"),
        draw_profiles,
        "the sample has no DR16Q quasar.",
    ),
)
