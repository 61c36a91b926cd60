"""Exact, faster forms of the DCAE's function on the same weights, for training and for scoring.

Exact: equal to dcae.py but for the order of float32 sums. What each step gains is in docs (measured).
"""

from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from swimmy_db.model.dcae import DCAE

# Nearest upsampling by 2 and then a 3-tap kernel w is one transposed convolution of stride 2: output 2i sees input i-1
# through w0 and i through w1 + w2, output 2i+1 sees i through w0 + w1 and i+1 through w2. Rows: the four taps.
UPSAMPLED_TAPS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def upsampled_kernel(weight: Tensor) -> Tensor:
    """(out, in, 3, 3) of a convolution after nearest upsampling -> (in, out, 4, 4) of the transposed convolution.

    4/9 of the products, and gradients flow back to the 3x3 weights.
    """
    taps = torch.tensor(UPSAMPLED_TAPS, dtype=weight.dtype, device=weight.device)
    return torch.einsum("ay,oiyx,bx->ioab", taps, weight, taps)


def training_forward(network: DCAE, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """What network(images, generator) gives; in training mode it updates the same BatchNorm statistics."""
    signal = network.add_noise(images, generator)
    for block in network.encoder:
        # max and ReLU commute: a quarter of the pixels to rectify
        signal = torch.relu(network.pool(block.norm(block.conv(signal))))
    signal = network.decoder[0](signal)
    for block in network.decoder[1:]:
        signal = F.conv_transpose2d(signal, upsampled_kernel(block.conv.weight), block.conv.bias, stride=2, padding=1)
        signal = torch.relu(block.norm(signal))
    signal = F.conv_transpose2d(signal, upsampled_kernel(network.last.weight), network.last.bias, stride=2, padding=1)
    return torch.sigmoid(signal)


class Layer(NamedTuple):
    """A convolution's weights with the BatchNorm after it folded in."""

    weight: Tensor
    bias: Tensor


class Window(NamedTuple):
    """Rows (and, alike, columns) start to stop, exclusive, of a square image."""

    start: int
    stop: int

    def inside(self, other: "Window") -> slice:
        """Where this window lies in an array that holds only `other`."""
        return slice(self.start - other.start, self.stop - other.start)


class Scorer(NamedTuple):
    """A trained network for evaluation: BatchNorm folded, upsampling merged, weights in channels_last."""

    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]

    @classmethod
    @torch.no_grad()
    def of(cls, network: DCAE, dtype: torch.dtype = torch.float32) -> Self:
        folded = []
        for block in (*network.encoder, *network.decoder):
            norm = block.norm
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            bias = (block.conv.bias - norm.running_mean) * scale + norm.bias
            folded.append((block.conv.weight * scale[:, None, None, None], bias))
        folded.append((network.last.weight, network.last.bias))
        depth = len(network.encoder)
        # the decoder's first convolution is not preceded by an upsampling
        kernels = [w if i <= depth else upsampled_kernel(w) for i, (w, _) in enumerate(folded)]
        layers = [
            Layer(kernel.detach().to(dtype, memory_format=torch.channels_last), bias.detach().to(dtype))
            for kernel, (_, bias) in zip(kernels, folded, strict=True)
        ]
        return cls(tuple(layers[:depth]), tuple(layers[depth:]))

    @torch.inference_mode()
    def reconstruct(self, images: Tensor) -> Tensor:
        """images (n, band, y, x) -> reconstructions, the whole stamp, float32."""
        return self.reconstruct_window(images, Window(0, images.shape[-1]))

    @torch.inference_mode()
    def reconstruct_window(self, images: Tensor, window: Window) -> Tensor:
        """The reconstruction in a square window only, (n, band, rows, columns), from the pixels that it can see.

        Equation 6 needs six rows and columns of 64; following them back through the layers leaves 0.41 of the
        products. Nothing is approximated: where the window's field reaches the edge of the stamp it is padded as usual.
        """
        size = images.shape[-1]
        needed = self._needed(window, size)
        signal = images.to(self.encoder[0].weight.dtype, memory_format=torch.channels_last)
        held = Window(0, size)
        for level, layer in enumerate(self.encoder):
            out = Window(2 * needed[level].start, 2 * needed[level].stop)
            signal = _convolve(signal, held, layer, out, size >> level)
            signal, held = F.relu_(F.max_pool2d(signal, 2)), needed[level]
        grid = size >> len(self.encoder)
        out = needed[len(self.encoder)]
        signal, held = F.relu_(_convolve(signal, held, self.decoder[0], out, grid)), out
        for step, layer in enumerate(self.decoder[1:], start=len(self.encoder) + 1):
            signal = F.conv_transpose2d(signal, layer.weight, layer.bias, stride=2, padding=1)
            made, held = Window(2 * held.start, 2 * held.stop), needed[step]
            signal = signal[:, :, held.inside(made), held.inside(made)]
            signal = signal.float().sigmoid_() if step == len(needed) - 1 else F.relu_(signal)
        return signal

    def _needed(self, window: Window, size: int) -> list[Window]:
        """What each layer must give, in order: pooled encoder layers, the first decoder layer, the upsampled ones."""
        windows = [window]
        for level in range(len(self.decoder) - 1):
            limit = size >> (level + 1)
            wanted = windows[0]
            # the first and the last row of a merged upsampling see half a neighbour more
            windows.insert(0, Window(max((wanted.start - 1) // 2, 0), min(wanted.stop // 2 + 1, limit)))
        deepest = len(self.encoder)
        for level in range(deepest, 0, -1):
            wanted, limit = windows[0], size >> level
            if level < deepest:
                wanted = Window(2 * wanted.start, 2 * wanted.stop)
            windows.insert(0, Window(max(wanted.start - 1, 0), min(wanted.stop + 1, limit)))
        return windows


def _convolve(signal: Tensor, held: Window, layer: Layer, out: Window, size: int) -> Tensor:
    """Rows and columns `out` of a same-padded 3x3 convolution of a size x size image of which `held` is given."""
    seen = Window(max(out.start - 1, 0), min(out.stop + 1, size))
    signal = signal[:, :, seen.inside(held), seen.inside(held)]
    before, after = int(out.start == 0), int(out.stop == size)
    if before and after:
        return F.conv2d(signal, layer.weight, layer.bias, padding=1)
    if before or after:
        signal = F.pad(signal, (before, after, before, after))
    return F.conv2d(signal, layer.weight, layer.bias)
