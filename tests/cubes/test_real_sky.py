"""Real HSC pixels through the cutout service's layout, the HSC reader and the cubes; photometry at zero point 27.

The pixels are in ../shared/data, which is not part of the repository (docs/real-sky.md says whose they are).
"""

import gzip
import importlib
import io
import json
import sys
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from scipy.ndimage import gaussian_filter

from swimmy_db.config import load_preset
from swimmy_db.cubes.build import build_cubes
from swimmy_db.cubes.cutouts import MASK_PLANES, read_cutout
from swimmy_db.cubes.psf import match_psf
from swimmy_db.cubes.store import CubeRecipe, CubeSet
from swimmy_db.cubes.writer import CubeSetWriter

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PAPER = load_preset("paper")
EDGE, SAT = 1 << MASK_PLANES["EDGE"], 1 << MASK_PLANES["SAT"]
FWHM_OF_SIGMA = 2.354820045


@pytest.fixture(scope="module")
def real():
    """The experiment's module that wraps the pixels."""
    pytest.importorskip("galsim")
    if not (DATA / "hsc_blends_lsst_testdata_deblender").is_dir():
        pytest.skip("../shared/data/hsc_blends_lsst_testdata_deblender is absent")
    sys.path.insert(0, str(ROOT / "experiments"))
    yield importlib.import_module("real_sky_stamps")
    sys.path.remove(str(ROOT / "experiments"))


@pytest.fixture(scope="module")
def whole(real, tmp_path_factory):
    """The 81 peaks with a full 64x64: folder of tars, images, peaks, stamps by band, block."""
    folder = tmp_path_factory.mktemp("real")
    images = real.blends(DATA)
    chosen = real.whole_peaks(images)
    peaks = real.write_cutouts(folder, images, chosen)
    return folder, [images[i] for i, _ in chosen], peaks, *real.read_back(folder, PAPER, peaks)


