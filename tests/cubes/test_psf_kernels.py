"""PSF kernels: widths of Gaussians that are known, the real ones of the PSF picker, and files that are none."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from swimmy_db.cubes.cutouts import BadCutout
from swimmy_db.cubes.psf_kernels import adaptive_moments, kernel_fwhm, read_kernel

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def gaussian(shape, centre, moments):
    y, x = np.indices(shape)
    inverse = np.linalg.inv(moments)
    dx, dy = x - centre[0], y - centre[1]
    kernel = np.exp(-0.5 * (inverse[0, 0] * dx**2 + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy**2))
    return kernel / kernel.sum()


def as_file(pixels, **cards) -> bytes:
    stream = io.BytesIO()
    fits.PrimaryHDU(pixels, fits.Header(cards)).writeto(stream)
    return stream.getvalue()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(41, 41), (42, 43), (43, 41), (44, 42)]),
    st.floats(-1.5, 1.5),
    st.floats(-1.5, 1.5),
    st.floats(1.2, 3.0),
    st.floats(1.2, 3.0),
    st.floats(-0.4, 0.4),
)
def test_moments_of_a_gaussian_are_its_own(shape, x, y, sigma_x, sigma_y, rho):
    """Also off centre and on sides that are even and differ, as the picker's are."""
    moments = np.array([[sigma_x**2, rho * sigma_x * sigma_y], [rho * sigma_x * sigma_y, sigma_y**2]])
    centre = (shape[1] / 2 + x, shape[0] / 2 + y)
    found_x, found_y, found = adaptive_moments(gaussian(shape, centre, moments))
    assert (found_x, found_y) == pytest.approx(centre, abs=1e-3)
    np.testing.assert_allclose(found, moments, rtol=2e-3, atol=2e-3)


def test_the_width_is_the_fwhm_in_arcsec():
    sigma = 0.72 / 0.168 / (2 * np.sqrt(2 * np.log(2)))
    assert kernel_fwhm(gaussian((42, 43), (21, 20), np.eye(2) * sigma**2), 0.168) == pytest.approx(0.72, rel=1e-4)


def test_a_file_becomes_a_kernel():
    pixels = gaussian((43, 42), (21, 21), np.eye(2) * 3.0)
    kernel = read_kernel(as_file(pixels, CRVAL1A=-20.0), object_id=5, band="g", tract=8279, member="2-psf.fits")
    assert kernel.pixels.shape == (43, 42)
    assert kernel.pixels.sum() == pytest.approx(1, abs=1e-5)
    assert (kernel.x, kernel.y) == pytest.approx((21, 21), abs=1e-3)
    assert (kernel.object_id, kernel.band, kernel.tract, kernel.member) == (5, "g", 8279, "2-psf.fits")


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty file"),
        (b"<html>", "damaged FITS"),
        (as_file(gaussian((41, 41), (20, 20), np.eye(2) * 4))[:2000], "damaged FITS"),
        (as_file(np.zeros(10)), "no PSF image in HDU 0"),
        (as_file(np.full((41, 41), np.nan)), "no PSF image in HDU 0"),
        (as_file(np.ones((41, 41))), "a PSF of sum 1.68e+03, expected 1"),
        (as_file(np.eye(41) / 41 - np.eye(41)[::-1] / 41 + 1 / 1681), "no width can be measured on the PSF"),
    ],
)
def test_what_is_no_kernel_is_said(payload, reason):
    with pytest.raises(BadCutout) as fault:
        read_kernel(payload, object_id=5, band="g", tract=8279)
    assert fault.value.reason == reason


def test_real_kernels_are_as_wide_as_the_star_of_their_catalogue():
    """The archive's own moments (sdssshape, arcsec^2) of the bright star near by, against ours of the kernels."""
    folder = DATA / "hsc_multiprofit"
    if not folder.exists():
        pytest.skip("../shared/data/hsc_multiprofit is absent")
    with open(folder / "fithsc_src.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))

    def width(row, band):
        xx, yy, xy = (float(row[f"{band}_sdssshape_shape{axis}"] or "nan") for axis in ("11", "22", "12"))
        return 2.3548 * (xx * yy - xy**2) ** 0.25

    # most rows belong to one blended group; this is the star that stands alone
    star = min(rows, key=lambda row: abs(float(row["i_psfflux_mag"]) - 20.324))
    for band in "gri":
        content = (folder / f"222.51551376,0.09749601_{band}_psf.fits").read_bytes()
        kernel = read_kernel(content, object_id=1, band=band, tract=9453)
        # in g the star is of magnitude 22.3
        tolerance = 0.07 if band == "g" else 0.02
        assert kernel_fwhm(kernel.pixels, 0.168) == pytest.approx(width(star, band), rel=tolerance)
