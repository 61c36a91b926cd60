"""The most anomalous galaxies of a workspace beside ordinary ones, as one picture."""

import os
from pathlib import Path

import numpy as np

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import NotReady
from swimmy_db.pipeline.query import answer
from swimmy_db.workspace import Workspace


def draw_gallery(workspace: Workspace, path: Path, sample: str, number: int = 25, seed: int = 1) -> Path:
    """Write a PNG of the `number` most anomalous galaxies of a sample and of as many that are above no threshold.

    The best checkpoint scores and reconstructs; the ordinary ones are drawn with the seed. Returns the path.
    Raises NotReady where the sample has no scores yet.
    """
    from swimmy_db.cubes.store import CubeRecipe, CubeSet, decode
    from swimmy_db.model.checkpoints import load_checkpoint
    from swimmy_db.model.score import reconstruct
    from swimmy_db.report.gallery import Galaxies, anomaly_gallery, colour_bands

    settings = workspace.settings()
    with open_catalog(workspace) as catalog:
        ranked = answer(catalog, "gallery", [sample, settings.experiment])
        simulated = catalog.value("select is_simulated from meta.workspace")
    if not ranked:
        raise NotReady(f"no galaxy of the sample {sample!r} has a score: `swimmy candidates` makes them")
    plain = [row for row in ranked if row["excess"] < 1.0]
    order = np.random.default_rng(seed).permutation(len(plain))[:number]

    recipe = CubeRecipe.from_settings(settings)
    cubes = CubeSet(workspace.cubes / settings.cube_set, recipe)
    checkpoint = load_checkpoint(workspace.folder / ranked[0]["path"], recipe)

    def shown(title: str, rows: list[dict]) -> Galaxies:
        wanted = [row["object_id"] for row in rows]
        ids, quantised = cubes.load(np.array(wanted, np.int64))
        places = {object_id: place for place, object_id in enumerate(ids.tolist())}
        quantised = quantised[[places[object_id] for object_id in wanted]]
        return Galaxies(
            title,
            decode(quantised).numpy(),
            reconstruct(checkpoint, quantised),
            wanted,
            [label(row, settings.magnitude_band) for row in rows],
        )

    name = f"{settings.survey} {settings.release}{', SIMULATED SURVEY' if simulated else ''}"
    temporary = path.with_name(f".{path.name}.tmp")
    anomaly_gallery(
        temporary,
        shown(f"the {min(number, len(ranked))} most anomalous of {len(ranked)}", ranked[:number]),
        shown(f"{len(order)} ordinary ones", [plain[i] for i in order]),
        rgb=colour_bands(settings.band_names, settings.selection_bands),
        title=f"{name}, {checkpoint.checkpoint_id}",
        aperture_radius=recipe.aperture_radius,
    )
    os.replace(temporary, path)
    return path


def label(row: dict, magnitude_band: str) -> str:
    """The score in the band where the galaxy stands out most, and its magnitude."""
    magnitude = "" if row["magnitude"] is None else f", {magnitude_band} = {row['magnitude']:.1f}"
    return f"S({row['band']}) = {row['s_anom']:.3g}{magnitude}"
