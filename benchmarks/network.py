"""The network's work against Keras's, the paper's stack: training and scoring, from the same weights and cubes."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from contest import CONTENDERS, Contender, Contest, script

from swimmy_db.model.dcae import DCAE, initialise

TRAINED = {"full": 1024, "small": 128}
SCORED = {"full": 4096, "small": 256}
BATCH, CHECK_STEPS = 32, 3


def write_cubes(path: Path, n: int) -> Path:
    """Round galaxies with sky noise as uint16 cubes (n, 5, 64, 64)."""
    random = np.random.default_rng(20261123)
    y, x = np.mgrid[:64, :64] - 31.5
    width = random.uniform(2, 9, (n, 1, 1, 1))
    light = np.exp(-np.hypot(x, y) / width) * random.uniform(0.3, 1.0, (n, 5, 1, 1))
    noisy = np.clip(light + random.normal(0.05, 0.02, (n, 5, 64, 64)), 0, 1)
    np.savez(path, cubes=np.rint(noisy * 65535).astype(np.uint16), batch_size=BATCH, check_steps=CHECK_STEPS)
    return path


def write_weights(path: Path) -> Path:
    """Glorot's draws, and the rest as a training could have left it: all zeros would hide what is wrong."""
    sys.path.insert(0, str(CONTENDERS))
    from ours_weights import parts

    network = DCAE(5)
    initialise(network, torch.Generator().manual_seed(1))
    random = np.random.default_rng(1)
    drawn = {
        "bias": lambda shape: random.normal(0, 0.05, shape),
        "gamma": lambda shape: random.uniform(0.6, 1.4, shape),
        "beta": lambda shape: random.normal(0, 0.2, shape),
        "mean": lambda shape: random.normal(0, 0.2, shape),
        "variance": lambda shape: random.uniform(0.1, 0.6, shape),
    }
    arrays = {name: tensor.detach().numpy().copy() for name, tensor in parts(network).items()}
    for name, array in arrays.items():
        kind = name.partition(".")[2]
        if kind in drawn:
            arrays[name] = drawn[kind](array.shape).astype(np.float32)
    np.savez(path, **arrays)
    return path


def same_losses(ours: Path, other: Path) -> str:
    mine, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (ours, other))
    worst = max(abs(a / b - 1) for a, b in zip(mine, theirs, strict=True))
    assert worst < 1e-3, f"losses differ by {worst}: {mine} and {theirs}"
    return f"loss of {len(mine)} float32 steps within {worst:.0e}"


def same_scores(ours: Path, other: Path) -> str:
    mine, theirs = np.load(ours), np.load(other)
    worst = float(np.abs(mine / theirs - 1).max())
    assert len(np.unique(mine.astype(np.float32))) > 0.9 * mine.size, "a network that sees nothing proves nothing"
    assert mine.shape == theirs.shape, f"{mine.shape} and {theirs.shape}"
    assert worst < 1e-3, f"scores differ by {worst}"
    return f"{mine.size:,} scores within {worst:.0e}"


def training(folder: Path, size: str, pythons: dict[str, Path]) -> Contest:
    n = TRAINED[size]
    given = (write_cubes(folder / "train.npz", n), write_weights(folder / "weights.npz"))
    work = f"training, one epoch of {n} images, batch {BATCH}"
    return Contest(
        work,
        n,
        "images",
        "swimmy_db",
        contenders("training", folder, given, pythons, "json"),
        {"Keras": 6},
        same_losses,
    )


def scoring(folder: Path, size: str, pythons: dict[str, Path]) -> Contest:
    n = SCORED[size]
    given = (write_cubes(folder / "score.npz", n), write_weights(folder / "weights.npz"))
    who = contenders("scoring", folder, given, pythons, "npy")
    return Contest(f"scoring {n} galaxies", n, "galaxies", "swimmy_db", who, {"Keras": 10}, same_scores)


def contenders(
    work: str, folder: Path, given: tuple[Path, Path], pythons: dict[str, Path], suffix: str
) -> list[Contender]:
    found = []
    for name, which, python in (("swimmy_db", "ours", "ours"), ("Keras", "keras", "theirs")):
        if python in pythons:
            answer = folder / f"{work}-{which}.{suffix}"
            found.append(Contender(name, script(f"{which}_{work}", pythons[python], *given, answer), answer))
    return found
