"""Training: the split, the schedule, what the loss compares, and that an interrupted run ends as if it had not been."""

import hashlib
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from swimmy_db.config import load_preset
from swimmy_db.contracts import load_contract
from swimmy_db.cubes.store import decode
from swimmy_db.errors import SwimmyError
from swimmy_db.model import train
from swimmy_db.model.checkpoints import RunConfig, load_checkpoint
from swimmy_db.model.dcae import DCAE
from swimmy_db.model.state import start
from swimmy_db.model.train import evaluate, learning_rate, split, train_run


class Killed(Exception):
    """Stands for a kill between two epochs."""


def interrupt_after(epoch):
    def progress(done, _total):
        if done == epoch:
            raise Killed

    return progress


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("epoch-*.safetensors")}


def without_times(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, pixels, recipe):
    config = RunConfig(
        "tiny-r00", "tiny", 0, seed=7, epochs=4, first_saved_epoch=2, learning_rate_epoch=2, batch_size=16
    )
    folder = tmp_path_factory.mktemp("runs") / config.run_id
    return folder, train_run(pixels, config, recipe, "psf1p0", folder)


@pytest.mark.parametrize(("n", "expected"), [(21151, (16921, 4230)), (60, (48, 12)), (5, (4, 1)), (2, (2, 0))])
def test_the_split_is_4_to_1_disjoint_and_complete(n, expected):
    training, validation = split(n, 0.2, seed=3)
    assert (len(training), len(validation)) == expected
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(n))


def test_each_seed_splits_at_random_in_its_own_way():
    validation = [split(1000, 0.2, seed)[1] for seed in (3, 3, 4)]
    assert np.array_equal(validation[0], validation[1])
    assert 20 < len(np.intersect1d(validation[0], validation[2])) < 60  # 40 expected of independent draws
    assert 400 < validation[0].mean() < 600


def test_the_learning_rate_drops_after_epoch_10():
    config = RunConfig("paper-r00", "paper", 0, seed=1)
    rates = [learning_rate(config, epoch) for epoch in range(1, 26)]
    assert rates == [1e-3] * 10 + [2e-4] * 15


def test_the_optimiser_is_given_the_epoch_s_learning_rate(finished):
    _, result = finished
    assert [row["learning_rate"] for row in result.epochs] == [1e-3, 1e-3, 2e-4, 2e-4]


def test_adam_steps_follow_the_learning_rate(pixels, config, recipe):
    """Adam's first step moves every weight by the learning rate, whatever the gradient."""
    for epoch, rate in ((1, 1e-3), (3, 2e-4)):
        training = start(config, 3, torch.device("cpu"))
        before = training.network.encoder[0].conv.weight.detach().clone()
        one_step = replace(config, batch_size=64)
        train.train_epoch(training, torch.from_numpy(pixels), np.arange(60), one_step, epoch)
        moved = (training.network.encoder[0].conv.weight - before).abs()
        assert moved.median().item() == pytest.approx(rate, rel=0.01)


def test_the_paper_s_settings_reach_the_run():
    config = RunConfig.from_settings(load_preset("paper"), 29)
    assert config.run_id == "default-r29"
    assert config.checkpoint_id(7) == "default-r29-e07"
    assert config.seed == load_preset("paper").seed + 29
    expected = RunConfig("default-r29", "default", 29, config.seed)  # the defaults are the paper's
    assert asdict(config) == asdict(expected)


def test_losses_fall_and_the_validation_loss_is_that_of_the_weights_on_what_was_kept(finished, pixels, config):
    folder, result = finished
    losses = [row["train_loss"] for row in result.epochs]
    assert losses == sorted(losses, reverse=True)
    network = load_checkpoint(folder / "epoch-04.safetensors").network
    _, kept = split(60, 0.2, config.seed)
    clean = pixels[kept].astype(np.float64) / 65535
    with torch.no_grad():
        difference = network(torch.from_numpy(clean).float()).double().numpy() - clean
    assert result.epochs[-1]["validation_loss"] == pytest.approx((difference**2).mean(), rel=1e-4)


def test_the_target_is_the_clean_image_and_the_noise_is_on_the_input(pixels, config, monkeypatch):
    """A network that returns its input has the noise's variance as loss: 0 if the noisy image were the target."""
    seen = []

    def echo(network, clean, generator):
        noisy = network.add_noise(clean, generator)
        seen.append(noisy.detach())
        return noisy + 0 * network.last.bias.sum()

    monkeypatch.setattr(train, "training_forward", echo)
    loud = replace(config, noise_std=0.1)
    training = start(loud, 3, torch.device("cpu"))
    for parameter in training.network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    loss = train.train_epoch(training, torch.from_numpy(pixels), np.arange(60), loud, 1)
    assert loss == pytest.approx(0.01, rel=0.03)
    assert torch.cat(seen).max().item() > 1.1  # not clipped, as Keras's GaussianNoise


