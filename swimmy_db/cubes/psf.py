"""PSF matching: every band smoothed with a circular Gaussian to one target FWHM (section 2.3)."""

import math

import torch
from torch import Tensor

FWHM_OF_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


def kernel_sigma(seeing_fwhm: Tensor, target_fwhm: float, pixel_scale: float) -> Tensor:
    """Sigma (pix) of the Gaussian that widens seeing_fwhm to target_fwhm (arcsec); 0 where it is as wide already."""
    return (target_fwhm**2 - seeing_fwhm**2).clamp(min=0.0).sqrt() / (FWHM_OF_SIGMA * pixel_scale)


def match_psf(
    pixels: Tensor, seeing_fwhm: Tensor, target_fwhm: float, pixel_scale: float, margin: int = 0
) -> tuple[Tensor, Tensor]:
    """Smooth each object's bands to the target FWHM, each with its own exact sigma.

    pixels: (object, band, y, x) float32, finite (bad pixels set to 0 before), 0 outside. seeing_fwhm: (object, band),
    arcsec; target_fwhm in arcsec, pixel_scale in arcsec per pixel. margin: pixels that only feed the kernel and are
    dropped on each side of the result.
    Returns the smoothed pixels, (object, band, y - 2 margin, x - 2 margin), and unsmoothed, (object, band) bool:
    seeing above the target, passed through as it is (the patch cut of section 2.1 normally excludes it).
    Raises ValueError where seeing is not a positive number.
    """
    if not bool((seeing_fwhm > 0).all()):
        raise ValueError("seeing must be a positive number of arcsec in every band")
    sigma = kernel_sigma(seeing_fwhm.to(pixels.device, torch.float64), target_fwhm, pixel_scale)
    height, width = pixels.shape[-2:]
    rows = _gaussian_matrices(sigma, height, margin, pixels.dtype)
    columns = rows if width == height else _gaussian_matrices(sigma, width, margin, pixels.dtype)
    # A separable convolution is G X G^T; two batched matrix products beat any convolution call (measured).
    return rows @ pixels @ columns.transpose(-1, -2), seeing_fwhm > target_fwhm


def _gaussian_matrices(sigma: Tensor, size: int, margin: int, dtype: torch.dtype) -> Tensor:
    """(..., size - 2 margin, size): each row is the sampled Gaussian, of sum 1, around its own pixel."""
    steps = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    # A floor far below a pixel makes sigma = 0 the identity without a division by 0.
    kernel = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3)[..., None]) ** 2)
    # Its far wing would be denormal in float32, which makes the matrix products many times slower.
    kernel = torch.where(kernel < 1e-12, 0.0, kernel)
    kernel = kernel / (2.0 * kernel.sum(-1, keepdim=True) - 1.0)
    kernel = kernel.to(dtype)
    both_sides = torch.cat((kernel.flip(-1), kernel[..., 1:]), dim=-1)
    # row i is that array seen from `size - 1 - i` on: copied from a view, four times faster than gathered (measured)
    return both_sides.unfold(-1, size, 1)[..., margin : size - margin, :].flip(-2)
