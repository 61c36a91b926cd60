"""Rendering against plain sums: fluxes, PSF widths, noise, controls; and sizes and sky beside real HSC stamps."""

import copy
from pathlib import Path

import galsim
import numpy as np
import pytest
from astropy.io import fits
from scipy import fft
from scipy.ndimage import gaussian_filter

from swimmy_db.sources.simulated import images
from swimmy_db.sources.simulated.images import counts, patch_psf, render
from swimmy_db.sources.simulated.morphology import SIZE, exponential, galsim_fourier, sersic, shift
from swimmy_db.sources.simulated.options import BANDS, SurveyOptions
from swimmy_db.sources.skymap import sky_to_pixel

REAL = Path(__file__).parents[4] / "shared" / "data"
OPTIONS = SurveyOptions()


def pick(survey, number=1, **wanted):
    found = [
        galaxy
        for galaxy in survey.galaxies
        if galaxy.is_member
        and not galaxy.bad_stamp
        and all(getattr(galaxy, name) == value for name, value in wanted.items())
    ]
    return copy.deepcopy(found[:number])


def test_fourier_images_of_profiles_are_galsims_pictures():
    psf = galsim.Moffat(beta=3.0, fwhm=4.0)
    image = sersic(2.0, 6.0, 0.6, 0.7) * galsim_fourier(psf) * shift(95.5, 95.5)
    seen = fft.irfft2(image, s=(SIZE, SIZE))
    galaxy = galsim.Sersic(n=2.0, half_light_radius=6.0 * np.sqrt(0.6)).shear(q=0.6, beta=0.7 * galsim.radians)
    drawn = galsim.Convolve(galaxy, psf).drawImage(nx=SIZE, ny=SIZE, scale=1.0, method="no_pixel")
    assert np.abs(seen - drawn.array).max() < 2e-3 * drawn.array.max()


def test_the_closed_form_of_the_exponential_disc_is_galsims():
    disc = galsim.Exponential(half_light_radius=5.0 * np.sqrt(0.4)).shear(q=0.4, beta=1.1 * galsim.radians)
    assert np.abs(exponential(5.0, 0.4, 1.1) - galsim_fourier(disc)).max() < 2e-3


def test_a_galaxys_flux_is_that_of_its_spectrum(default_plan):
    for morphology in ("elliptical", "spiral", "barred", "edge_on", "irregular", "lenticular"):
        galaxy = next(
            g for g in default_plan.galaxies if g.kind == "galaxy" and g.shape.morphology == morphology and g.is_member
        )
        scene = images._scene(OPTIONS, galaxy, (96.2, 95.7), "")
        total = scene.fourier()[:, 0, 0].real
        assert total == pytest.approx(counts(galaxy.spectrum.total()), rel=0.002), morphology


def test_the_psf_has_the_patchs_seeing_in_each_band(default_plan):
    patch = next(patch for patch in default_plan.patches.values() if not patch.fault)
    pictures = fft.irfft2(patch_psf(patch) * shift(96.0, 96.0), s=(SIZE, SIZE))
    for band, picture in enumerate(pictures):
        level = picture.max() / 2.0
        # Area above half maximum, interpolated on a four times finer grid.
        fine = galsim.InterpolatedImage(galsim.Image(picture.astype(float), scale=1.0)).drawImage(
            nx=400, ny=400, scale=0.1, method="sb"
        )
        fwhm = 2.0 * np.sqrt((fine.array > level).sum() * 0.01 / np.pi) * 0.168
        assert fwhm == pytest.approx(patch.seeing[band], rel=0.02)


def test_stamps_hold_the_galaxy_where_the_sky_map_says_and_vary_by_a_pixel(default_plan):
    shapes = set()
    for galaxy in pick(default_plan, 12, kind="dr16q"):
        stamps, _ = render(OPTIONS, galaxy, default_plan.patches[galaxy.skymap_id])
        x, y = sky_to_pixel(galaxy.tract, galaxy.ra, galaxy.dec)
        shapes.add(stamps.pixels.shape[1:])
        assert min(stamps.pixels.shape[1:]) >= 96
        assert abs(x - stamps.x_0 - (stamps.pixels.shape[2] - 1) / 2) <= 1.0
        if galaxy.nucleus_to_host > 0.5:
            smooth = gaussian_filter(stamps.pixels[0], 1.5)
            row, column = round(y - stamps.y_0), round(x - stamps.x_0)
            window = smooth[row - 6 : row + 7, column - 6 : column + 7]
            peak = np.unravel_index(np.argmax(window), window.shape)
            assert np.hypot(peak[0] - 6, peak[1] - 6) < 1.6
    assert len(shapes) > 1
    assert shapes <= {(98, 98), (98, 99), (99, 98), (99, 99)}


