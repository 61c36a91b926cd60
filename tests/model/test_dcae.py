"""The network is the paper's: sizes, initial weights, noise only in training, Keras's constants."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from swimmy_db.model.dcae import DCAE, DOWNSAMPLING, initialise


def make(seed=1, **changes):
    return initialise(DCAE(**changes), torch.Generator().manual_seed(seed))


def trained_like(network, seed=2):
    """Give BatchNorm statistics and scales that a training could have left."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.5 + 0.3)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.1)
    return network


def by_hand(network, images):
    """Figure 3, layer by layer, with functional calls."""

    def block(x, layer):
        norm = layer.norm
        x = F.conv2d(x, layer.conv.weight, layer.conv.bias, padding=1)
        shape = (1, -1, 1, 1)
        x = (x - norm.running_mean.view(shape)) / torch.sqrt(norm.running_var.view(shape) + 1e-3)
        return (x * norm.weight.view(shape) + norm.bias.view(shape)).clamp(min=0)

    for layer in network.encoder:
        images = F.max_pool2d(block(images, layer), 2)
    latent = images
    for layer in network.decoder:
        images = block(images, layer).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return latent, 1 / (1 + torch.exp(-F.conv2d(images, network.last.weight, network.last.bias, padding=1)))


def test_it_has_the_paper_s_48437_weights():
    network = make()
    assert sum(parameter.numel() for parameter in network.parameters()) == 48_437
    filters = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert filters == [64, 32, 8, 8, 32, 64, 5]


@pytest.mark.parametrize(("bands", "latent_dim", "size"), [(5, 8, 64), (3, 4, 32), (7, 16, 64)])
def test_it_is_figure_3_for_any_bands_and_latent_dimension(bands, latent_dim, size):
    network = trained_like(make(bands=bands, latent_dim=latent_dim)).eval()
    images = torch.rand(2, bands, size, size, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        latent, expected = by_hand(network, images)
        assert network.encode(images).shape == (2, latent_dim, size // DOWNSAMPLING, size // DOWNSAMPLING)
        torch.testing.assert_close(network.encode(images), latent, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(network(images), expected, atol=1e-6, rtol=1e-5)


def test_weights_start_as_keras_s_do():
    network = make()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            limit = np.sqrt(6 / (9 * module.in_channels + 9 * module.out_channels))
            assert module.weight.abs().max().item() <= limit
            assert module.weight.abs().max().item() > 0.9 * limit
            assert module.weight.std().item() == pytest.approx(limit / np.sqrt(3), rel=0.1)
            assert not module.bias.any()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 6
    assert all(norm.eps == 1e-3 and norm.momentum == 0.01 for norm in norms)
    assert DCAE(batchnorm_momentum=0.1).encoder[0].norm.momentum == 0.1


def test_noise_is_on_the_input_in_training_only():
    network = make(noise_std=0.02)
    images = torch.full((8, 5, 64, 64), 0.5)
    noise = network.train().add_noise(images, torch.Generator().manual_seed(4)) - images
    assert noise.std().item() == pytest.approx(0.02, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=2e-4)
    assert noise.flatten(1).std(dim=1).min().item() > 0.019  # every galaxy has its own
    assert abs(torch.corrcoef(noise.transpose(0, 1).flatten(1)).fill_diagonal_(0)).max().item() < 0.03  # every band too
    assert network.eval().add_noise(images) is images
    assert torch.equal(network(images), network(images))
    assert make(noise_std=0.0).train().add_noise(images) is images


def test_the_same_seed_gives_the_same_weights_and_another_others():
    one, same, other = make(1), make(1), make(2)
    assert torch.equal(one.encoder[0].conv.weight, same.encoder[0].conv.weight)
    assert not torch.equal(one.encoder[0].conv.weight, other.encoder[0].conv.weight)
