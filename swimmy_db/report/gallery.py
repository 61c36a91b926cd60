"""Pictures of stretched cubes: one galaxy in colour, and the most anomalous beside ordinary ones."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

COLUMNS = 3  # cells beside each other in each half
GAP = 4  # px between original, reconstruction and residual
# inches: a stamp's side, a cell's label, what separates cells, halves, and the titles at the top
SIDE, LABEL, SPACE, MIDDLE, HEAD = 0.9, 0.13, 0.06, 0.25, 0.55
DOTS_PER_INCH = 130
# The stretch leaves most of a faint galaxy below 0.4. Shown with this power the eye sees what the network sees.
GAMMA = 0.6


class Galaxies(NamedTuple):
    """What one half of the gallery shows.

    cubes, reconstructions: (n, band, y, x) stretched flux in [0, 1]. object_ids: n. labels: n, what is written beside
    the id, such as "g 0.021".
    """

    title: str
    cubes: np.ndarray
    reconstructions: np.ndarray
    object_ids: Sequence[int]
    labels: Sequence[str]


def colour_bands(bands: Sequence[str], selection_bands: Sequence[str] = ()) -> tuple[int, int, int]:
    """Positions in the cube of the bands shown as red, green and blue: of the selection bands where there are three.

    Else of all bands: the last, the middle and the first, for cubes go from blue to red.
    """
    chosen = [list(bands).index(band) for band in selection_bands] if len(selection_bands) >= 3 else range(len(bands))
    chosen = sorted(chosen)
    return chosen[-1], chosen[len(chosen) // 2], chosen[0]


def stamp_rgb(cube: np.ndarray, rgb: tuple[int, int, int] = (2, 1, 0)) -> np.ndarray:
    """(y, x, 3) in [0, 1], row 0 at the bottom of the sky, of a stretched cube (band, y, x) in [0, 1].

    rgb: positions of the bands shown as red, green and blue (i, r, g in HSC's order).
    """
    return np.clip(np.moveaxis(cube[list(rgb)], 0, -1), 0.0, 1.0) ** GAMMA


def residual_rgb(residual: np.ndarray, rgb: tuple[int, int, int], full_scale: float) -> np.ndarray:
    """(y, x, 3): grey where the residual is 0, brighter and coloured where light is in excess, darker where it lacks.

    residual: (band, y, x), source minus reconstruction; full_scale reaches black or full colour.
    """
    return np.clip(0.5 + 0.5 * np.moveaxis(residual[list(rgb)], 0, -1) / full_scale, 0.0, 1.0)


def anomaly_gallery(
    path: Path,
    anomalies: Galaxies,
    ordinary: Galaxies,
    rgb: tuple[int, int, int] = (2, 1, 0),
    title: str = "",
    aperture_radius: float | None = None,
) -> Path:
    """One PNG: anomalies on the left, ordinary galaxies on the right, each as original, reconstruction, residual.

    All residuals share one scale, five times their root mean square, so that the halves compare.
    aperture_radius (pix) draws the disc of equation 6 on the residuals. Returns the path.
    Raises ValueError where cubes and reconstructions, ids or labels differ in number or shape.
    """
    halves = (anomalies, ordinary)
    for half in halves:
        sizes = {len(half.cubes), len(half.reconstructions), len(half.object_ids), len(half.labels)}
        if len(sizes) != 1 or half.cubes.shape != half.reconstructions.shape:
            raise ValueError(f"{half.title}: cubes, reconstructions, ids and labels do not fit: {sizes}")
    residuals = np.concatenate([half.cubes - half.reconstructions for half in halves])[:, list(rgb)]
    full_scale = 5.0 * float(np.sqrt(np.mean(np.square(residuals)))) if residuals.any() else 1.0

    rows = max(ceil(len(half.cubes) / COLUMNS) for half in halves) or 1
    cell = (3 * SIDE * (1 + GAP / 96) + SPACE, SIDE + LABEL + SPACE)
    width, height = 2 * COLUMNS * cell[0] + MIDDLE + SPACE, HEAD + rows * cell[1]
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    explained = f"original, reconstruction, residual (grey: none; full colour or black: {full_scale:.3f})"
    figure.text(0.5, 1 - 0.14 / height, f"{title}   {explained}".strip(), ha="center", va="center", fontsize=9)
    for number, half in enumerate(halves):
        left = SPACE + number * (COLUMNS * cell[0] + MIDDLE)
        figure.text((left + COLUMNS * cell[0] / 2) / width, 1 - 0.4 / height, half.title, ha="center", va="center")
        for place in range(len(half.cubes)):
            row, column = divmod(place, COLUMNS)
            corner = (left + column * cell[0], height - HEAD - (row + 1) * cell[1])
            box = (*corner, cell[0] - SPACE, cell[1] - LABEL - SPACE)
            axis = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
            _draw_galaxy(axis, half.cubes[place], half.reconstructions[place], rgb, full_scale, aperture_radius)
            axis.set_title(f"{half.object_ids[place]}  {half.labels[place]}", fontsize=6, pad=1.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")
    return path


def _draw_galaxy(
    axis: Axes,
    cube: np.ndarray,
    reconstruction: np.ndarray,
    rgb: tuple[int, int, int],
    full_scale: float,
    aperture_radius: float | None,
) -> None:
    images = (
        stamp_rgb(cube, rgb),
        stamp_rgb(reconstruction, rgb),
        residual_rgb(cube - reconstruction, rgb, full_scale),
    )
    size = cube.shape[-1]
    strip = np.ones((cube.shape[-2], 3 * size + 2 * GAP, 3))
    for place, image in enumerate(images):
        left = place * (size + GAP)
        strip[:, left : left + size] = image
    axis.axis("off")
    axis.imshow(strip, origin="lower", interpolation="nearest")
    if aperture_radius is not None:
        centre = (2 * (size + GAP) + (size - 1) / 2, (cube.shape[-2] - 1) / 2)
        axis.add_patch(Circle(centre, aperture_radius + 0.5, fill=False, linewidth=0.4, edgecolor="black"))
