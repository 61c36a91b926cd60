"""Controls of the search, as score tables like the network's own: so that the same SQL selects from them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from swimmy_db.analysis.baselines import (
    aperture_magnitudes,
    band_excess,
    linear_flux,
    locus_distance,
    principal_components,
)
from swimmy_db.cubes.store import CubeRecipe, CubeSet, decode
from swimmy_db.model.checkpoints import RunConfig, save_checkpoint
from swimmy_db.model.score import SCORE_SCHEMA, anomaly_scores, aperture_mask
from swimmy_db.model.train import start

N_COMPONENTS = 8
BLOCK = 256


def score_table(
    checkpoint_id: str,
    object_ids: np.ndarray,
    bands: Sequence[str],
    s_anom: np.ndarray,
    residual_flux: np.ndarray,
    n_pixels: int,
) -> pa.Table:
    """Rows of model.selection_scores of the disc from (n, band) scores and residuals."""
    n, width = s_anom.shape
    zeros = np.zeros(n * width, np.int32)
    columns = [
        pa.array([checkpoint_id] * (n * width)),
        pa.array(["disc"] * (n * width)),
        pa.array(np.repeat(object_ids, width)),
        pa.array(list(bands) * n),
        pa.array(s_anom.reshape(-1).astype(np.float64)),
        pa.array(residual_flux.reshape(-1).astype(np.float64)),
        pa.array(zeros + n_pixels),
        pa.array(zeros),
        pa.array(zeros),
    ]
    return pa.table(columns, schema=SCORE_SCHEMA)


def pca_scores(
    checkpoint_id: str, cubes: CubeSet, training_ids: np.ndarray, bands: Sequence[str], epsilon: float
) -> pa.Table:
    """Equation 6 in the disc on the projection of each cube on eight components of the training sample."""
    _, fitted = cubes.load(training_ids)
    model = principal_components(decode(fitted).numpy(), N_COMPONENTS)
    mask = torch.from_numpy(aperture_mask("disc", cubes.recipe.stamp_size, cubes.recipe.aperture_radius))
    columns = [cubes.recipe.bands.index(band) for band in bands]
    ids, scores, residuals = [], [], []
    for some_ids, images in cubes.batches(batch_size=BLOCK):
        made = anomaly_scores(images, torch.from_numpy(model.reconstruct(images.numpy())), mask, epsilon)
        ids.append(some_ids)
        scores.append(made.s_anom[:, columns].numpy())
        residuals.append(made.residual_flux[:, columns].numpy())
    return score_table(
        checkpoint_id, np.concatenate(ids), bands, np.concatenate(scores), np.concatenate(residuals), int(mask.sum())
    )


def untrained_checkpoints(folder: Path, recipe: CubeRecipe, cube_set: str, seeds: Sequence[int]) -> list[Path]:
    """Networks as they are before the first step of training, saved as checkpoints."""
    paths = []
    for seed in seeds:
        config = RunConfig(run_id=f"untrained-r{seed:02d}", experiment="untrained", run=0, seed=seed)
        network = start(config, len(recipe.bands), torch.device("cpu")).network
        paths.append(folder / f"{config.run_id}.safetensors")
        save_checkpoint(paths[-1], network, config, 0, recipe, cube_set)
    return paths


def nuclear_magnitudes(cubes: CubeSet, bands: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(object_ids, magnitudes (n, band)) of the PSF-matched light in the disc."""
    recipe = cubes.recipe
    mask = aperture_mask("disc", recipe.stamp_size, recipe.aperture_radius)
    inside = np.flatnonzero(mask.any(axis=0))
    crop = slice(inside[0], inside[-1] + 1)
    columns = [recipe.bands.index(band) for band in bands]
    ids, magnitudes = [], []
    for some_ids, images in cubes.batches(batch_size=BLOCK):
        stretch = recipe.stretch
        flux = linear_flux(images[:, :, crop, crop].numpy(), stretch.alpha, stretch.beta, np.array(stretch.divisors))
        ids.append(some_ids)
        magnitudes.append(aperture_magnitudes(flux[:, columns], mask[crop, crop]))
    return np.concatenate(ids), np.concatenate(magnitudes)


def colour_scores(
    checkpoint_id: str, object_ids: np.ndarray, magnitudes: np.ndarray, fitted: np.ndarray, bands: Sequence[str]
) -> pa.Table:
    """Excess of each of three bands over the training sample's nuclear colour locus: squared, with its sign."""
    excess = np.stack([band_excess(magnitudes, fitted, band) for band in range(3)], axis=1)
    # A nucleus without flux in a band has no colour: no excess.
    excess = np.nan_to_num(excess, nan=0.0)
    return score_table(checkpoint_id, object_ids, bands, excess**2, excess, 1)


def colour_distance(magnitudes: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Distance (n,) of nuclear g-r and r-i from the training sample's locus; magnitudes (n, 3) of g, r, i."""
    return locus_distance(magnitudes[:, :2] - magnitudes[:, 1:], fitted)