def test_photometry_is_consistent_with_the_pixels_and_stars_are_points(default_plan):
    for star in [galaxy for galaxy in default_plan.galaxies if galaxy.kind == "star"][:8]:
        _, measured = render(OPTIONS, star, default_plan.patches[star.skymap_id], wanted=False)
        noise = 3.0 * np.sqrt(2.0) * np.asarray(measured.cmodel_magerr)  # of both magnitudes
        assert np.all(np.abs(measured.psf_mag - measured.cmodel_mag) < 0.04 + noise)
    compact = next(g for g in default_plan.galaxies if g.failed_cut == "extendedness" and g.kind == "compact")
    _, measured = render(OPTIONS, copy.deepcopy(compact), default_plan.patches[compact.skymap_id], wanted=False)
    assert measured.psf_mag[2] - measured.cmodel_mag[2] < 0.2
    for galaxy in pick(default_plan, 6, kind="galaxy", artefact="") + pick(default_plan, 20, kind="xelg"):
        _, measured = render(OPTIONS, galaxy, default_plan.patches[galaxy.skymap_id], wanted=False)
        assert measured.psf_mag[2] - measured.cmodel_mag[2] > 0.2
        true = -2.5 * np.log10(galaxy.spectrum.total())
        # Zero points scatter by 1.2 %, fits by their error.
        assert measured.cmodel_mag == pytest.approx(true, abs=0.075)


@pytest.mark.parametrize(("kind", "without"), [("xelg", "lines"), ("dr16q", "nucleus")])
def test_controls_lack_the_planted_light_and_keep_the_noise(default_plan, kind, without):
    for galaxy in pick(default_plan, 4, kind=kind):
        patch = default_plan.patches[galaxy.skymap_id]
        whole, _ = render(OPTIONS, galaxy, patch)
        control, _ = render(OPTIONS, galaxy, patch, without)
        spectrum = galaxy.spectrum
        planted = spectrum.nucleus() if without == "nucleus" else spectrum.lines(spectrum.planted_lines)
        difference = (whole.pixels - control.pixels).astype(float)
        strong = planted > 0.05 * spectrum.total()
        lost = (difference.sum(axis=(1, 2)) / patch.zero_point_factor)[strong] / counts(planted)[strong]
        assert lost == pytest.approx(1.0, abs=0.06)
        # Far from the galaxy the two are equal: same field, same noise.
        assert np.abs(difference[:, :8, :8]).max() < 0.02 + 0.02 * np.abs(difference).max()


def test_noise_has_the_depth_of_hsc_wide(default_plan):
    small = [g for g in pick(default_plan, 2000, kind="galaxy", artefact="") if g.shape.half_light_radius < 0.7][:12]
    measured = []
    for galaxy in small:
        patch = default_plan.patches[galaxy.skymap_id]
        stamps, _ = render(OPTIONS, galaxy, patch)
        steps = np.diff(stamps.pixels[:, :20, :].astype(float), axis=2)
        # Differences of neighbours are blind to sources; the noise's correlation lowers them by sqrt(1 - rho).
        measured.append(1.4826 * np.median(np.abs(steps), axis=(1, 2)) / np.sqrt(2.0 * (1.0 - 0.19)))
        expected = np.array(OPTIONS.sky_sigma) * 10 ** (-0.4 * (patch.depth - np.array(OPTIONS.depth_median)))
        measured[-1] /= expected
    assert np.median(measured, axis=0) == pytest.approx(np.ones(5), abs=0.12)


def stretched_sky(stamps, seeing):
    """Sky sigma per band after the PSF match to 1 arcsec and the paper's stretch (equation 1), by plain scipy."""
    sigma = np.sqrt(np.maximum(1.0 - np.asarray(seeing) ** 2, 1e-6)) / 2.35482 / 0.168
    smooth = np.array([gaussian_filter(image.astype(float), width) for image, width in zip(stamps, sigma, strict=True)])
    flux = smooth * 10 ** (0.4 * 19) / 63095734448.0194 / np.array([1, 1, 1, 1.2, 1.5])[: len(stamps), None, None]
    mean = flux.mean(axis=0)
    alpha = np.exp(10.0)
    scaled = np.arcsinh(alpha * mean) / np.arcsinh(alpha) * flux / mean
    y, x = np.indices(mean.shape)
    ring = np.hypot(y - mean.shape[0] / 2, x - mean.shape[1] / 2) > 34
    sky = scaled[:, ring]
    return 1.4826 * np.median(np.abs(sky - np.median(sky, axis=1, keepdims=True)), axis=1)


