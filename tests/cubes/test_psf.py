"""PSF matching against scipy's and astropy's convolutions, and against the widths of real Gaussians."""

import numpy as np
import pytest
import torch
from astropy.convolution import Gaussian2DKernel, convolve_fft
from scipy.ndimage import gaussian_filter

from swimmy_db.cubes.psf import kernel_sigma, match_psf

PIXEL_SCALE = 0.168
TARGET = 1.0


def stars(fwhm_arcsec, size=96):
    """Round Gaussian stars of unit flux, one an object, in one band."""
    sigma = np.asarray(fwhm_arcsec)[:, None, None] / PIXEL_SCALE / np.sqrt(8 * np.log(2))
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    images = np.exp(-0.5 * (x**2 + y**2) / sigma**2) / (2 * np.pi * sigma**2)
    return torch.from_numpy(images[:, None].astype(np.float32))


def test_every_object_and_band_is_smoothed_by_its_own_sigma_as_scipy_does():
    random = np.random.default_rng(1)
    pixels = random.normal(size=(3, 4, 96, 95)).astype(np.float32)
    seeing = random.uniform(0.5, 0.95, (3, 4))
    smoothed, unsmoothed = match_psf(torch.from_numpy(pixels), torch.from_numpy(seeing), TARGET, PIXEL_SCALE)
    assert smoothed.shape == pixels.shape
    assert smoothed.dtype == torch.float32
    assert not unsmoothed.any()
    for i in range(3):
        for b in range(4):
            sigma = np.sqrt(TARGET**2 - seeing[i, b] ** 2) / 2.354820045 / PIXEL_SCALE
            expected = gaussian_filter(pixels[i, b].astype(np.float64), sigma, mode="constant", truncate=12)
            np.testing.assert_allclose(smoothed[i, b], expected, atol=2e-6)


def test_it_is_astropy_s_convolution_away_from_the_edge():
    pixels = np.random.default_rng(2).normal(size=(64, 64)).astype(np.float32)
    smoothed, _ = match_psf(torch.from_numpy(pixels)[None, None], torch.tensor([[0.6]]), TARGET, PIXEL_SCALE, margin=16)
    kernel = Gaussian2DKernel(0.8 / 2.354820045 / PIXEL_SCALE, x_size=41, y_size=41)
    expected = convolve_fft(pixels.astype(np.float64), kernel, boundary="fill", fill_value=0.0, normalize_kernel=True)
    np.testing.assert_allclose(smoothed[0, 0], expected[16:-16, 16:-16], atol=2e-6)


def test_stars_of_any_seeing_come_out_with_the_target_width_and_their_flux():
    seeing = np.array([0.45, 0.6, 0.75, 0.9])
    smoothed, _ = match_psf(stars(seeing), torch.from_numpy(seeing)[:, None], TARGET, PIXEL_SCALE)
    x = np.arange(96) - 47.5
    for image in smoothed[:, 0].double().numpy():
        width = np.sqrt((image * x**2).sum() / image.sum()) * np.sqrt(8 * np.log(2)) * PIXEL_SCALE
        assert width == pytest.approx(TARGET, rel=2e-3)
        assert image.sum() == pytest.approx(1.0, rel=1e-4)


def test_seeing_above_the_target_passes_through_untouched_and_is_flagged():
    pixels = torch.randn(2, 2, 40, 40, generator=torch.Generator().manual_seed(3))
    seeing = torch.tensor([[1.2, 0.7], [1.0, 1.0001]])
    smoothed, unsmoothed = match_psf(pixels, seeing, TARGET, PIXEL_SCALE)
    assert unsmoothed.tolist() == [[True, False], [False, True]]
    assert torch.equal(smoothed[0, 0], pixels[0, 0])
    assert torch.equal(smoothed[1], pixels[1])
    assert not torch.allclose(smoothed[0, 1], pixels[0, 1], atol=0.1)


def test_the_margin_only_feeds_the_kernel():
    pixels = torch.randn(1, 1, 96, 97, generator=torch.Generator().manual_seed(4))
    seeing = torch.tensor([[0.5]])
    whole, _ = match_psf(pixels, seeing, TARGET, PIXEL_SCALE)
    cropped, _ = match_psf(pixels, seeing, TARGET, PIXEL_SCALE, margin=16)
    assert cropped.shape == (1, 1, 64, 65)
    torch.testing.assert_close(cropped, whole[:, :, 16:80, 16:81], atol=1e-6, rtol=0)


@pytest.mark.parametrize("seeing", [float("nan"), 0.0, -0.7])
def test_seeing_that_is_no_width_is_refused(seeing):
    with pytest.raises(ValueError, match="seeing"):
        match_psf(torch.zeros(1, 1, 8, 8), torch.tensor([[seeing]]), TARGET, PIXEL_SCALE)


def test_the_kernel_s_sigma_is_the_one_of_formats_md():
    assert kernel_sigma(torch.tensor(0.6), 1.0, 0.168).item() == pytest.approx(2.02, abs=0.005)
