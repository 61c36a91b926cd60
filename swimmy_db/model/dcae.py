"""The denoising convolutional autoencoder of section 3.1 (figure 3), in its plain form.

Faster forms of the same function, on the same weights, are in fast_forms.py; this file is what they must equal.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

ENCODER_FILTERS = (64, 32)  # and latent_dim: the mirror of the decoder's (FORMATS.md, ambiguity 16)
DECODER_FILTERS = (8, 32, 64)  # and the bands: "the filter numbers in each Conv2D layer were 8, 32, 64, and 5"
DOWNSAMPLING = 2 ** (len(ENCODER_FILTERS) + 1)


class ConvBlock(nn.Module):
    """Conv2D (3x3, same padding), BatchNormalization, ReLU; Keras's defaults where the paper is silent."""

    def __init__(self, inputs: int, outputs: int, batchnorm_momentum: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
        # Keras's momentum m is 1 - m here; the running variance is unbiased, as in Keras 2's fused layer.
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=batchnorm_momentum)

    def forward(self, images: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(images)))


class DCAE(nn.Module):
    """Images (n, band, y, x) in [0, 1] to reconstructions of the same shape; 48 437 weights for d = 8, five bands."""

    def __init__(
        self, bands: int = 5, latent_dim: int = 8, noise_std: float = 0.02, batchnorm_momentum: float = 0.01
    ) -> None:
        super().__init__()
        self.noise_std = noise_std
        encoder, decoder = (bands, *ENCODER_FILTERS, latent_dim), (latent_dim, *DECODER_FILTERS)
        self.encoder = nn.ModuleList(ConvBlock(i, o, batchnorm_momentum) for i, o in pairwise(encoder))
        self.decoder = nn.ModuleList(ConvBlock(i, o, batchnorm_momentum) for i, o in pairwise(decoder))
        self.last = nn.Conv2d(DECODER_FILTERS[-1], bands, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.decode(self.encode(self.add_noise(images, generator)))

    def add_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Keras's GaussianNoise: noise of standard deviation r_gauss in training, nothing in evaluation."""
        if not self.training or self.noise_std == 0:
            return images
        n, bands, height, width = images.shape
        # Drawn band last, the layout that the convolutions want: randn_like on channels_last is eight times slower.
        noise = torch.randn((n, height, width, bands), generator=generator, device=images.device, dtype=images.dtype)
        return images + self.noise_std * noise.permute(0, 3, 1, 2)

    def encode(self, images: Tensor) -> Tensor:
        """Latent representation z (n, latent_dim, y / 8, x / 8)."""
        for block in self.encoder:
            images = self.pool(block(images))
        return images

    def decode(self, latent: Tensor) -> Tensor:
        for block in self.decoder:
            latent = self.upsample(block(latent))
        return torch.sigmoid(self.last(latent))


def initialise(network: DCAE, generator: torch.Generator) -> DCAE:
    """Keras's initial weights: glorot uniform, zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
    return network
