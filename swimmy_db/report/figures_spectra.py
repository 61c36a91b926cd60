"""Figure 15: stacked and single SDSS spectra of the most anomalous galaxies."""

import math
from typing import Any

import altair as alt

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.style import (
    BAND_COLOURS,
    GREY,
    band_colour,
    by_key,
    layered,
    values,
    zoomable,
)

# Rest-frame vacuum wavelengths, Angstrom (survey.lines has those of air, as MPA-JHU measures them).
LINES = {"[O II]": 3728.5, "Hβ": 4862.7, "[O III]": 5008.2, "Hα": 6564.6, "[S II]": 6725.5}
CLOSE_UPS = {"Hβ, [O III]": (4820.0, 5060.0), "Hα, [N II]": (6500.0, 6640.0)}
SHIFT = 0.55  # dex between single spectra


def draw_spectra(material: Material) -> Any:
    """For each selection band its stack with two close-ups, and below it up to 12 single spectra, shifted apart."""
    stacks = by_key(material.published("paper.figure15"), "selection_band")
    singles = by_key(material.published("paper.figure15_spectra"), "selection_band")
    rows = []
    for band in material.selection_bands:
        if band in stacks:
            rows.append(_stack(stacks[band], band, band_colour(band, material.bands)))
        if band in singles:
            rows.append(_singles(singles[band], band))
    return alt.vconcat(*rows, spacing=16) if rows else None


def _stack(rows: list[dict], band: str, colour: str) -> Any:
    first = rows[0]
    rows = [{name: row[name] for name in ("wavelength", "flux", "n_values")} for row in rows]
    title = f"{band}: median stack, {first['n_spectra']} of {first['n_galaxies']} galaxies at 3 σ have a spectrum"
    whole = _line(rows, colour, 590, 190, f"stack_{band}").properties(title=title)
    close = [
        _line([row for row in rows if low <= row["wavelength"] <= high], colour, 115, 190).properties(title=name)
        for name, (low, high) in CLOSE_UPS.items()
    ]
    return alt.hconcat(whole, *close, spacing=14)


def _line(rows: list[dict], colour: str, width: int, height: int, zoom: str | None = None) -> Any:
    x = alt.X("wavelength:Q", title="rest wavelength [Å]", scale=alt.Scale(zero=False, nice=False),
              axis=alt.Axis(format="d", labelOverlap=True))  # fmt: skip
    base = alt.Chart(values(rows))
    spectrum = base.mark_line(strokeWidth=1, color=colour, clip=True).encode(
        x=x,
        y=alt.Y("flux:Q", title="flux / median", scale=alt.Scale(zero=False)),
        tooltip=[
            alt.Tooltip("wavelength:Q", format=".1f"),
            alt.Tooltip("flux:Q", format=".3f"),
            alt.Tooltip("n_values:Q", title="spectra"),
        ],
    )
    spectrum = zoomable(spectrum, zoom) if zoom else spectrum
    inside = [
        {"line": name, "at": wavelength}
        for name, wavelength in LINES.items()
        if rows and rows[0]["wavelength"] <= wavelength <= rows[-1]["wavelength"]
    ]
    rules = alt.Chart(values(inside)).mark_rule(color=GREY, strokeDash=[2, 3], clip=True).encode(x="at:Q")
    # the Balmer lines' names stand left of them, for another line follows close on the right
    names = [
        alt.Chart(values([line for line in inside if line["line"].startswith("H") == is_left]))
        .mark_text(
            align="right" if is_left else "left", dx=-3 if is_left else 3, baseline="top", fontSize=10, color=GREY
        )
        .encode(x="at:Q", y=alt.value(3), text="line:N")
        for is_left in (True, False)
    ]
    layers = [rules, spectrum, *names] if zoom else [rules, spectrum]
    return layered(*layers).properties(width=width, height=height)


def _singles(rows: list[dict], band: str) -> Any:
    """Common logarithms, shifted from one another; negative pixels of a spectrum have none and are left out."""
    galaxies = by_key(rows, "place")
    shown = [
        {
            "wavelength": row["wavelength"],
            "log_flux": math.log10(row["flux"]) - SHIFT * number,
            "object_id": row["object_id"],
            "spectrum": f"{row['plate']}-{row['mjd']}-{row['fiberid']}",
            "z": row["redshift"],
            "colour": number % len(BAND_COLOURS),
        }
        for number, of_galaxy in enumerate(galaxies.values())
        for row in of_galaxy
        if row["flux"] > 0
    ]
    chart = (
        alt.Chart(values(shown))
        .mark_line(strokeWidth=0.8, clip=True)
        .encode(
            x=alt.X("wavelength:Q", title="rest wavelength [Å]", scale=alt.Scale(zero=False, nice=False),
                    axis=alt.Axis(format="d", tickCount=10)),
            y=alt.Y("log_flux:Q", title="log flux, shifted", axis=alt.Axis(labels=False, ticks=False)),
            color=alt.Color("colour:O", scale=alt.Scale(range=list(BAND_COLOURS)), legend=None),
            detail="object_id:N",
            tooltip=[
                alt.Tooltip("object_id:N"),
                alt.Tooltip("spectrum:N", title="plate-MJD-fibre"),
                alt.Tooltip("z:Q", format=".4f"),
                alt.Tooltip("wavelength:Q", format=".1f"),
            ],
        )
        .properties(width=860, height=60 + 26 * len(galaxies), title=f"{band}: single spectra, the highest score first")
    )  # fmt: skip
    return zoomable(chart, f"singles_{band}")


FIGURES = (
    Figure(
        "figure15",
        "Spectra of the most anomalous",
        "4.4",
        "SDSS spectra of the galaxies that a band selects at 3 σ, in the rest frame: the median stack with close-ups, "
        "and single spectra on a logarithmic scale, shifted from one another.",
        ("paper.figure15", "paper.figure15_spectra"),
        draw_spectra,
        "no SDSS spectrum of a galaxy at 3 σ is at hand.",
    ),
)
