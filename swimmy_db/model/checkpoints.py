"""Weights on disk: safetensors files that say what they were trained on, written whole or not at all."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from swimmy_db.config import Settings
from swimmy_db.cubes.store import CubeRecipe
from swimmy_db.errors import InputRefused
from swimmy_db.model.dcae import DCAE

METADATA_KEY = "swimmy"


@dataclass(frozen=True)
class RunConfig:
    """What one training depends on, beside its cubes. The same names as in config.Settings."""

    run_id: str
    experiment: str
    run: int
    seed: int
    latent_dim: int = 8
    noise_std: float = 0.02
    batch_size: int = 32
    epochs: int = 25
    first_saved_epoch: int = 10
    learning_rate: float = 1e-3
    learning_rate_after: float = 2e-4
    learning_rate_epoch: int = 10
    validation_fraction: float = 0.2
    batchnorm_momentum: float = 0.01
    training_precision: str = "float32"

    @classmethod
    def from_settings(cls, settings: Settings, run: int) -> "RunConfig":
        """Run number `run`, from 0, of the settings' experiment."""
        own = {name for name in cls.__dataclass_fields__ if name in Settings.model_fields} - {"seed"}
        return cls(
            run_id=f"{settings.experiment}-r{run:02d}",
            run=run,
            seed=settings.seed + run,
            **{name: getattr(settings, name) for name in own},
        )

    def checkpoint_id(self, epoch: int) -> str:
        return f"{self.run_id}-e{epoch:02d}"


@dataclass(frozen=True)
class Checkpoint:
    """A trained network, ready to evaluate, and where it comes from."""

    checkpoint_id: str
    epoch: int
    config: RunConfig
    recipe: CubeRecipe
    cube_set: str
    versions: dict[str, str]
    network: DCAE


def versions() -> dict[str, str]:
    """Versions of what computes a network's weights."""
    return {name: version(name) for name in ("swimmy_db", "torch", "numpy")}


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> str:
    """Write tensors and JSON metadata as one safetensors file, atomically. Returns its sha256.

    Equal contents give equal bytes: the metadata is one entry with sorted keys.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = safetensors.torch.save(tensors, {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return hashlib.sha256(data).hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a file that write_tensors wrote. Raises InputRefused for any other."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get(METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as fault:
        raise InputRefused(f"{path}: expected a safetensors file, found {fault}") from None
    if metadata is None:
        raise InputRefused(f"{path}: expected weights with metadata 'swimmy', found none")
    return tensors, json.loads(metadata)


def save_checkpoint(path: Path, network: DCAE, config: RunConfig, epoch: int, recipe: CubeRecipe, cube_set: str) -> str:
    """Save a network's weights and what they were made from. Returns the file's sha256."""
    metadata = {
        "checkpoint_id": config.checkpoint_id(epoch),
        "epoch": epoch,
        "config": asdict(config),
        "recipe": json.loads(recipe.to_json()),
        "cube_set": cube_set,
        "versions": versions(),
    }
    return write_tensors(path, network.state_dict(), metadata)


def load_checkpoint(
    path: Path,
    recipe: CubeRecipe | None = None,
    latent_dim: int | None = None,
    device: str | torch.device = "cpu",
) -> Checkpoint:
    """A checkpoint in evaluation mode.

    recipe, latent_dim: what the caller is about to use it with. Raises InputRefused, naming each difference, if the
    weights were trained on other bands, another stretch or PSF match, or have another latent space; or if the file is
    no checkpoint.
    """
    tensors, metadata = read_tensors(Path(path))
    try:
        config = RunConfig(**metadata["config"])
        trained_on = CubeRecipe.from_json(json.dumps(metadata["recipe"]))
        found = Checkpoint(
            checkpoint_id=metadata["checkpoint_id"],
            epoch=metadata["epoch"],
            config=config,
            recipe=trained_on,
            cube_set=metadata["cube_set"],
            versions=metadata["versions"],
            network=DCAE(len(trained_on.bands), config.latent_dim, config.noise_std, config.batchnorm_momentum),
        )
        found.network.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as fault:
        raise InputRefused(f"{path}: expected a checkpoint of this version, found {fault}") from None
    if recipe is not None:
        recipe.require_equal(trained_on, f"checkpoint {found.checkpoint_id} ({path})")
    if latent_dim is not None and latent_dim != config.latent_dim:
        raise InputRefused(f"{path}: latent_dim: expected {latent_dim}, found {config.latent_dim}")
    found.network.to(device).eval()
    return found
