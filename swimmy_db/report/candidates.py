"""The list of candidates that a page's own script sorts, filters and shows with their stamps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swimmy_db.report.gallery import residual_rgb
from swimmy_db.report.material import Material
from swimmy_db.report.stamp_strips import colour_stamp, picture_url, residual_scale, stacked

MOST_LISTED = 5000  # candidates on the page; all are in the published catalogue
MOST_PICTURES = 1000  # of them with stamps: 5 kB each
QUALITY = 82
BATCH = 250
CLASSES = {
    "dr16q": "DR16Q quasar",
    "xelg": "XELG",
    "agn_liner_composite": "AGN, LINER, composite",
    "training": "training",
    "other_specz": "other",
}


@dataclass(frozen=True)
class CandidateList:
    """What the script needs: columns, rows, stamps by object_id. total: how many there are in all."""

    name: str
    title: str
    total: int
    columns: list[dict[str, Any]]
    rows: list[list[Any]]
    stamps: dict[str, str]
    is_simulated: bool

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": self.columns,
            "rows": self.rows,
            "stamps": self.stamps,
            "simulated": self.is_simulated,
        }


def candidate_list(
    name: str,
    title: str,
    candidates: Sequence[dict[str, Any]],
    material: Material,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CandidateList:
    """Candidates in the order given, with stamps of the first: original, reconstruction and residual in colour."""
    shown = candidates[:MOST_LISTED]
    columns = [column for column in _columns(material) if any(row.get(column["name"]) is not None for row in shown)]
    rows = [[_value(row, column["name"]) for column in columns] for row in shown]
    stamps = _stamps([row["object_id"] for row in shown[:MOST_PICTURES]], material, progress)
    return CandidateList(name, title, len(candidates), columns, rows, stamps, material.is_simulated)


def _columns(material: Material) -> list[dict[str, Any]]:
    def column(name: str, label: str, title: str, kind: str = "number", digits: int = 3) -> dict[str, Any]:
        return {"name": name, "label": label, "title": title, "kind": kind, "digits": digits}

    scores = [
        column(f"s_anom_{band}", f"S({band})", f"anomaly score in {band} (equation 6)", digits=4)
        for band in material.selection_bands
    ]
    return [
        column("object_id", "object", "identification number, 64 bits", "id"),
        column("ra", "R.A.", "right ascension, ICRS, degrees", digits=5),
        column("dec", "Dec.", "declination, ICRS, degrees", digits=5),
        column("redshift", "z", "spectroscopic redshift", digits=4),
        column("magnitude", "mag", "cmodel magnitude in the band of the limit", digits=2),
        column("bands", "bands", "bands that select it", "choice"),
        column("max_level", "level", "highest level reached", "choice"),
        column("max_sigma", "σ", "largest significance against the training galaxies", digits=2),
        column("class", "class", "class of the galaxy", "choice"),
        column("milliquas_class", "Milliquas", "class in the Milliquas catalogue", "choice"),
        column("n_checkpoints_selecting", "agree", "checkpoints of the experiment that select it", digits=0),
        *scores,
    ]


def _value(row: dict[str, Any], name: str) -> Any:
    value = row.get(name)
    if name == "object_id":
        return str(value)
    if name == "class":
        return CLASSES.get(value, value)
    if isinstance(value, float):
        # positions to 4 milliarcsec, other numbers to six digits
        return (round(value, 6) if name in ("ra", "dec") else float(f"{value:.6g}")) if np.isfinite(value) else None
    return value


def _stamps(object_ids: Sequence[int], material: Material, progress: Callable[[int, int], None]) -> dict[str, str]:
    held = material.pixels.holds(object_ids)
    wanted = [object_id for object_id in object_ids if object_id in held]
    stamps: dict[str, str] = {}
    full_scale = None
    for start in range(0, len(wanted), BATCH):
        ids = wanted[start : start + BATCH]
        pixels = material.pixels.load(ids, material.checkpoint_id)
        residuals = pixels.cubes - pixels.reconstructions
        # one scale for all, so that they compare
        full_scale = full_scale or residual_scale(residuals[:, list(material.rgb)])
        for object_id, cube, reconstruction, residual in zip(
            ids, pixels.cubes, pixels.reconstructions, residuals, strict=True
        ):
            pictures = [colour_stamp(cube, material.rgb), colour_stamp(reconstruction, material.rgb)]
            shown = residual_rgb(residual, material.rgb, full_scale)[::-1]
            pictures.append(np.ascontiguousarray((shown * 255 + 0.5).astype(np.uint8)))
            stamps[str(object_id)] = picture_url(stacked(pictures, axis=1), QUALITY)
        progress(min(start + BATCH, len(wanted)), len(wanted))
    return stamps
