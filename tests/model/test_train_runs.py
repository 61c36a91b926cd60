"""Runs side by side end as runs one after the other, also when one of their processes is killed on the way."""

import multiprocessing
import os
import signal
from concurrent.futures import Future
from dataclasses import replace
from queue import Queue

import pytest

from swimmy_db.errors import InputRefused, SwimmyError
from swimmy_db.model import train
from swimmy_db.model.train import train_runs


@pytest.fixture
def configs(config):
    return [replace(config, run_id=f"tiny-r{k:02d}", run=k, seed=7 + k, epochs=3) for k in range(3)]


@pytest.fixture
def one_by_one(tmp_path, pixels, configs, recipe):
    progress = []
    results = train_runs(
        pixels, configs, recipe, "s", tmp_path / "1", jobs=1, progress=lambda *some: progress.append(some)
    )
    assert progress == [(k, 9) for k in range(1, 10)]
    return summary(results)


def summary(results):
    return [
        (
            result.run["run_id"],
            [(row["epoch"], row["train_loss"], row["validation_loss"]) for row in result.epochs],
            [row["sha256"] for row in result.checkpoints],
        )
        for result in results
    ]


def test_results_are_the_same_whatever_the_number_of_jobs(one_by_one, tmp_path, pixels, configs, recipe):
    """Two processes, one of which is killed after an epoch; then again, going on where each run was."""
    folder = tmp_path / "2"

    def kill_one(done, _total):
        if done == 1:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)

    with pytest.raises(SwimmyError, match="was killed"):
        train_runs(pixels, configs, recipe, "s", folder, jobs=2, progress=kill_one)
    progress = []
    results = train_runs(pixels, configs, recipe, "s", folder, jobs=2, progress=lambda *some: progress.append(some))
    assert summary(results) == one_by_one
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert progress[-1] == (9, 9)
    assert sorted(path.name for path in folder.iterdir()) == ["tiny-r00", "tiny-r01", "tiny-r02"]


def test_a_failure_in_one_process_reaches_the_caller_and_stops_those_that_wait():
    failed, waiting = Future(), Future()
    failed.set_exception(InputRefused("state.safetensors: expected a safetensors file"))
    with pytest.raises(InputRefused, match="expected a safetensors file"):
        train._follow([waiting, failed], Queue(), 2, None)
    assert waiting.cancelled()


def test_as_many_runs_as_cores_by_default_and_one_on_each_accelerator(tmp_path, pixels, configs, recipe, monkeypatch):
    asked = []

    class Pool:
        def __init__(self, workers, *_, **__):
            asked.append(workers)
            raise KeyError

    monkeypatch.setattr(train, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(train, "cores", lambda: 2)
    monkeypatch.setattr(train, "train_run", lambda *some: asked.append(some[5]) or train.RunResult({}, [], []))
    with pytest.raises(KeyError):
        train_runs(pixels, configs, recipe, "s", tmp_path)
    train_runs(pixels, configs, recipe, "s", tmp_path, devices=["cuda:0"])
    assert asked == [2, "cuda:0", "cuda:0", "cuda:0"]
    with pytest.raises(KeyError):
        train_runs(pixels, configs, recipe, "s", tmp_path, devices=["cuda:0", "cuda:1", "cuda:2"])
    assert asked[4:] == [3]


def test_runs_take_two_devices_in_turns_and_end_as_on_one(tmp_path, pixels, configs, recipe, one_by_one, monkeypatch):
    # torch takes cpu:0 and cpu:1 for the CPU: two devices where there is no accelerator
    given = []
    alone = train.train_run
    monkeypatch.setattr(train, "train_run", lambda *some: given.append(some[5]) or alone(*some))
    results = train_runs(pixels, configs, recipe, "s", tmp_path / "2", jobs=1, devices=["cpu:0", "cpu:1"])
    assert given == ["cpu:0", "cpu:1", "cpu:0"]
    assert summary(results) == one_by_one
    assert summary(train_runs(pixels, configs, recipe, "s", tmp_path / "3", devices=["cpu:0", "cpu:1"])) == one_by_one
