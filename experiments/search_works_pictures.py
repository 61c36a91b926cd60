"""Pictures of what the best checkpoint selects and misses: original, without its lines or nucleus, residual."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from search_works_counts import NUCLEI, Sample, mask_of

from swimmy_db.cubes.store import FULL_SCALE, CubeSet
from swimmy_db.model.checkpoints import load_checkpoint
from swimmy_db.model.score import reconstruct

PICTURE = "examples.png"
HALF = 20  # pixels shown on each side of the centre
RESIDUAL_RANGE = 0.3  # stretched flux, full scale of the residual's colours
APERTURE_RADIUS = 3.0


def colour_image(cube: np.ndarray) -> np.ndarray:
    """(band, y, x) stretched flux, g r i first, as RGB: i red, r green, g blue."""
    return np.clip(np.moveaxis(cube[[2, 1, 0]], 0, -1), 0.0, 1.0)


def picture(
    path: Path,
    weights: Path,
    cubes: CubeSet,
    controls: Mapping[str, CubeSet],
    columns: list[tuple[int, str, str]],
) -> None:
    """One column an object: (object_id, title, set of controls or ''), with its reconstruction and residuals."""
    checkpoint = load_checkpoint(weights, cubes.recipe)
    rows = ["original", "without", "reconstruction", "residual g", "residual r", "residual i"]
    figure, axes = plt.subplots(len(rows), len(columns), figsize=(1.15 * len(columns), 1.2 * len(rows)))
    size = cubes.recipe.stamp_size
    crop = slice(size // 2 - HALF, size // 2 + HALF)
    for column, (object_id, title, control) in zip(axes.T, columns, strict=True):
        _, quantised = cubes.load([object_id])
        image = quantised[0] / FULL_SCALE
        model = reconstruct(checkpoint, quantised)[0]
        without = controls[control].load([object_id])[1][0] / FULL_SCALE if control else None
        column[0].set_title(title, fontsize=6)
        for axis, shown in zip(column, (image, without, model), strict=False):
            if shown is not None:
                axis.imshow(colour_image(shown)[crop, crop], origin="lower", interpolation="nearest")
        for axis, band in zip(column[3:], range(3), strict=True):
            axis.imshow(
                (image - model)[band, crop, crop],
                origin="lower",
                interpolation="nearest",
                cmap="RdBu_r",
                vmin=-RESIDUAL_RANGE,
                vmax=RESIDUAL_RANGE,
            )
            axis.add_patch(plt.Circle((HALF - 0.5, HALF - 0.5), APERTURE_RADIUS, fill=False, color="black", lw=0.5))
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for axis, name in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(name, fontsize=7)
    figure.subplots_adjust(left=0.03, right=0.995, top=0.95, bottom=0.005, wspace=0.03, hspace=0.03)
    figure.savefig(path, dpi=70)
    plt.close(figure)


def examples(sample: Sample, chosen: np.ndarray, seed: int = 0) -> list[tuple[int, str, str]]:
    """Columns of the picture, picked at random: XELGs, nuclei, each selected and not, and other selected galaxies."""
    objects = sample.objects
    selected = chosen.any(axis=1)
    xelg = mask_of(objects["class"] == "xelg") & ~mask_of(objects["nucleus_to_host"].is_not_null())
    nucleus = mask_of(objects["kind"].is_in(NUCLEI))
    random = np.random.default_rng(seed)
    columns = []
    for mask, number, control in (
        (xelg & selected, 4, "lines"),
        (xelg & ~selected, 2, "lines"),
        (nucleus & selected, 3, "nucleus"),
        (nucleus & ~selected, 2, "nucleus"),
        (selected & ~xelg & ~nucleus, 4, ""),
    ):
        rows = np.flatnonzero(mask)
        for row in np.sort(random.choice(rows, size=min(number, len(rows)), replace=False)):
            facts = objects.row(int(row), named=True)
            bands = "&".join(band for band, found in zip(sample.bands, chosen[row], strict=True) if found) or "not"
            what = facts["artefact"] or facts["kind"]
            if control == "lines":
                what = f"XELG {facts['xelg_ew']:.0f} A"
            elif control == "nucleus":
                what = f"{facts['kind'].removeprefix('milliquas_')} {facts['nucleus_to_host']:.2f}"
            columns.append((facts["object_id"], f"{what}\n{bands}", control))
    return columns
