"""Figures 6, 7, 14, 17 and 19: what was selected, as stamps."""

from collections.abc import Sequence

import numpy as np

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.stamp_strips import StampSheet, Strip, colour_stamp, residual_scale, strip_of
from swimmy_db.report.style import by_key

CLASS_NAMES = {"training": "training data", "dr16q": "DR16Q quasars", "xelg": "XELGs"}
NO_CUBES = "none of its galaxies has a cube"
POSTAGE_STAMPS = 225  # per band, at most: as many as the paper's figure 19 has


def draw_examples(material: Material) -> StampSheet | str:
    """Figure 6: galaxies of three classes; the sigma of each selection band on its residual."""
    groups = []
    for panel, rows in by_key(material.published("paper.figure6"), "panel").items():
        galaxies = by_key(rows, "object_id")
        notes = {
            object_id: {row["band"]: row["sigma"] for row in of_object if row["sigma"] is not None}
            for object_id, of_object in galaxies.items()
        }
        first = {object_id: of_object[0] for object_id, of_object in galaxies.items()}
        groups.append((CLASS_NAMES.get(panel, panel), list(first.values()), notes))
    return _sheet(material, groups, material.selection_bands)


def draw_candidates(material: Material) -> StampSheet | str:
    """Figure 7: candidates drawn at random from each selection band."""
    by_band = by_key(material.published("paper.figure7"), "selection_band")
    groups = [(f"selected in {band}", rows, {}) for band, rows in by_band.items()]
    return _sheet(material, groups, material.selection_bands)


def draw_negative_residuals(material: Material) -> StampSheet | str:
    """Figure 17: high scores with too little light, residuals of all bands."""
    by_band = by_key(material.published("paper.figure17"), "selection_band")
    groups = [(f"too little light in {band}", rows, {}) for band, rows in by_band.items()]
    return _sheet(material, groups, material.bands)


def draw_most_anomalous(material: Material) -> StampSheet | str:
    return _postage_stamps(material, "paper.figure14")


def draw_colour_selected(material: Material) -> StampSheet | str:
    return _postage_stamps(material, "paper.figure19")


def _sheet(
    material: Material,
    groups: Sequence[tuple[str, list[dict], dict[int, dict[str, float]]]],
    residual_bands: Sequence[str],
) -> StampSheet | str:
    """Strips of original, reconstruction and residuals; all residuals of the figure share one scale."""
    held = material.pixels.holds([row["object_id"] for _, rows, _ in groups for row in rows])
    kept = [(title, [row for row in rows if row["object_id"] in held], notes) for title, rows, notes in groups]
    kept = [group for group in kept if group[1]]
    if not kept:
        return NO_CUBES
    places = [material.bands.index(band) for band in residual_bands]
    loaded = [material.pixels.load([row["object_id"] for row in rows], material.checkpoint_id) for _, rows, _ in kept]
    full_scale = residual_scale(
        np.concatenate([(pixels.cubes - pixels.reconstructions)[:, places].ravel() for pixels in loaded])
    )
    n_rows = 2 + len(residual_bands)
    made = []
    for (title, rows, notes), pixels in zip(kept, loaded, strict=True):
        strips = [
            strip_of(
                cube,
                reconstruction,
                material.rgb,
                places,
                full_scale,
                title=describe(row),
                object_id=row["object_id"],
                notes=tuple(
                    ((2 + number) / n_rows, f"{notes[row['object_id']][band]:.1f}")
                    for number, band in enumerate(residual_bands)
                    if band in notes.get(row["object_id"], {})
                ),
            )
            for row, cube, reconstruction in zip(rows, pixels.cubes, pixels.reconstructions, strict=True)
        ]
        made.append((f"{title} ({len(strips)})", strips))
    labels = ("original", "reconstruction", *(f"residual {band}" for band in residual_bands))
    scale = f"residuals: red too much light, blue too little, full colour at ±{full_scale:.3f}"
    return StampSheet(made, labels, scale)


def _postage_stamps(material: Material, table: str) -> StampSheet | str:
    groups = []
    for band, rows in by_key(material.published(table), "selection_band").items():
        held = material.pixels.holds([row["object_id"] for row in rows])
        shown = [row for row in rows if row["object_id"] in held][:POSTAGE_STAMPS]
        if not shown:
            continue
        pixels = material.pixels.load([row["object_id"] for row in shown], material.checkpoint_id)
        strips = [
            Strip(colour_stamp(cube, material.rgb), describe(row), row["object_id"])
            for row, cube in zip(shown, pixels.cubes, strict=True)
        ]
        more = "" if len(shown) == len(rows) else f", the first {len(shown)}"
        level = rows[0].get("level_shown")
        more += "" if level in (None, "3.5sigma") else f", {level}: the sample is too small for a higher level"
        groups.append((f"the {band} band anomaly ({len(rows)}{more})", strips))
    return StampSheet(groups) if groups else NO_CUBES


def describe(row: dict) -> str:
    """What hovering over a galaxy says: id, redshift, score, class."""
    said = [str(row["object_id"])]
    if row.get("redshift") is not None:
        said.append(f"z = {row['redshift']:.4f}")
    if row.get("s_anom") is not None and row.get("selection_band"):
        said.append(f"S({row['selection_band']}) = {row['s_anom']:.4g}")
    said += [str(row[name]) for name in ("level", "bands", "class", "milliquas_class") if row.get(name)]
    return "\n".join(said)


FIGURES = (
    Figure(
        "figure6",
        "Examples of three classes",
        "3.2",
        "From the top: original, reconstruction, residuals in the selection bands; galaxies drawn at random. Numbers: "
        "sigma of the score against the training galaxies.",
        ("paper.figure6",),
        draw_examples,
        "no galaxy is scored.",
    ),
    Figure(
        "figure7",
        "Examples of candidates",
        "3.2",
        "Candidates drawn at random from each selection band. From the top: original, reconstruction, residuals.",
        ("paper.figure7",),
        draw_candidates,
        "nothing is selected.",
    ),
    Figure(
        "figure14",
        "The most anomalous",
        "4.4",
        "Candidates in the top 0.3 % (3 σ) of a selection band, the highest score first.",
        ("paper.figure14",),
        draw_most_anomalous,
        "the sample is too small for a top 0.3 %.",
    ),
    Figure(
        "figure17",
        "Negative residuals",
        "app. 2",
        "Galaxies over the threshold of a selection band whose centre has too little light in it; no candidates by "
        "this band. From the top: original, reconstruction, residuals in all bands.",
        ("paper.figure17",),
        draw_negative_residuals,
        "no galaxy over a threshold has a negative residual.",
    ),
    Figure(
        "figure19",
        "The most anomalous of the colour sample",
        "app. 3",
        "Colour-selected galaxies in the top 0.0465 % (3.5 σ) of a selection band, the highest score first.",
        ("paper.figure19",),
        draw_colour_selected,
        "there is no colour sample, or it is too small for a top 0.0465 %.",
        of_colour_sample=True,
    ),
)
