"""swimmy_db: cubes.npz weights.npz answer.json; as keras_training.py, then one epoch of a run on every core."""

import json
import os
import sys
import time
from multiprocessing import get_context

import numpy as np
import torch
from clock import timed
from ours_weights import set_weights

from swimmy_db.model import train
from swimmy_db.model.checkpoints import RunConfig
from swimmy_db.model.machine import keep_freed_memory
from swimmy_db.model.state import start as start_training
from swimmy_db.processes import cores


def config_of(given: dict, precision: str, noise_std: float, run: int = 0) -> RunConfig:
    return RunConfig(
        f"bench-r{run}",
        "bench",
        run,
        seed=run,
        noise_std=noise_std,
        batch_size=int(given["batch_size"]),
        training_precision=precision,
    )


def losses(given: dict, weights: str) -> list[float]:
    """Float32 and without noise: what any right implementation must give."""
    config = config_of(given, "float32", 0.0)
    training = start_training(config, 5, torch.device("cpu"))
    set_weights(training.network, np.load(weights))
    cubes = torch.from_numpy(given["cubes"])
    size = config.batch_size
    return [
        train.train_epoch(training, cubes[step * size : (step + 1) * size], np.arange(size), config, 1)
        for step in range(int(given["check_steps"]))
    ]


def epoch(source: str, run: int, barrier) -> None:
    """One epoch of one run, in a process of one thread; every process begins at once."""
    torch.set_num_threads(1)
    keep_freed_memory()
    given = np.load(source)
    config = config_of(given, "bf16", 0.02, run)
    training = start_training(config, 5, torch.device("cpu"))
    cubes = torch.from_numpy(given["cubes"])
    train.train_epoch(training, cubes, np.arange(4 * config.batch_size), config, 1)
    barrier.wait()
    train.train_epoch(training, cubes, np.arange(len(cubes)), config, 1)
    barrier.wait()


def main() -> None:
    source, weights, answer = sys.argv[1:]
    keep_freed_memory()
    with open(answer, "w", encoding="utf-8") as file:
        json.dump(losses(dict(np.load(source)), weights), file)
    context = get_context("spawn")
    barrier = context.Barrier(cores() + 1)
    runs = [context.Process(target=epoch, args=(source, run, barrier)) for run in range(cores())]
    for run in runs:
        run.start()
    barrier.wait()
    with timed("torch") as told:
        begin = time.perf_counter()
        barrier.wait()
        # a run on every core: the work is as many epochs
        told["runs"] = len(runs)
        told["seconds"] = (time.perf_counter() - begin) / len(runs)
    for run in runs:
        run.join()
    sys.exit(max(run.exitcode or 0 for run in runs))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
