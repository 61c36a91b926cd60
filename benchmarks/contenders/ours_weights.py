"""The network's weights as plain arrays, which Keras's layers can take."""

from collections.abc import Mapping

import numpy as np
import torch

from swimmy_db.model.dcae import DCAE

NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}


def parts(network: DCAE) -> dict[str, torch.Tensor]:
    """`<k>.kernel` (out, in, y, x), `<k>.bias` and BatchNorm's `<k>.gamma`, `.beta`, `.mean`, `.variance`."""
    named = {}
    blocks = [*network.encoder, *network.decoder]
    for k, block in enumerate(blocks):
        named |= {f"{k}.kernel": block.conv.weight, f"{k}.bias": block.conv.bias}
        named |= {f"{k}.{name}": getattr(block.norm, ours) for name, ours in NORM.items()}
    return named | {f"{len(blocks)}.kernel": network.last.weight, f"{len(blocks)}.bias": network.last.bias}


@torch.no_grad()
def set_weights(network: DCAE, arrays: Mapping[str, np.ndarray]) -> None:
    for name, tensor in parts(network).items():
        tensor.copy_(torch.from_numpy(arrays[name]))
