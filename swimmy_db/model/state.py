"""What a training is between two epochs: made from a seed, saved whole, and gone back to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from swimmy_db.model.checkpoints import RunConfig, read_tensors, write_tensors
from swimmy_db.model.dcae import DCAE, initialise
from swimmy_db.model.optimiser import KerasAdam

RECORDS = ("epochs", "checkpoints", "started", "finished")


def now() -> str:
    """UTC, without a zone, as tables have it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat()


@dataclass
class Training:
    """The state of one run between two epochs: all that the next epoch depends on."""

    network: DCAE
    optimiser: KerasAdam
    sampler: torch.Generator  # shuffles the training set
    noise: torch.Generator
    epochs: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    started: str = field(default_factory=now)
    finished: str | None = None

    @property
    def epoch(self) -> int:
        """The last finished epoch, 0 before the first."""
        return len(self.epochs)


def start(config: RunConfig, n_bands: int, device: torch.device) -> Training:
    """A run before its first epoch; all its randomness follows from config.seed."""
    weights_seed, sampler_seed, noise_seed = np.random.SeedSequence([config.seed, 1]).generate_state(3).tolist()
    network = DCAE(n_bands, config.latent_dim, config.noise_std, config.batchnorm_momentum)
    initialise(network, torch.Generator().manual_seed(weights_seed))
    network.to(device, memory_format=torch.channels_last)
    return Training(
        network=network,
        optimiser=KerasAdam(network.parameters(), lr=config.learning_rate),
        sampler=torch.Generator().manual_seed(sampler_seed),
        noise=torch.Generator(device).manual_seed(noise_seed),
    )


def save(training: Training, path: Path, identity: dict[str, Any]) -> None:
    """Write all that the next epoch depends on, as one file, atomically."""
    tensors = {f"network.{name}": tensor for name, tensor in training.network.state_dict().items()}
    for name, parameter in training.network.named_parameters():
        moments = training.optimiser.state[parameter]
        tensors |= {f"adam.{name}.{key}": moments[key] for key in ("step", "exp_avg", "exp_avg_sq")}
    tensors |= {"sampler": training.sampler.get_state(), "noise": training.noise.get_state()}
    write_tensors(path, tensors, identity | {name: getattr(training, name) for name in RECORDS})


def restore(training: Training, path: Path, identity: dict[str, Any]) -> None:
    """Go back to the saved state, if there is one of this very run: same settings, recipe and cubes."""
    if not path.is_file():
        return
    tensors, saved = read_tensors(path)
    if {name: saved.get(name) for name in identity} != identity:
        return
    weights = {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
    training.network.load_state_dict(weights)
    for name, parameter in training.network.named_parameters():
        training.optimiser.state[parameter] = {
            "step": tensors[f"adam.{name}.step"],
            "exp_avg": torch.empty_like(parameter.detach()).copy_(tensors[f"adam.{name}.exp_avg"]),
            "exp_avg_sq": torch.empty_like(parameter.detach()).copy_(tensors[f"adam.{name}.exp_avg_sq"]),
        }
    training.sampler.set_state(tensors["sampler"])
    training.noise.set_state(tensors["noise"])
    for name in RECORDS:
        setattr(training, name, saved[name])
