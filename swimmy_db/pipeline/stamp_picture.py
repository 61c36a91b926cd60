"""`swimmy stamp`: one object's cube as a picture, with what the best checkpoint makes of it."""

import os
from pathlib import Path

import numpy as np

from swimmy_db.catalog import Catalog
from swimmy_db.errors import SwimmyError, UsageError
from swimmy_db.pipeline.explain import explain_object
from swimmy_db.workspace import Workspace


def draw_stamp(workspace: Workspace, catalog: Catalog, object_id: int, path: Path) -> str:
    """Write the PNG; returns a line that says what is on it.

    Raises NotReady before `swimmy cubes`; UsageError for an unknown id or a name that is not .png; SwimmyError, saying
    why, for an object that has no cube.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: expected a name that ends in .png")
    catalog.require("survey.cubes", "cubes")
    settings = workspace.settings()
    explained = explain_object(catalog, object_id)
    held = "select count(*) from survey.cubes where object_id = ? and cube_set = ?"
    if not catalog.value(held, [object_id, settings.cube_set]):
        raise SwimmyError(f"object {object_id} has no cube: {explained['verdict']}")

    from swimmy_db.cubes.store import CubeRecipe, CubeSet, decode
    from swimmy_db.report.gallery import colour_bands
    from swimmy_db.report.stamp_sheet import stamp_sheet

    recipe = CubeRecipe.from_settings(settings)
    _, quantised = CubeSet(workspace.cubes / settings.cube_set, recipe).load(np.array([object_id]))
    weights = best_weights(catalog)
    reconstruction = None
    if weights is not None:
        from swimmy_db.model.checkpoints import load_checkpoint
        from swimmy_db.model.score import reconstruct

        checkpoint = load_checkpoint(workspace.folder / weights, recipe)
        reconstruction = reconstruct(checkpoint, quantised)[0]
    simulated = catalog.value("select is_simulated from meta.workspace")
    temporary = path.with_name(f".{path.name}.tmp")
    stamp_sheet(
        temporary,
        decode(quantised).numpy()[0],
        settings.band_names,
        colour_bands(settings.band_names, settings.selection_bands),
        title(object_id, explained, simulated),
        reconstruction,
        captions(explained, settings.band_names),
        recipe.aperture_radius,
    )
    os.replace(temporary, path)
    return "original" if weights is None else f"original, reconstruction and residual by {Path(weights).as_posix()}"


def best_weights(catalog: Catalog) -> str | None:
    """Path of the weights of the published checkpoint; None before there is one."""
    if not catalog.has("model.published"):
        return None
    return catalog.value(
        "select path from model.published inner join model.checkpoints using (checkpoint_id) order by sample limit 1"
    )


def title(object_id: int, explained: dict, simulated: bool) -> str:
    identity = explained["object"]
    redshift = "" if identity["redshift"] is None else f"   z = {identity['redshift']:.4f}"
    kind = f"   {identity['class']}" if identity["class"] else ""
    survey = "   SIMULATED" if simulated else ""
    return f"{object_id}   {identity['ra']:.5f} {identity['dec']:+.5f}{redshift}{kind}{survey}"


def captions(explained: dict, bands: tuple[str, ...]) -> list[str]:
    """The central disc's score of each band, where there is one."""
    scores = {row["band"]: row["s_anom"] for row in explained["scores"] or [] if row["aperture"] == "disc"}
    return [f"S = {scores[band]:.3g}" if band in scores else "" for band in bands]
