"""One galaxy's cube as a picture: in colour and band by band, beside its reconstruction and residual."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from swimmy_db.report.gallery import GAMMA, residual_rgb, stamp_rgb

SIDE = 1.5  # inches of one panel
DOTS_PER_INCH = 130


def stamp_sheet(
    path: Path,
    cube: np.ndarray,
    bands: Sequence[str],
    rgb: tuple[int, int, int],
    title: str,
    reconstruction: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    aperture_radius: float | None = None,
) -> Path:
    """Write a PNG: a column in colour and one a band; rows original and, if given, reconstruction and residual.

    cube, reconstruction: (band, y, x) stretched flux in [0, 1]. captions: one a band, below its name.
    All residuals share one scale, five times their root mean square. aperture_radius: pix, drawn on the residuals.
    """
    pictures = [("original", [stamp_rgb(cube, rgb), *(plane**GAMMA for plane in cube)])]
    if reconstruction is not None:
        residual = cube - reconstruction
        full_scale = max(5.0 * float(np.sqrt(np.mean(np.square(residual)))), 1e-6)
        greys = [np.clip(0.5 + 0.5 * plane / full_scale, 0.0, 1.0) for plane in residual]
        pictures.append(("reconstruction", [stamp_rgb(reconstruction, rgb), *(p**GAMMA for p in reconstruction)]))
        pictures.append((f"residual (±{full_scale:.3f})", [residual_rgb(residual, rgb, full_scale), *greys]))
    columns = len(bands) + 1
    figure = Figure(figsize=(columns * SIDE, len(pictures) * SIDE + 0.8), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots(len(pictures), columns, squeeze=False)
    names = ["colour", *(f"{b}\n{c}" if c else b for b, c in zip(bands, captions or [""] * len(bands), strict=True))]
    for row, (label, panels) in enumerate(pictures):
        for column, panel in enumerate(panels):
            axis: Axes = axes[row, column]
            axis.imshow(panel, origin="lower", interpolation="nearest", cmap="gray", vmin=0.0, vmax=1.0)
            axis.set_xticks([])
            axis.set_yticks([])
            if row == 0:
                axis.set_title(names[column], fontsize=8)
            if row == 2 and aperture_radius is not None:
                centre = ((cube.shape[-1] - 1) / 2, (cube.shape[-2] - 1) / 2)
                axis.add_patch(Circle(centre, aperture_radius, fill=False, linewidth=0.6, edgecolor="black"))
        axes[row, 0].set_ylabel(label, fontsize=8)
    figure.suptitle(title, fontsize=9)
    figure.savefig(path, format="png")
    return path
