"""Pixels for the report: cubes, what a checkpoint makes of them, linear stamps, outputs of layers."""

from collections.abc import Sequence

import numpy as np
import torch

from swimmy_db.catalog import Catalog
from swimmy_db.cubes.store import CubeRecipe, CubeSet, decode
from swimmy_db.cubes.stretch import flux_of_one_count
from swimmy_db.model.checkpoints import Checkpoint, load_checkpoint
from swimmy_db.model.layers import LayerOutput, convolution_outputs
from swimmy_db.model.score import reconstruct
from swimmy_db.report.material import Pixels
from swimmy_db.workspace import Workspace


class WorkspacePixels:
    """The pixels of a workspace's cube set; reads what is asked for, keeps one checkpoint at hand."""

    def __init__(self, workspace: Workspace, catalog: Catalog) -> None:
        self._workspace, self._catalog = workspace, catalog
        settings = workspace.settings()
        self._cube_set = settings.cube_set
        self._recipe = CubeRecipe.from_settings(settings)
        self._cubes = CubeSet(workspace.cubes / settings.cube_set, self._recipe)
        self._checkpoint: Checkpoint | None = None

    @property
    def aperture_radius(self) -> float:
        return self._recipe.aperture_radius

    def holds(self, object_ids: Sequence[int]) -> set[int]:
        """Those of the objects that have a cube."""
        found = self._catalog.rows(
            "select object_id from survey.cubes where cube_set = ? and object_id = any(?)",
            [self._cube_set, list(object_ids)],
        )
        return {object_id for (object_id,) in found}

    def load(self, object_ids: Sequence[int], checkpoint_id: str) -> Pixels:
        """Cubes and reconstructions in the order of the ids, which may repeat. Raises SwimmyError for one without."""
        quantised = self._quantised(object_ids)
        return Pixels(decode(quantised).numpy(), reconstruct(self._checkpoint_of(checkpoint_id), quantised))

    def linear(self, object_id: int) -> np.ndarray:
        """(band, y, x) linear flux, 1 = the stretch's zero point, around the object, before the PSF match."""
        from swimmy_db.cubes.stamps import read_stamps

        index = self._catalog.arrow("from survey.stamps where object_id = ?", [object_id])
        of_band = next(read_stamps(self._workspace.stamps, index))[object_id]
        half = self._recipe.stamp_size // 2
        planes = []
        for place, band in enumerate(self._recipe.bands):
            stamp = of_band[band]
            left, bottom = round(stamp.x) - half, round(stamp.y) - half
            zero_points = torch.full((len(self._recipe.bands),), float(stamp.zero_point), dtype=torch.float64)
            flux = float(flux_of_one_count(zero_points, self._recipe.stretch)[place])
            area = stamp.pixels[max(bottom, 0) : bottom + 2 * half, max(left, 0) : left + 2 * half]
            planes.append(np.nan_to_num(area) * flux)
        return np.stack(planes)

    def layer_outputs(self, object_id: int, checkpoint_id: str) -> list[LayerOutput]:
        return convolution_outputs(self._checkpoint_of(checkpoint_id).network, self._quantised([object_id])[0])

    def _quantised(self, object_ids: Sequence[int]) -> np.ndarray:
        ids, cubes = self._cubes.load(np.unique(np.array(object_ids, np.int64)))
        places = {object_id: place for place, object_id in enumerate(ids.tolist())}
        return cubes[[places[object_id] for object_id in object_ids]]

    def _checkpoint_of(self, checkpoint_id: str) -> Checkpoint:
        if self._checkpoint is None or self._checkpoint.checkpoint_id != checkpoint_id:
            path = self._catalog.value("select path from model.checkpoints where checkpoint_id = ?", [checkpoint_id])
            self._checkpoint = load_checkpoint(self._workspace.folder / path, self._recipe)
        return self._checkpoint
