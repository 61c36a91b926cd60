"""The fast forms equal the plain network: values, gradients, BatchNorm statistics, and any window of the output."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from swimmy_db.model.dcae import DCAE, initialise
from swimmy_db.model.fast_forms import Scorer, Window, training_forward, upsampled_kernel


def trained(seed=1, **changes):
    network = initialise(DCAE(**changes), torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed + 1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # scales of both signs: a maximum taken before the scaling would be wrong for the negative ones
            module.weight.data.copy_(torch.randn(module.weight.shape, generator=generator))
            module.bias.data.copy_(torch.randn(module.bias.shape, generator=generator) * 0.3)
            module.running_mean.copy_(torch.randn(module.weight.shape, generator=generator) * 0.3)
            module.running_var.copy_(torch.rand(module.weight.shape, generator=generator) + 0.2)
    return network


def images(n=4, bands=5, size=64, seed=3):
    return torch.rand(n, bands, size, size, generator=torch.Generator().manual_seed(seed))


NETWORK = trained().eval()
PIXELS = images(2)
with torch.no_grad():
    WHOLE = NETWORK(PIXELS)


def one_step(network, forward, clean):
    """Reconstruction, gradients by name, and BatchNorm statistics after one step in training mode."""
    found = forward(network.train(), clean, torch.Generator().manual_seed(5))
    (found - clean).square().mean().backward()
    return found, {name: p.grad for name, p in network.named_parameters()}, dict(network.named_buffers())


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("bands", "size"), [(5, 64), (3, 32)])
def test_training_on_the_fast_form_is_training_on_the_plain_one(bands, size, channels_last):
    # in float64: in float32 two nearly equal pixels of a pool can change places, and a gradient with them
    plain = trained(bands=bands).double()
    fast = copy.deepcopy(plain).to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    clean = images(bands=bands, size=size).double()
    expected, found = one_step(plain, DCAE.forward, clean), one_step(fast, training_forward, clean)
    torch.testing.assert_close(found[0], expected[0], atol=1e-10, rtol=1e-9)
    torch.testing.assert_close(found[1], expected[1], atol=1e-10, rtol=1e-7)
    torch.testing.assert_close(found[2], expected[2], atol=1e-10, rtol=1e-9)


def test_in_float32_they_differ_by_rounding():
    plain, clean = trained(), images()
    fast = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    expected, found = one_step(plain, DCAE.forward, clean), one_step(fast, training_forward, clean)
    torch.testing.assert_close(found[0], expected[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[2], expected[2], atol=1e-5, rtol=1e-5)
    for name, gradient in expected[1].items():
        assert (found[1][name] - gradient).norm() <= 1e-3 * gradient.norm() + 1e-6, name


def test_the_fast_form_in_evaluation_mode_is_the_plain_one_without_noise():
    with torch.no_grad():
        torch.testing.assert_close(training_forward(NETWORK, PIXELS), WHOLE, atol=1e-5, rtol=1e-5)


def test_upsampling_and_convolution_are_one_transposed_convolution():
    generator = torch.Generator().manual_seed(6)
    weight, signal = torch.randn(4, 3, 3, 3, generator=generator), torch.randn(2, 3, 7, 5, generator=generator)
    expected = nn.functional.conv2d(nn.functional.interpolate(signal, scale_factor=2), weight, padding=1)
    found = nn.functional.conv_transpose2d(signal, upsampled_kernel(weight), stride=2, padding=1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_folded_batchnorm_reconstructs_as_the_network_does():
    torch.testing.assert_close(Scorer.of(NETWORK).reconstruct(PIXELS), WHOLE, atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 63), st.integers(1, 64))
def test_any_window_of_the_reconstruction_is_that_part_of_the_whole(start, length):
    window = Window(start, min(start + length, 64))
    part = Scorer.of(NETWORK).reconstruct_window(PIXELS, window)
    inside = slice(*window)
    torch.testing.assert_close(part, WHOLE[:, :, inside, inside], atol=1e-5, rtol=1e-5)


def test_the_aperture_sees_62_by_62_pixels_and_no_more():
    scorer, window = Scorer.of(NETWORK), Window(29, 35)
    edge_changed, seen_changed = PIXELS.clone(), PIXELS.clone()
    edge_changed[:, :, 0], edge_changed[:, :, -1], edge_changed[..., 0], edge_changed[..., -1] = 9.0, 9.0, 9.0, 9.0
    seen_changed[:, :, 1] = 9.0
    expected = scorer.reconstruct_window(PIXELS, window)
    assert torch.equal(scorer.reconstruct_window(edge_changed, window), expected)
    assert not torch.equal(scorer.reconstruct_window(seen_changed, window), expected)


def test_bf16_scores_are_near_the_float32_ones():
    found = Scorer.of(NETWORK, torch.bfloat16).reconstruct(PIXELS)
    assert found.dtype == torch.float32
    assert (found - WHOLE).abs().max().item() < 0.05