def test_sky_after_the_stretch(default_plan):
    small = [g for g in pick(default_plan, 3000, kind="galaxy", artefact="") if g.shape.half_light_radius < 0.9][:20]
    sigmas = []
    for galaxy in small:
        patch = default_plan.patches[galaxy.skymap_id]
        sigmas.append(stretched_sky(render(OPTIONS, galaxy, patch)[0].pixels, patch.seeing))
    median = np.median(sigmas, axis=0)
    print("sky after the stretch, grizy", median)
    assert np.all(median > 0.009)
    assert np.all(median < 0.05)
    assert 0.018 < median.mean() < 0.05


def half_light(image, x, y, reach=24):
    """Radius (px) of half the flux within `reach`, above the sky of the rim."""
    rows, columns = np.indices(image.shape)
    radius = np.hypot(columns - x, rows - y)
    sky = np.median(image[(radius > reach) & (radius < reach + 8)])
    order = np.argsort(radius[radius < reach])
    grown = np.cumsum((image - sky)[radius < reach][order])
    return float(np.sort(radius[radius < reach])[np.searchsorted(grown, grown[-1] / 2.0)]), float(grown[-1])


@pytest.mark.skipif(not REAL.is_dir(), reason="the real HSC stamps of ../shared/data are not here")
def test_sizes_are_those_of_galaxies_in_real_hsc_stamps(default_plan):
    """Half-light radii in i at 17.5 < i < 20, isolated and extended, measured alike; COSMOS has the same sky."""
    real = []
    for path in sorted((REAL / "hsc_blends_lsst_testdata_deblender").glob("*.npz")):
        blend = np.load(path)
        image = blend["images"][2].astype(float)
        peak_x, peak_y = max(blend["peaks"], key=lambda p: gaussian_filter(image, 1.0)[int(p[1]), int(p[0])])
        if min(peak_x, peak_y, image.shape[1] - peak_x, image.shape[0] - peak_y) > 20:
            radius, flux = half_light(image, peak_x, peak_y, reach=20)
            magnitude = 27.0 - 2.5 * np.log10(max(flux, 1.0))
            psf_radius, _ = half_light(
                np.pad(blend["psfs"][2], 10), *np.add(np.array(blend["psfs"].shape[1:]) // 2, 10), 20
            )
            if 17.5 < magnitude < 20.0 and radius > 1.25 * psf_radius:
                real.append(radius * 0.168)
    mine = []
    for galaxy in pick(default_plan, 3000, kind="galaxy", artefact=""):
        magnitude = -2.5 * np.log10(galaxy.spectrum.total()[2])
        if 17.5 < magnitude < 20.0 and len(mine) < 60:
            stamps, _ = render(OPTIONS, galaxy, default_plan.patches[galaxy.skymap_id])
            x, y = sky_to_pixel(galaxy.tract, galaxy.ra, galaxy.dec)
            radius, _ = half_light(stamps.pixels[2].astype(float), x - stamps.x_0, y - stamps.y_0, reach=20)
            mine.append(radius * 0.168)
    print("half-light radii (arcsec), real", len(real), np.percentile(real, [16, 50, 84]))
    print("half-light radii (arcsec), ours", len(mine), np.percentile(mine, [16, 50, 84]))
    assert len(real) >= 10
    assert np.median(mine) / np.median(real) == pytest.approx(1.0, abs=0.45)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real HSC stamps of ../shared/data are not here")
def test_noise_is_that_of_a_real_wide_field():
    field = REAL / "hsc_multiprofit"
    for band, sigma in zip(BANDS[:3], OPTIONS.sky_sigma[:3], strict=True):
        variance = fits.getdata(next(field.glob(f"*_300x300_{band}.fits.gz")), 3)
        assert np.sqrt(np.median(variance)) == pytest.approx(sigma, rel=0.03)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real HSC stamps of ../shared/data are not here")
def test_seeing_is_like_that_of_real_hsc_psfs(default_plan):
    """FWHM from the area above half maximum of the PSFs of the COSMOS stamps, whose layer has the better seeing."""
    real = []
    for path in sorted((REAL / "hsc_blends_lsst_testdata_deblender").glob("*.npz"))[:30]:
        widths = []
        for psf in np.load(path)["psfs"]:
            fine = galsim.InterpolatedImage(galsim.Image(psf, scale=1.0)).drawImage(
                nx=200, ny=200, scale=0.1, method="sb"
            )
            widths.append(2.0 * np.sqrt((fine.array > fine.array.max() / 2.0).sum() * 0.01 / np.pi) * 0.168)
        real.append(widths)
    ours = np.array([patch.seeing for patch in default_plan.patches.values() if not patch.fault])
    print("seeing, real", np.median(real, axis=0), "ours", np.median(ours, axis=0))
    ratio = np.median(ours, axis=0) / np.median(real, axis=0)
    assert np.all(ratio > 0.9)
    assert np.all(ratio < 1.5)
    assert ours.min() < np.median(real) < ours.max()