@pytest.fixture(scope="module")
def cubes(whole, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cubes") / "real"
    recipe = CubeRecipe.from_settings(PAPER)
    with CubeSetWriter(folder, recipe) as writer:
        for block, rejects in build_cubes([whole[4]], recipe):
            assert not rejects
            writer.add(block)
    return CubeSet(folder)


def fluxes(stamps, image, peak):
    """(band, y, x) float64, smoothed by scipy and scaled as colorPostage does (FORMATS.md section 5), 64x64."""
    planes = []
    for number, band in enumerate("grizy"):
        stamp = stamps[band]
        sigma = np.sqrt(1.0 - peak.seeing[number] ** 2) / FWHM_OF_SIGMA / 0.168
        left, low = int(np.floor(stamp.x)) - 31 - 16, int(np.floor(stamp.y)) - 31 - 16
        around = stamp.pixels[max(low, 0) : low + 96, max(left, 0) : left + 96].astype(float)
        around = np.pad(around, ((max(-low, 0), 0), (max(-left, 0), 0)))
        around = np.pad(around, [(0, 96 - length) for length in around.shape])  # what the reader forgives
        smooth = gaussian_filter(around, sigma, mode="constant", truncate=10)[16:80, 16:80]
        planes.append(smooth * 10 ** (0.4 * 19) / 63095734448.0194 / (1, 1, 1, 1.2, 1.5)[number])
    return np.array(planes)


def public_formula(flux):
    mean = flux.mean(axis=0)
    return np.arcsinh(np.exp(10) * mean) / np.arcsinh(np.exp(10)) * (flux / mean) + 0.05


def test_81_peaks_have_a_whole_stamp_and_9_have_a_whole_margin(whole):
    _, images, peaks, stamps, _ = whole
    assert len(peaks) == len({peak.object_id for peak in peaks}) == 81
    assert sum(peak.is_whole for peak in peaks) == 9
    assert len({image.name for image in images}) > 15
    for peak, by_band in zip(peaks, stamps, strict=True):
        for stamp in by_band.values():
            assert stamp.pixels.shape == (97, 97)
            assert stamp.zero_point == pytest.approx(27.0, abs=1e-9)
            assert bool(stamp.mask_bits & EDGE) == (not peak.is_whole), "reflected margins are flagged"


def test_pixels_and_positions_come_back_as_they_were(whole):
    _, images, peaks, stamps, _ = whole
    for image, peak, by_band in zip(images, peaks, stamps, strict=True):
        column, row = image.peaks[peak.number]
        for number, stamp in enumerate(by_band.values()):
            left, low = round(stamp.x - peak.x), round(stamp.y - peak.y)
            assert (stamp.x - left, stamp.y - low) == pytest.approx((peak.x, peak.y), abs=1e-5)
            assert (left, low) == (48 - column, 48 - row)
            height, width = image.pixels.shape[1:]
            rows = slice(max(row - 48, 0), min(row + 49, height))
            columns = slice(max(column - 48, 0), min(column + 49, width))
            inside = stamp.pixels[rows.start + low : rows.stop + low, columns.start + left : columns.stop + left]
            np.testing.assert_array_equal(inside, image.pixels[number, rows, columns])


def test_astropy_reads_the_same_files(whole):
    folder, _, peaks, stamps, _ = whole
    expected = {(stamp.object_id, stamp.band): stamp for by_band in stamps for stamp in by_band.values()}
    members = {stamp.member: stamp for stamp in expected.values()}
    by_id = {peak.object_id: peak for peak in peaks}
    with tarfile.open(next(iter(sorted(folder.glob("*.tar"))))) as tar:
        for info in tar.getmembers()[::29]:
            stamp = members[info.name]
            with fits.open(io.BytesIO(tar.extractfile(info).read())) as hdus, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert [hdu.header.get("EXTTYPE") for hdu in hdus] == [None, "IMAGE", "MASK", "VARIANCE"]
                np.testing.assert_array_equal(hdus[1].data, stamp.pixels)
                assert np.bitwise_or.reduce(hdus[2].data, axis=None) == stamp.mask_bits
                assert hdus[2].header["MP_SAT"] == 1
                assert np.all(hdus[3].data > 0)
                peak = by_id[stamp.object_id]
                x, y = WCS(hdus[1].header).all_world2pix(peak.ra, peak.dec, 0)
                assert (float(x), float(y)) == pytest.approx((stamp.x, stamp.y), abs=1e-6)


def test_cubes_are_the_public_colour_formula(whole, cubes):
    _, images, peaks, stamps, _ = whole
    ids, quantised = cubes.load()
    found = dict(zip(ids.tolist(), quantised / 65535.0, strict=True))
    n_clipped = 0
    for image, peak, by_band in zip(images, peaks, stamps, strict=True):
        expected = public_formula(fluxes(by_band, image, peak))
        np.testing.assert_allclose(found[peak.object_id], np.clip(expected, 0.0, 1.0), atol=5e-5)
        n_clipped += (expected > 1).sum()
    assert n_clipped > 100, "the stretch clips real nuclei"


def test_psf_matching_is_galsims_convolution_of_a_real_psf(real):
    """The widths that a Gaussian kernel leaves are told in docs/real-sky.md: HSC's PSF has wings, so not exactly 1"."""
    import galsim

    psfs = real.blends(DATA)[0].psfs
    padded = np.pad(psfs, ((0, 0), (20, 20), (20, 20))).astype(np.float32)[None]
    seeing = torch.tensor([[real.psf_fwhm(psf) for psf in psfs]], dtype=torch.float64)
    assert seeing[0].tolist() == pytest.approx([0.798, 0.563, 0.607, 0.544, 0.841], abs=0.002)
    matched, unsmoothed = match_psf(torch.from_numpy(padded), seeing, 1.0, 0.168)
    assert not unsmoothed.any()
    for number in range(5):
        sigma = np.sqrt(1.0 - seeing[0, number].item() ** 2) / FWHM_OF_SIGMA
        native = galsim.InterpolatedImage(galsim.Image(padded[0, number].astype(float), scale=0.168))
        exact = galsim.Convolve(native, galsim.Gaussian(sigma=sigma)).drawImage(
            nx=81, ny=81, scale=0.168, method="no_pixel"
        )
        np.testing.assert_allclose(matched[0, number], exact.array, atol=2e-3 * exact.array.max())
        assert real.half_maximum_fwhm(matched[0, number].numpy()) == pytest.approx(1.0, abs=0.055)


def test_isolated_stars_come_out_one_arcsec_wide(real, tmp_path):
    """Seeing from each star itself, as a patch's is from its stars; half-maximum widths after the match."""
    images = real.blends(DATA)
    chosen = real.isolated_stars(images)
    assert len(chosen) == 14
    peaks = real.write_cutouts(tmp_path, images, chosen)
    stamps, _ = real.read_back(tmp_path, PAPER, peaks)
    widths = []
    for by_band in stamps:
        pixels = np.stack([stamp.pixels for stamp in by_band.values()])[None]
        seeing = torch.tensor([[real.psf_fwhm(plane[35:62, 35:62]) for plane in pixels[0]]], dtype=torch.float64)
        matched, _ = match_psf(torch.from_numpy(pixels), seeing, 1.0, 0.168)
        widths.append([real.half_maximum_fwhm(plane[28:69, 28:69]) for plane in matched[0].numpy()])
    median = np.median(widths, axis=0)
    assert median.tolist() == pytest.approx([1.0] * 5, abs=0.05)
    # one star in z is 1.051": the wings of the PSF, not the code (docs/real-sky.md)
    assert np.abs(np.array(widths) - 1.0).max() < 0.053


def test_real_nuclei_are_scored_and_their_clipped_pixels_counted(whole, cubes, demo_survey, tmp_path):
    import polars as pl

    from swimmy_db.model.score import APERTURES, score_checkpoints

    _, images, peaks, stamps, _ = whole
    weights = sorted(demo_survey.glob("checkpoints/*/epoch-*.safetensors"))[-1:]
    pairs = [(aperture, band) for aperture in APERTURES for band in "grizy"]
    (written,) = score_checkpoints(cubes, weights, pairs, tmp_path, "scores.parquet")
    scores = pl.read_parquet(written)
    assert len(scores) == 81 * 15
    assert scores["s_anom"].is_finite().all()
    assert scores["residual_flux"].is_finite().all()
    disc = {
        (row["object_id"], row["band"]): row["n_clipped"]
        for row in scores.filter(aperture="disc").iter_rows(named=True)
    }
    y, x = np.mgrid[:64, :64] - 31.5
    clipped_nuclei = set()
    for image, peak, by_band in zip(images, peaks, stamps, strict=True):
        shown = public_formula(fluxes(by_band, image, peak))
        for plane, band in zip(shown, "grizy", strict=True):
            nucleus = plane[np.hypot(x, y) <= 3.0]
            # a pixel within a quantum of the bound may fall on either side
            surely, perhaps = (np.sum((nucleus > 1 + e) | (nucleus < -e)) for e in (1e-4, -1e-4))
            assert surely <= disc[peak.object_id, band] <= perhaps
            if disc[peak.object_id, band]:
                clipped_nuclei.add(peak.object_id)
    assert len(clipped_nuclei) == 5
    # what saturated the detector (no weight at the peak) keeps its bit; 2 of the 5 also clip in the stretch
    saturated = [peak.object_id for peak in peaks if peak.saturated]
    flagged = {by_band["i"].object_id for by_band in stamps if any(s.mask_bits & SAT for s in by_band.values())}
    assert len(saturated) == 5
    assert set(saturated) <= flagged
    assert len(clipped_nuclei & set(saturated)) == 2


def test_scarlets_images_go_the_same_way(real, tmp_path):
    """Two COSMOS blends smaller than a stamp (reflected) and a dwarf galaxy with more than its margin."""
    images = real.scarlet(DATA)
    chosen = real.all_peaks(images)
    peaks = real.write_cutouts(tmp_path, images, chosen)
    stamps, block = real.read_back(tmp_path, PAPER, peaks)
    assert [peak.is_whole for peak in peaks] == [False] * 13 + [True]
    made = list(build_cubes([block], CubeRecipe.from_settings(PAPER)))
    assert sum(len(part.object_ids) for part, _ in made) == 14
    assert not any(rejects for _, rejects in made)
    # scarlet's own mask comes back: INTRP and CR in g of the second image
    bits = [s["g"].mask_bits for s, p in zip(stamps, peaks, strict=True) if p.image == "hsc_cosmos_35"]
    assert all(value & 0b1100 == 0b1100 for value in bits)


def aperture_magnitude(stamp, radius=12.0, sky=0.0):
    y, x = np.indices(stamp.pixels.shape)
    return stamp.zero_point - 2.5 * np.log10((stamp.pixels[np.hypot(x - stamp.x, y - stamp.y) <= radius] - sky).sum())


def annulus_sky(stamp, inner=14.0, outer=20.0):
    y, x = np.indices(stamp.pixels.shape)
    distance = np.hypot(x - stamp.x, y - stamp.y)
    return np.median(stamp.pixels[(distance > inner) & (distance < outer)])


def test_stars_of_the_cutout_service_have_the_archives_magnitudes():
    """Ten stars of hsc_hyrax: a 12-pixel aperture, for which coadds are calibrated, against imag_psf."""
    folder = DATA / "hsc_hyrax"
    if not folder.exists():
        pytest.skip("../shared/data/hsc_hyrax is absent")
    differences = []
    for star in Table.read(folder / "star_cat_correct.csv"):
        content = (folder / Path(star["star_filename"]).name).read_bytes()
        ra, dec = float(star["ira"]), float(star["idec"])
        stamp = read_cutout(content, ra, dec, object_id=1, band="i", tract=8279, archive_band="HSC-I")
        assert stamp.mask_bits == 0, "mask and variance were not asked for: empty HDUs"
        differences.append(aperture_magnitude(stamp) - float(star["imag_psf"]))
    assert np.median(differences) == pytest.approx(0.0, abs=0.03)
    assert np.abs(differences).max() < 0.06


def test_the_clean_galaxy_of_multiprofits_field_has_the_archives_magnitude():
    """Of 92 rows most lie on one bright galaxy; what is alone on clean sky and bright has its Kron magnitude."""
    folder = DATA / "hsc_multiprofit"
    if not folder.exists():
        pytest.skip("../shared/data/hsc_multiprofit is absent")
    rows = Table.read(folder / "fithsc_src.csv", format="ascii.csv")
    for band in "gri":
        content = gzip.decompress((folder / f"222.51551376,0.09749601_300x300_{band}.fits.gz").read_bytes())
        where = {"object_id": 1, "band": band, "tract": 9453, "archive_band": f"HSC-{band.upper()}"}
        stamps = [read_cutout(content, float(row["ra"]), float(row["dec"]), **where) for row in rows]
        differences = []
        for stamp, row in zip(stamps, rows, strict=True):
            near = sorted(np.hypot(stamp.x - other.x, stamp.y - other.y) for other in stamps)[1]
            inside = min(stamp.x, stamp.y, 301 - stamp.x, 301 - stamp.y) > 24
            kron, psf = (float(row[f"{band}_{kind}flux_mag"]) for kind in ("kron", "psf"))
            # one row is so extended that 2" do not hold it: its PSF magnitude is 1.7 mag fainter than Kron's
            if inside and near > 12 and abs(annulus_sky(stamp)) < 0.1 and kron < 22.8 and psf - kron < 1.0:
                differences.append(aperture_magnitude(stamp) - kron)
        assert len(differences) >= 1, band
        assert np.abs(differences).max() < 0.1, (band, differences)


def test_deepdiscs_stars_have_the_archives_magnitudes():
    """Boxes on a 1050x1025 image without a WCS: stars of i < 21.6 that are alone, against the archive's i."""
    folder = DATA / "hsc_deepdisc"
    if not folder.exists():
        pytest.skip("../shared/data/hsc_deepdisc is absent")
    image = fits.getdata(folder / "I-10054-0,2-c1_scarlet_img.fits.gz").astype(float)
    objects = json.loads((folder / "single_test.json").read_text())[0]["annotations"]
    assert len(objects) == 454
    corners, sides = np.array([o["bbox"][:2] for o in objects]), np.array([o["bbox"][2:] for o in objects])
    centres, magnitudes = corners + (sides - 1) / 2, np.array([o["imag"] for o in objects])
    rows, columns = np.indices(image.shape)
    differences = []
    for number, ((x, y), magnitude) in enumerate(zip(centres, magnitudes, strict=True)):
        near = np.hypot(*(centres - centres[number]).T) < 25
        is_alone = np.sum(near & (magnitudes < magnitude + 3)) == 1 and 24 < x < 1000 and 24 < y < 1025
        if objects[number]["category_id"] == 0 and magnitude < 21.6 and is_alone:
            light = image[np.hypot(columns - x, rows - y) <= 12].sum()
            differences.append(27.0 - 2.5 * np.log10(light) - magnitude)
    assert len(differences) == 8
    assert np.median(differences) == pytest.approx(0.0, abs=0.02)
    assert np.abs(differences).max() < 0.05
