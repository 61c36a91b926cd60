"""What the network is made of and what each of its layers puts out, read from the module itself (figures 3 and 4)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, fx, nn

from swimmy_db.cubes.store import decode
from swimmy_db.model.dcae import DCAE

# Names as the paper prints them (Keras's), by the kind of operation in the traced module.
NAMES = {
    nn.Conv2d: "Conv2D",
    nn.BatchNorm2d: "BatchNormalization",
    nn.MaxPool2d: "MaxPooling2D",
    nn.Upsample: "UpSampling2D",
    torch.relu: "ReLU",
    torch.sigmoid: "sigmoid",
}


class Layer(NamedTuple):
    """One layer in the order in which data pass: part (input, encoder, latent, decoder), name, what comes out of it."""

    part: str
    name: str
    channels: int
    height: int
    width: int
    n_weights: int


class LayerOutput(NamedTuple):
    """The output (channel, y, x) of one convolution for one galaxy."""

    name: str
    values: np.ndarray


class _Shapes(fx.Interpreter):
    """Runs a traced part of the network and keeps every node's output."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.outputs: list[tuple[str, nn.Module | None, Tensor]] = []

    def run_node(self, node: fx.Node) -> Tensor:
        result = super().run_node(node)
        if node.op == "call_module":
            module = self.fetch_attr(str(node.target))
            self.outputs.append((_name_of(type(module)), module, result))
        elif node.op == "call_function":
            self.outputs.append((_name_of(node.target), None, result))
        return result


class _Part(nn.Module):
    """`encode` or `decode` of a network as a module of its own, so that it can be traced."""

    def __init__(self, network: DCAE, method: str) -> None:
        super().__init__()
        self.network, self.method = network, method

    def forward(self, images: Tensor) -> Tensor:
        return getattr(self.network, self.method)(images)


def layers_of(network: DCAE, size: int) -> list[Layer]:
    """All layers for stamps of size x size pixels. The noise is a layer of training only, as in Keras."""
    bands = network.last.out_channels
    found = [
        Layer("input", "input", bands, size, size, 0),
        Layer("input", f"GaussianNoise ({network.noise_std:g})", bands, size, size, 0),
    ]
    for part, outputs in _trace(network, torch.zeros(1, bands, size, size)).items():
        for name, module, output in outputs:
            n_weights = 0 if module is None else sum(weights.numel() for weights in module.parameters())
            found.append(Layer(part, name, *output.shape[1:], n_weights))
    return found


def convolution_outputs(network: DCAE, cube: np.ndarray) -> list[LayerOutput]:
    """Outputs of Conv2D.1, Conv2D.2 ... for one quantised cube (band, y, x), then the reconstruction."""
    found: list[LayerOutput] = []
    last = None
    for outputs in _trace(network, decode(cube[None])).values():
        for name, _, output in outputs:
            if name == "Conv2D":
                found.append(LayerOutput(f"Conv2D.{len(found) + 1}", output[0].numpy()))
            last = output
    return [*found, LayerOutput("reconstruction", last[0].numpy())]


@torch.inference_mode()
def _trace(network: DCAE, images: Tensor) -> dict[str, list[tuple[str, nn.Module | None, Tensor]]]:
    device = next(network.parameters()).device
    images = images.to(device)
    outputs = {}
    network.eval()
    for part, method in (("encoder", "encode"), ("decoder", "decode")):
        traced = _Shapes(fx.symbolic_trace(_Part(network, method)))
        images = traced.run(images)
        outputs[part] = [(name, module, output.cpu()) for name, module, output in traced.outputs]
    return outputs


def _name_of(operation: object) -> str:
    return NAMES.get(operation) or getattr(operation, "__name__", str(operation))
