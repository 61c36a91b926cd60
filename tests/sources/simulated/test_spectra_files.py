"""Spectra and GSWLC-2 of the embedded survey: what a user of the archives reads in them is what is true."""

import gzip

import numpy as np
import pytest
from astropy.io import fits

from swimmy_db.contracts import conform, load_contract
from swimmy_db.sources.gswlc import COLUMNS, read_gswlc
from swimmy_db.sources.sdss_spectra import read_spectrum
from swimmy_db.sources.simulated.lines import observed_wavelengths
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.population import plan
from swimmy_db.sources.simulated.spectra import LINE_NAMES, line_index
from swimmy_db.sources.simulated.spectra_files import LOGLAM, chosen_galaxies, observed_spectrum


def test_files_are_named_after_what_is_in_them_and_keep_the_contract(small_survey):
    files = sorted((small_survey / "sdss-spectra").glob("spec-*.fits"))
    assert files
    for file in files:
        (rows,) = read_spectrum(file)
        (row,) = conform(rows, load_contract("raw.spectra"), file).to_pylist()
        assert file.name == f"spec-{row['plate']:04d}-{row['mjd']}-{row['fiberid']:04d}.fits"
        assert len(row["flux"]) == len(row["loglam"]) == len(row["ivar"]) == len(row["model"])
        bad = np.array(row["ivar"]) == 0
        assert 0 < bad.mean() < 0.05
        # flux scatters around the model as its errors say
        pull = (np.array(row["flux"]) - np.array(row["model"])) * np.sqrt(row["ivar"])
        assert np.std(pull[~bad]) == pytest.approx(1, abs=0.1)


def test_those_that_mpa_jhu_has_are_the_same_spectra(small_survey):
    info = fits.getdata(small_survey / "mpa-jhu" / "galSpecInfo-dr8.fits", 1)
    identities = zip(*(info[name].tolist() for name in ("PLATEID", "MJD", "FIBERID")), strict=True)
    known = {identity: place for place, identity in enumerate(identities)}
    shared = 0
    for file in (small_survey / "sdss-spectra").glob("spec-*.fits"):
        (row,) = next(read_spectrum(file)).to_pylist()
        place = known.get((row["plate"], row["mjd"], row["fiberid"]))
        if place is not None:
            shared += 1
            assert row["z"] == pytest.approx(info["Z"][place], abs=2e-4)
            assert row["ra"] == pytest.approx(info["RA"][place], abs=1 / 3600)
    assert shared > 1


def test_lines_have_the_equivalent_widths_that_are_planted():
    options = SurveyOptions(n=60, seed=3, failing_each=1)
    galaxies = plan(options).galaxies
    xelgs = [galaxy for galaxy in galaxies if galaxy.kind == "xelg" and galaxy.is_member]
    assert xelgs
    wavelength = 10.0**LOGLAM
    place = line_index("oiii_5007")
    for galaxy in xelgs:
        flux = observed_spectrum(galaxy.spectrum, wavelength)
        centre = observed_wavelengths(galaxy.redshift)[place]
        near = np.abs(wavelength - centre) < 25
        side = (np.abs(wavelength - centre) > 25) & (np.abs(wavelength - centre) < 45) & (wavelength > centre)
        continuum = np.median(flux[side])
        measured = np.trapezoid(flux[near] / continuum - 1, wavelength[near])
        expected = galaxy.spectrum.rest_ews()[place] * (1 + galaxy.redshift)
        # the continuum beneath the line is not flat
        assert measured == pytest.approx(expected, rel=0.15, abs=3)
    assert LINE_NAMES[place] == "oiii_5007"


def test_xelgs_and_quasars_have_spectra_and_a_bounded_number_of_others(default_plan):
    options = SurveyOptions()
    chosen = chosen_galaxies(default_plan.galaxies, options, np.random.default_rng(1))
    kinds = [galaxy.kind for galaxy in chosen]
    members = [galaxy.kind for galaxy in default_plan.galaxies if galaxy.is_member]
    for kind in ("xelg", "dr16q", "milliquas_quasar"):
        assert kinds.count(kind) == members.count(kind)
    assert len(chosen) < 300
    assert len({galaxy.index for galaxy in chosen}) == len(chosen)


def test_gswlc_has_no_header_24_columns_and_failures(small_survey, small_truth):
    path = small_survey / "gswlc" / "GSWLC-X2.dat.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert {len(line.split()) for line in lines} == {len(COLUMNS)} == {24}
    (rows,) = read_gswlc(path)
    rows = conform(rows, load_contract("raw.gswlc"), path).to_pylist()
    failed = [row for row in rows if row["flag_sed"] != 0]
    assert all((row["logmstar"] == -99) == (row["flag_sed"] != 0) for row in rows)
    assert 0 < len(failed) < len(rows) / 2
    matched = 0
    for row in rows:
        for known in small_truth.values():
            distance = np.hypot((row["ra"] - known["ra"]) * np.cos(np.radians(known["dec"])), row["dec"] - known["dec"])
            if distance < 1 / 3600 and known["is_member"] and row["flag_sed"] == 0:
                matched += 1
                assert known["has_mpa_jhu"]
                assert row["z"] == pytest.approx(known["redshift"], abs=1e-4)
    assert matched > 10
