"""Weights survive the disk to the bit, and what does not fit is refused by name."""

import hashlib
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from swimmy_db.cubes.stretch import StretchParameters
from swimmy_db.errors import InputRefused
from swimmy_db.model.checkpoints import load_checkpoint, read_tensors, save_checkpoint, versions
from swimmy_db.model.dcae import DCAE, initialise


@pytest.fixture
def network():
    network = initialise(DCAE(3, latent_dim=6), torch.Generator().manual_seed(1))
    network.train()(torch.rand(4, 3, 32, 32))  # BatchNorm statistics that are not the initial ones
    return network.to(memory_format=torch.channels_last)


@pytest.fixture
def path(tmp_path, network, config, recipe):
    path = tmp_path / "tiny-r00" / "epoch-03.safetensors"
    save_checkpoint(path, network, replace(config, latent_dim=6), 3, recipe, "psf1p0")
    return path


def test_every_weight_and_statistic_comes_back_to_the_bit(path, network, config, recipe):
    checkpoint = load_checkpoint(path, recipe, latent_dim=6)
    loaded = checkpoint.network.state_dict()
    assert loaded.keys() == network.state_dict().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())
    assert checkpoint.config == replace(config, latent_dim=6)
    assert checkpoint.recipe == recipe
    assert checkpoint.versions == versions()
    assert not checkpoint.network.training


def test_equal_weights_give_equal_files_and_the_checksum_is_the_file_s(path, tmp_path, network, config, recipe):
    again = tmp_path / "again.safetensors"
    sha256 = save_checkpoint(again, network, replace(config, latent_dim=6), 3, recipe, "psf1p0")
    assert again.read_bytes() == path.read_bytes()
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"stretch": StretchParameters(("g", "r", "z"), (1.0, 1.0, 1.5))}, r"bands: expected \['g', 'r', 'z'\], found"),
        ({"stretch": StretchParameters(("g", "r", "i"), (1.0, 1.0, 1.2))}, "divisors: expected"),
        ({"stretch": StretchParameters(("g", "r", "i"), (1.0, 1.0, 1.5), beta=0.0)}, "beta: expected 0.0, found 0.05"),
        ({"target_fwhm": 1.3}, "target_fwhm: expected 1.3, found 1.0"),
        ({"stamp_size": 64}, "stamp_size: expected 64, found 32"),
    ],
)
def test_cubes_of_another_recipe_are_refused(path, recipe, change, named):
    with pytest.raises(InputRefused, match=named):
        load_checkpoint(path, replace(recipe, **change))


def test_another_latent_dimension_is_refused(path, recipe):
    with pytest.raises(InputRefused, match="latent_dim: expected 8, found 6"):
        load_checkpoint(path, recipe, latent_dim=8)


def test_files_that_are_no_checkpoint_are_refused_by_name(tmp_path, path):
    short = tmp_path / "short.safetensors"
    short.write_bytes(path.read_bytes()[:-100])
    page = tmp_path / "page.safetensors"
    page.write_text("<html>not found</html>")
    foreign = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, foreign)
    for file in (short, page, foreign, tmp_path / "absent.safetensors"):
        with pytest.raises(InputRefused, match=file.name):
            load_checkpoint(file)


def test_weights_of_another_shape_are_refused(tmp_path, config, recipe):
    path = tmp_path / "wrong.safetensors"
    save_checkpoint(path, DCAE(3, latent_dim=6), config, 1, recipe, "psf1p0")  # the config says 8
    with pytest.raises(InputRefused, match=r"wrong\.safetensors: expected a checkpoint of this version"):
        load_checkpoint(path)


def test_the_metadata_is_readable_without_the_project(path):
    with safetensors.safe_open(path, framework="np") as file:
        assert '"bands": ["g", "r", "i"]' in file.metadata()["swimmy"]
    assert read_tensors(path)[1]["checkpoint_id"] == "tiny-r00-e03"
