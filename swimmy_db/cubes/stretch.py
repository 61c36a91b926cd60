"""The one normalisation of the search: bands scaled to 19 mag, arcsinh-stretched together, clipped to [0, 1] (2.3)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor

from swimmy_db.config import Settings


@dataclass(frozen=True)
class StretchParameters:
    """What a stretched pixel depends on; stored with every cube set and with every network's weights.

    bands: names in cube order. divisors: one a band, what its flux is divided by (z 1.2, y 1.5; section 2.3).
    alpha, beta: of equation 1. zero_point: AB magnitude of flux 1 before the stretch.
    """

    bands: tuple[str, ...]
    divisors: tuple[float, ...]
    alpha: float = math.exp(10)
    beta: float = 0.05
    zero_point: float = 19.0

    def __post_init__(self) -> None:
        if len(self.bands) != len(self.divisors):
            raise ValueError(f"{len(self.bands)} bands but {len(self.divisors)} divisors")

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            bands=settings.band_names,
            divisors=tuple(band.stretch_divisor for band in settings.bands),
            alpha=settings.stretch_alpha,
            beta=settings.stretch_beta,
            zero_point=settings.instrument.stretch_zero_point,
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "bands": tuple(values["bands"]), "divisors": tuple(values["divisors"])})

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "bands": list(self.bands), "divisors": list(self.divisors)}


def flux_of_one_count(zero_point: Tensor, parameters: StretchParameters) -> Tensor:
    """What counts are multiplied by before the stretch: to flux 1 = 19 mag, over the band's divisor.

    zero_point: (..., band), AB magnitude of one count. Returns the same shape.
    """
    divisors = torch.tensor(parameters.divisors, dtype=zero_point.dtype, device=zero_point.device)
    return 10.0 ** (0.4 * (parameters.zero_point - zero_point)) / divisors


def asinh_stretch(flux: Tensor, alpha: float = math.exp(10), beta: float = 0.05) -> Tensor:
    """Stretch co-registered bands to [0, 1], keeping colours (paper eq. 1 and 2; Lupton et al. 2004).

    flux: (..., band, y, x), linear, 1.0 = 19 mag; z and y already divided by 1.2 and 1.5. Bands may be any number.
    Returns the same shape: arcsinh(alpha I) / arcsinh(alpha) * x / I + beta, clipped, where I is the mean of the bands.
    Equation 1 as printed has x and I exchanged; this is the form of the code that it cites (FORMATS.md, ambiguity 1).
    I is legally negative in the sky. Where it vanishes the limit alpha / arcsinh(alpha) * x + beta applies.
    """
    mean = flux.mean(dim=-3, keepdim=True)
    scaled = alpha * mean
    # asinh(u)/u = 1 - u^2/6: below 1e-6 the limit is exact even in float64, and 0/0 is never formed.
    vanishing = scaled.abs() < 1e-6
    brightening = torch.where(vanishing, alpha, torch.asinh(scaled) / torch.where(vanishing, 1.0, mean))
    return (flux * (brightening / math.asinh(alpha)) + beta).clamp_(0.0, 1.0)