def test_validation_has_no_noise_and_leaves_batchnorm_alone(pixels):
    network = DCAE(3, noise_std=0.5)
    statistics = {name: tensor.clone() for name, tensor in network.named_buffers()}
    images = torch.from_numpy(pixels)
    first, second = (evaluate(network, images, np.arange(30)) for _ in range(2))
    assert first == second
    clean = decode(pixels[:30])
    network.eval()
    with torch.no_grad():
        assert first == pytest.approx(nn.functional.mse_loss(network(clean), clean).item(), rel=1e-4)
    assert all(torch.equal(tensor, statistics[name]) for name, tensor in network.named_buffers())


def test_weights_are_saved_from_the_first_saved_epoch_and_say_what_they_are(finished, recipe):
    folder, result = finished
    assert [row["checkpoint_id"] for row in result.checkpoints] == ["tiny-r00-e02", "tiny-r00-e03", "tiny-r00-e04"]
    assert digests(folder) == {row["path"].split("/")[1]: row["sha256"] for row in result.checkpoints}
    checkpoint = load_checkpoint(folder.parent / result.checkpoints[0]["path"], recipe, latent_dim=8)
    assert (checkpoint.checkpoint_id, checkpoint.epoch, checkpoint.cube_set) == ("tiny-r00-e02", 2, "psf1p0")
    assert not checkpoint.network.training


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_an_interrupted_run_ends_with_the_same_bits(finished, epoch, tmp_path, pixels, config, recipe):
    whole_folder, whole = finished
    folder = tmp_path / config.run_id
    with pytest.raises(Killed):
        train_run(pixels, config, recipe, "psf1p0", folder, progress=interrupt_after(epoch))
    assert len(digests(folder)) == max(epoch - 1, 0)
    resumed = train_run(pixels, config, recipe, "psf1p0", folder)
    assert digests(folder) == digests(whole_folder)
    assert without_times(resumed.epochs) == without_times(whole.epochs)
    assert resumed.checkpoints == whole.checkpoints


def test_a_finished_run_is_not_trained_again(finished, pixels, config, recipe):
    folder, result = finished

    def forbidden(done, total):
        raise AssertionError

    again = train_run(pixels, config, recipe, "psf1p0", folder, progress=forbidden)
    assert again == result


@pytest.mark.parametrize("change", ["seed", "cubes"])
def test_a_state_of_other_settings_or_other_cubes_is_not_gone_on_with(change, tmp_path, pixels, config, recipe):
    short = replace(config, epochs=1, first_saved_epoch=1)
    train_run(pixels, short, recipe, "psf1p0", tmp_path / "r")
    if change == "seed":
        other, others = replace(short, seed=8), pixels
    else:
        other, others = short, pixels[::-1].copy()
    train_run(others, other, recipe, "psf1p0", tmp_path / "r")
    train_run(others, other, recipe, "psf1p0", tmp_path / "fresh")
    assert digests(tmp_path / "r") == digests(tmp_path / "fresh")


def test_nothing_to_train_on_is_an_error(tmp_path, pixels, config, recipe):
    with pytest.raises(SwimmyError, match="nothing to train on"):
        train_run(pixels[:0], config, recipe, "psf1p0", tmp_path)


def test_runs_of_different_seeds_differ(finished, tmp_path, pixels, config, recipe):
    folder, _ = finished
    train_run(pixels, replace(config, run_id="tiny-r01", run=1, seed=8), recipe, "psf1p0", tmp_path / "r")
    assert not set(digests(tmp_path / "r").values()) & set(digests(folder).values())


def test_bf16_trains_close_to_float32(finished, tmp_path, pixels, config, recipe):
    _, whole = finished
    result = train_run(pixels, replace(config, training_precision="bf16"), recipe, "psf1p0", tmp_path / "r")
    assert result.run["precision"] == "bf16"
    assert result.epochs[0]["train_loss"] == pytest.approx(whole.epochs[0]["train_loss"], rel=0.02)
    with safe_open(tmp_path / "r" / "epoch-04.safetensors", framework="pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float32, torch.int64}  # noqa: SIM118


def test_the_rows_are_those_of_the_contracts(finished):
    _, result = finished
    for table, rows in (("runs", [result.run]), ("epochs", result.epochs), ("checkpoints", result.checkpoints)):
        contract = load_contract(f"model.{table}")
        for row in rows:
            assert set(row) == set(contract.columns), table
