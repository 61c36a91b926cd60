"""Training the DCAE (section 3.1, appendix 1): one loop, resumable bit for bit, runs side by side in processes."""

import json
import os
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from swimmy_db.cubes.store import CubeRecipe, decode
from swimmy_db.errors import SwimmyError
from swimmy_db.model.checkpoints import RunConfig, save_checkpoint, versions
from swimmy_db.model.dcae import DCAE
from swimmy_db.model.fast_forms import Scorer, training_forward
from swimmy_db.model.machine import exact_float32, keep_freed_memory, one_thread
from swimmy_db.model.state import Training, now, restore, save, start
from swimmy_db.processes import cores

EVALUATION_BATCH = 16  # of a size that stays in cache (measured)
POLL_SECONDS = 0.2
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class RunResult:
    """What one run left: rows of model.runs (one), model.epochs and model.checkpoints."""

    run: dict[str, Any]
    epochs: list[dict[str, Any]]
    checkpoints: list[dict[str, Any]]


def split(n: int, validation_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows for training and for validation, disjoint and together all of n, drawn with the run's seed (4:1, app. 1)."""
    order = np.random.default_rng([seed, 0]).permutation(n)
    n_validation = round(n * validation_fraction)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


def learning_rate(config: RunConfig, epoch: int) -> float:
    """Adam's learning rate in an epoch, counted from 1: 1e-3 to epoch 10, then 2e-4."""
    return config.learning_rate if epoch <= config.learning_rate_epoch else config.learning_rate_after


def train_run(
    cubes: np.ndarray | Tensor,
    config: RunConfig,
    recipe: CubeRecipe,
    cube_set: str,
    folder: Path,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> RunResult:
    """Train one network, or go on where it was interrupted; at one thread the weights are the same to the last bit.

    cubes: (n, band, y, x) uint16, in memory (CubeSet.load gives them ascending by object_id). folder: the run's own;
    epoch-NN.safetensors of the epochs to be scored, and state.safetensors after every epoch. progress counts epochs.
    """
    keep_freed_memory()
    exact_float32()
    device = torch.device(device)
    n_total = len(cubes)
    training_rows, validation_rows = split(n_total, config.validation_fraction, config.seed)
    if len(training_rows) == 0:
        raise SwimmyError(f"run {config.run_id}: {n_total} cubes leave nothing to train on")
    identity = {"config": asdict(config), "recipe": json.loads(recipe.to_json()), "cubes": _fingerprint(cubes)}
    on_device = torch.as_tensor(cubes).to(device)
    training = start(config, len(recipe.bands), device)
    restore(training, folder / "state.safetensors", identity)

    while training.epoch < config.epochs:
        epoch = training.epoch + 1
        begin = time.perf_counter()
        train_loss = train_epoch(training, on_device, training_rows, config, epoch)
        row = {
            "run_id": config.run_id,
            "epoch": epoch,
            "train_loss": train_loss,
            "validation_loss": evaluate(training.network, on_device, validation_rows),
            "learning_rate": learning_rate(config, epoch),
            "steps": -(-len(training_rows) // config.batch_size),
            "seconds": time.perf_counter() - begin,
        }
        training.epochs.append(row)
        if epoch >= config.first_saved_epoch:
            training.checkpoints.append(_keep_weights(training, config, recipe, cube_set, folder))
        training.finished = now()
        save(training, folder / "state.safetensors", identity)
        if progress:
            progress(epoch, config.epochs)
    run = _row_of(config, training) | {
        "cube_set": cube_set,
        "n_train": len(training_rows),
        "n_validation": len(validation_rows),
        "device": device.type,
    }
    return RunResult(run, training.epochs, training.checkpoints)


def _keep_weights(
    training: Training, config: RunConfig, recipe: CubeRecipe, cube_set: str, folder: Path
) -> dict[str, Any]:
    """Save the weights of the last epoch; returns their row of model.checkpoints, path relative to folder's parent."""
    path = folder / f"epoch-{training.epoch:02d}.safetensors"
    return {
        "checkpoint_id": config.checkpoint_id(training.epoch),
        "run_id": config.run_id,
        "epoch": training.epoch,
        "path": f"{folder.name}/{path.name}",
        "sha256": save_checkpoint(path, training.network, config, training.epoch, recipe, cube_set),
    }


def _row_of(config: RunConfig, training: Training) -> dict[str, Any]:
    """What model.runs says of a finished run, but for its data and device."""
    names = ("run_id", "experiment", "run", "seed", "latent_dim", "noise_std", "batch_size", "epochs")
    return {name: getattr(config, name) for name in names} | {
        "precision": config.training_precision,
        "threads": torch.get_num_threads(),
        "torch_version": versions()["torch"],
        "started": datetime.fromisoformat(training.started),
        "finished": datetime.fromisoformat(training.finished),
        "seconds": sum(row["seconds"] for row in training.epochs),
    }


def train_epoch(training: Training, cubes: Tensor, rows: np.ndarray, config: RunConfig, epoch: int) -> float:
    """One pass over the training rows, shuffled. Returns the mean loss over its steps' images, as Keras reports it."""
    network = training.network.train()
    for group in training.optimiser.param_groups:
        group["lr"] = learning_rate(config, epoch)
    shuffled = torch.from_numpy(rows)[torch.randperm(len(rows), generator=training.sampler)]
    total = torch.zeros((), dtype=torch.float64, device=cubes.device)
    for batch in shuffled.split(config.batch_size):
        clean = images_of(cubes, batch)
        with torch.autocast(cubes.device.type, torch.bfloat16, enabled=config.training_precision == "bf16"):
            reconstruction = training_forward(network, clean, training.noise)
        loss = F.mse_loss(reconstruction.float(), clean)  # the noise is on the input only
        training.optimiser.zero_grad()
        loss.backward()
        training.optimiser.step()
        total += loss.detach().double() * len(batch)
    return total.item() / len(rows)


@torch.inference_mode()
def evaluate(network: DCAE, cubes: Tensor, rows: np.ndarray) -> float:
    """Mean squared error over the rows in evaluation mode: no noise, BatchNorm's running statistics. NaN of no rows."""
    scorer = Scorer.of(network)
    total = torch.zeros((), dtype=torch.float64, device=cubes.device)
    for batch in torch.from_numpy(rows).split(EVALUATION_BATCH):
        clean = images_of(cubes, batch)
        total += F.mse_loss(scorer.reconstruct(clean), clean).double() * len(batch)
    return total.item() / len(rows) if len(rows) else float("nan")


def images_of(cubes: Tensor, rows: Tensor) -> Tensor:
    """float32 images in [0, 1], channels_last, of some rows of uint16 cubes on the cubes' device."""
    # torch has no gather of uint16: the same bits as int16
    some = cubes.view(torch.int16)[rows.to(cubes.device)].view(torch.uint16)
    return decode(some, cubes.device).contiguous(memory_format=torch.channels_last)


def _fingerprint(cubes: np.ndarray | Tensor) -> str:
    array = np.ascontiguousarray(cubes)
    return f"{array.shape}:{zlib.crc32(array):08x}"


def train_runs(
    cubes: np.ndarray,
    configs: Sequence[RunConfig],
    recipe: CubeRecipe,
    cube_set: str,
    folder: Path,
    jobs: int = 0,
    devices: Sequence[str] = ("cpu",),
    progress: Progress | None = None,
) -> list[RunResult]:
    """Train each run in folder/<run_id>, `jobs` at a time; results in the order of configs, the same whatever jobs is.

    cubes: (n, band, y, x) uint16. devices: of torch; the runs take them in turns. jobs: 0 for as many as cores, or as
    accelerators. On a CPU each run has one thread: two processes of one thread train faster than one of two (measured).
    An interrupted call goes on where each run was. progress counts epochs of all runs.
    """
    if jobs == 0:
        jobs = cores() if tuple(devices) == ("cpu",) else len(devices)
    placed = [(config, devices[k % len(devices)]) for k, config in enumerate(configs)]
    total = sum(config.epochs for config in configs)
    if jobs <= 1 or len(configs) <= 1:
        results = []
        with one_thread():
            for config, device in placed:
                before = sum(len(result.epochs) for result in results)
                report = None if progress is None else lambda done, _, before=before: progress(before + done, total)
                results.append(train_run(cubes, config, recipe, cube_set, folder / config.run_id, device, report))
        return results

    # The kernel shares one file's pages between the processes; each would otherwise hold the cubes for itself.
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".cubes-") as shared:
        path = Path(shared) / "cubes.npy"
        np.save(path, cubes)
        context = get_context("spawn")
        queue = context.Queue()
        workers = min(jobs, len(configs))
        with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(queue,)) as pool:
            futures = [
                pool.submit(_train_in_worker, path, config, recipe, cube_set, folder / config.run_id, device)
                for config, device in placed
            ]
            try:
                _follow(futures, queue, total, progress)
                return [future.result() for future in futures]
            except BrokenProcessPool:
                raise SwimmyError(
                    f"a process that trained in {folder} was killed, perhaps for memory; the same command goes on "
                    "where each run was (fewer at a time with training_jobs)"
                ) from None


_queue = None


def _start_worker(queue: Any) -> None:
    global _queue  # noqa: PLW0603 - a queue reaches a pool's worker only when it starts
    _queue = queue
    torch.set_num_threads(1)


def _train_in_worker(
    path: Path, config: RunConfig, recipe: CubeRecipe, cube_set: str, folder: Path, device: str
) -> RunResult:
    parent = os.getppid()

    def report(done: int, _total: int | None) -> None:
        if os.getppid() != parent:  # killed: whoever goes on with this run must not find us still writing
            raise SystemExit
        _queue.put((config.run_id, done))

    return train_run(np.load(path, mmap_mode="c"), config, recipe, cube_set, folder, device, report)


def _follow(futures: Sequence[Future], queue: Any, total: int, progress: Progress | None) -> None:
    """Report the epochs done until every run has ended; the first failure stops the waiting ones and is raised."""
    done: dict[str, int] = {}
    while not all(future.done() for future in futures):
        failed = next((future for future in futures if future.done() and future.exception()), None)
        if failed is not None:
            for future in futures:
                future.cancel()
            failed.result()
        try:
            run_id, epochs = queue.get(timeout=POLL_SECONDS)
        except Empty:
            continue
        done[run_id] = epochs
        if progress:
            progress(sum(done.values()), total)
    if progress:
        progress(total, total)
