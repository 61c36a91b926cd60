"""Real sky: the KiDS/VIKING images, where they are at hand (beside the repository, in ../shared/data)."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from swimmy_db.sources.own_catalogue import read_objects, read_photometry
from swimmy_db.sources.own_stamps import StampPixels, iterate_stamps
from swimmy_db.sources.own_survey import read_survey

ROOT = Path(__file__).parents[2]
IMAGES = Path(os.environ.get("KIDS_VIKING", ROOT.parent / "shared" / "data" / "kids_viking_profound"))

pytestmark = pytest.mark.skipif(
    not (IMAGES / "r.fits").is_file(), reason=f"no KiDS/VIKING images in {IMAGES} (set KIDS_VIKING to their folder)"
)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    path = ROOT / "examples" / "kids_viking" / "cut_sources.py"
    spec = importlib.util.spec_from_file_location("cut_sources", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return read_survey(module.write_survey(IMAGES, tmp_path_factory.mktemp("kids")))


@pytest.fixture(scope="module")
def catalogue(survey):
    table = pq.read_table(survey.catalogue_file)
    return {name: table[name].to_numpy() for name in table.column_names}


@pytest.fixture(scope="module")
def galaxies(survey, catalogue):
    """What survey.toml's cuts leave: extended, r < 22, not flagged."""
    cuts = survey.settings
    extended = catalogue["psf_mag_r"] - catalogue["mag_r"] > cuts["extendedness_min"]
    return np.flatnonzero(extended & (catalogue["mag_r"] < cuts["magnitude_max"]) & ~catalogue["flagged"])


def test_seeing_is_what_kids_and_viking_have(survey):
    seeing = {band.band: band.seeing_fwhm for band in survey.bands}
    # KiDS observes r in its best seeing, below 0.8-0.9 arcsec; everything is smoothed to more than the worst
    assert 0.65 < seeing["r"] < 0.9
    assert seeing["r"] <= min(seeing.values())
    assert max(seeing.values()) < survey.instrument.target_fwhm < 1.6


def test_counts_fit_the_pixel_scale(catalogue, survey):
    """GAMA counts some 1000 galaxies of r < 19.8 in a square degree; with KiDS's 0.2 arcsec it would be 4800 here."""
    bright = (catalogue["psf_mag_r"] - catalogue["mag_r"] > 0.1) & (catalogue["mag_r"] < 19.8)
    square_degrees = (2600 * survey.instrument.pixel_scale / 3600) ** 2
    assert 700 < bright.sum() / square_degrees < 1800


def test_stars_are_point_sources(catalogue):
    stars = catalogue["is_in_locus_of_stars"]
    difference = (catalogue["psf_mag_r"] - catalogue["mag_r"])[stars]
    assert stars.sum() > 30
    # as many stars scatter up as down: those above the cut are as few as sources below its negative
    every = (catalogue["psf_mag_r"] - catalogue["mag_r"])[(catalogue["mag_r"] < 22.0) & ~catalogue["flagged"]]
    assert np.sum(every < -0.15) <= 0.02 * np.sum(every > 0.15)
    assert abs(np.median(difference)) < 0.01
    assert np.std(difference) < 0.06


def test_colours_are_those_of_galaxies(catalogue, galaxies):
    assert 250 < len(galaxies) < 600
    g_r, r_i = (catalogue[f"mag_{a}"][galaxies] - catalogue[f"mag_{b}"][galaxies] for a, b in ("gr", "ri"))
    i_z = catalogue["mag_i"][galaxies] - catalogue["mag_z"][galaxies]
    assert 0.5 < np.nanmedian(g_r) < 1.2
    assert 0.2 < np.nanmedian(r_i) < 0.6
    # the step between the two telescopes' zero points, 0 and 30
    assert 0.0 < np.nanmedian(i_z) < 0.5


def test_every_galaxy_has_its_stamps_with_its_light_in_the_middle(survey, catalogue, galaxies):
    wanted = set(catalogue["number"][galaxies].tolist())
    stamps = list(iterate_stamps(survey, wanted))
    assert {(s.object_id, s.band) for s in stamps} == {(number, band) for number in wanted for band in "grizy"}
    for stamp in stamps:
        assert isinstance(stamp, StampPixels)
        assert stamp.pixels.shape == (96, 96)
        assert 47.0 <= stamp.x < 48.0
        assert 47.0 <= stamp.y < 48.0


def test_stamps_hold_the_light_that_the_catalogue_says(survey, catalogue):
    """Plain sums over 6 px around stars, with the zero points of survey.toml, against SExtractor's total magnitudes."""
    chosen = catalogue["is_in_locus_of_stars"] & ~catalogue["flagged"]
    number = catalogue["number"][chosen]
    expected = {b: dict(zip(number.tolist(), catalogue[f"mag_{b}"][chosen], strict=True)) for b in "grizy"}
    y, x = np.mgrid[:96, :96]
    differences = {band: [] for band in "grizy"}
    for stamp in iterate_stamps(survey, set(number.tolist())):
        flux = stamp.pixels[np.hypot(x - stamp.x, y - stamp.y) < 6.0].sum()
        magnitude = stamp.zero_point - 2.5 * np.log10(flux)
        differences[stamp.band].append(magnitude - expected[stamp.band][stamp.object_id])
    for band, found in differences.items():
        assert len(found) > 25
        # 2 arcsec lose some of the wings, most where seeing is worst
        assert -0.02 < np.median(found) < 0.1, band


def test_the_strip_that_was_exposed_once_has_no_swarm_of_galaxies(catalogue):
    """Along x = 860 to 876 noise is twice as high: with one noise level for all, 50 "galaxies" of r < 22 lie there."""
    counted = np.histogram(catalogue["x"][catalogue["mag_r"] < 22.0], np.arange(60, 2541, 20))[0]
    assert counted[40] <= 3 * np.mean(counted)


def test_it_can_be_ingested(survey):
    objects = [row for table in read_objects(survey) for row in table.to_pylist()]
    photometry = [row for table in read_photometry(survey) for row in table.to_pylist()]
    assert len(photometry) == 5 * len(objects) > 5000
    assert {row["psf_magnitude"] is not None for row in photometry if row["band"] != "r"} == {False}
    # 2600 px around the tangent point
    assert max(abs(row["dec"]) for row in objects) == pytest.approx(1300 * 0.339 / 3600, rel=0.02)
