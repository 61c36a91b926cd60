"""The network and its training against Keras's: keras_twin.npz, which make_keras_twin.py made (no TensorFlow here).

The twin is tf_keras, Keras 2, as the paper used; it has float32 weights of its own layout (y, x, in, out).
"""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from swimmy_db.model.checkpoints import RunConfig
from swimmy_db.model.dcae import DCAE
from swimmy_db.model.fast_forms import Scorer, training_forward
from swimmy_db.model.optimiser import KerasAdam
from swimmy_db.model.state import start
from swimmy_db.model.train import train_epoch

STEPS = (1, 2)


@pytest.fixture(scope="module")
def twin():
    with np.load(Path(__file__).with_name("keras_twin.npz")) as arrays:
        return {name: arrays[name] for name in arrays.files}


def band_first(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2)


def clean_images(twin):
    return band_first(twin["cubes"].astype(np.float32) / 65535)


def named(network: DCAE) -> dict[str, Tensor]:
    """Our tensors by the twin's names."""
    tensors = {}
    blocks = [*network.encoder, *network.decoder]
    for number, block in enumerate(blocks):
        tensors |= {f"conv{number}.kernel": block.conv.weight, f"conv{number}.bias": block.conv.bias}
        tensors |= {f"norm{number}.gamma": block.norm.weight, f"norm{number}.beta": block.norm.bias}
        tensors |= {f"norm{number}.moving_mean": block.norm.running_mean}
        tensors |= {f"norm{number}.moving_variance": block.norm.running_var}
    last = len(blocks)
    return tensors | {f"conv{last}.kernel": network.last.weight, f"conv{last}.bias": network.last.bias}


def keras_layout(tensor: Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor).double().numpy()


def load(network: DCAE, twin) -> DCAE:
    """The twin's first state in our network."""
    with torch.no_grad():
        for name, tensor in named(network).items():
            values = torch.from_numpy(twin[f"start.{name}"].astype(np.float32))
            tensor.copy_(values.permute(3, 2, 0, 1) if values.ndim == 4 else values)
    return network


def states(twin):
    """All weights and BatchNorm statistics after each of the twin's steps."""
    values = {name.removeprefix("start."): twin[name].astype(float) for name in twin if name.startswith("start.")}
    for step in STEPS:
        values = {name: value + twin[f"change{step}.{name}"] for name, value in values.items()}
        yield values


def assert_same_state(network: DCAE, expected, step: int) -> None:
    """Within 1e-4 a step. A bias before a BatchNorm, which takes any constant out, has rounding for a gradient."""
    found = {name: keras_layout(tensor) for name, tensor in named(network).items()}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        is_idle = name.endswith(".bias") and name != "conv6.bias"
        np.testing.assert_allclose(found[name], values, atol=step * (3e-4 if is_idle else 1e-4), rtol=0, err_msg=name)


def test_the_fixture_is_of_the_paper_s_network(twin):
    assert sum(twin[name].size for name in twin if name.startswith("start.") and "moving" not in name) == 48_437
    assert str(twin["versions"][0]).startswith("tf_keras 2.")
    changes = np.concatenate([twin[name].ravel() for name in twin if name.startswith("change1.conv")]).astype(float)
    assert np.median(np.abs(changes)) > 3e-4, "one step moves weights by far more than the tolerance below"
    assert twin["evaluated"].std() > 0.05


@pytest.mark.parametrize("form", ["plain", "fast", "scorer"])
def test_evaluation_is_keras_s_to_1e_5(twin, form):
    network = load(DCAE(noise_std=0.02), twin).eval()
    clean = clean_images(twin)
    with torch.no_grad():
        if form == "plain":
            found = network(clean)
        elif form == "fast":
            found = training_forward(network, clean)
        else:
            found = Scorer.of(network).reconstruct(clean)
    np.testing.assert_allclose(found.permute(0, 2, 3, 1), twin["evaluated"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("forward", [DCAE.forward, training_forward])
def test_steps_of_training_are_keras_s_to_1e_4(twin, forward):
    network = load(DCAE(noise_std=0.0), twin).train()
    optimiser = KerasAdam(network.parameters(), lr=1e-3)
    clean = clean_images(twin)
    noisy = clean + band_first(twin["noise"][None])
    for step, expected in zip(STEPS, states(twin), strict=True):
        loss = F.mse_loss(forward(network, noisy), clean)
        assert loss.item() == pytest.approx(float(twin[f"loss{step}"]), rel=1e-5)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert_same_state(network, expected, step)


def test_the_loop_that_trains_takes_keras_s_steps(twin):
    """train_epoch itself, on the twin's cubes, with the twin's noise in place of random numbers."""
    config = RunConfig("twin-r00", "twin", 0, seed=1, batch_size=len(twin["cubes"]), training_precision="float32")
    training = start(config, n_bands=5, device=torch.device("cpu"))
    load(training.network, twin)
    noise = band_first(twin["noise"][None])
    training.network.add_noise = lambda images, generator=None: images + noise
    cubes = torch.from_numpy(np.ascontiguousarray(twin["cubes"].transpose(0, 3, 1, 2)))
    for step, expected in zip(STEPS, states(twin), strict=True):
        loss = train_epoch(training, cubes, np.arange(len(cubes)), config, epoch=1)
        assert loss == pytest.approx(float(twin[f"loss{step}"]), rel=1e-5)
        assert_same_state(training.network, expected, step)


def test_torch_s_own_adam_would_not_pass(twin):
    """Keras's epsilon counts: with torch's Adam 4 % of the weights would be off by more than 1e-4 after one step."""
    network = load(DCAE(noise_std=0.0), twin).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7)
    clean = clean_images(twin)
    F.mse_loss(network(clean + band_first(twin["noise"][None])), clean).backward()
    optimiser.step()
    expected = next(states(twin))
    errors = [np.abs(keras_layout(tensor) - expected[name]).ravel() for name, tensor in named(network).items()]
    assert 0.02 < np.mean(np.concatenate(errors) > 1e-4) < 0.08
