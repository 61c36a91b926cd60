"""The layers that figures 3 and 4 show are those of the network: shapes and weights by hand, outputs by hooks."""

import numpy as np
import torch

from swimmy_db.cubes.store import decode, quantise
from swimmy_db.model.dcae import DCAE
from swimmy_db.model.layers import convolution_outputs, layers_of


def network(**kwargs) -> DCAE:
    torch.manual_seed(1)
    return DCAE(**kwargs).eval()


def test_layers_are_the_paper_s_in_their_order():
    layers = layers_of(network(), 64)
    block = ["Conv2D", "BatchNormalization", "ReLU"]
    assert [layer.name for layer in layers] == [
        "input",
        "GaussianNoise (0.02)",
        *3 * [*block, "MaxPooling2D"],
        *3 * [*block, "UpSampling2D"],
        "Conv2D",
        "sigmoid",
    ]
    filters = [layer.channels for layer in layers if layer.name == "Conv2D"]
    # section 3.1: "the filter numbers in each Conv2D layer were 8, 32, 64, and 5"
    assert filters[3:] == [8, 32, 64, 5]
    latent = next(layer for layer in reversed(layers) if layer.part == "encoder")
    assert (latent.channels, latent.height, latent.width) == (8, 8, 8)
    assert (layers[-1].channels, layers[-1].height, layers[-1].width) == (5, 64, 64)


def test_weights_sum_to_the_network_s():
    for latent_dim, bands in ((8, 5), (2, 9)):
        made = network(bands=bands, latent_dim=latent_dim)
        assert sum(layer.n_weights for layer in layers_of(made, 32)) == sum(p.numel() for p in made.parameters())


def test_outputs_are_those_that_hooks_see_and_the_last_is_the_reconstruction():
    made = network()
    cube = quantise(torch.rand(1, 5, 64, 64, generator=torch.Generator().manual_seed(2)))[0]
    seen = []
    for module in made.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(output[0].numpy()))
    with torch.inference_mode():
        expected = made(decode(cube[None]))[0].numpy()
    hooked, seen[:] = list(seen), []
    outputs = convolution_outputs(made, cube)
    assert [output.name for output in outputs] == [*(f"Conv2D.{i}" for i in range(1, 8)), "reconstruction"]
    for output, other in zip(outputs[:-1], hooked, strict=True):
        np.testing.assert_array_equal(output.values, other)
    np.testing.assert_array_equal(outputs[-1].values, expected)
