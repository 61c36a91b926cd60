"""`swimmy ingest` of archives: what it prints, its exit codes, and a fetch from the command line."""

import numpy as np
import pytest
from servers.archives import SPECTRA, spectrum_file
from servers.files import serving

from swimmy_db.catalog import open_catalog
from swimmy_db.workspace import Workspace


def test_a_dry_run_prints_what_would_be_fetched(swimmy, tmp_path):
    done = swimmy("ingest", "mpa-jhu", "gama", "--dry-run", "--option", "gama.release=dr4")
    assert done.code == 0
    assert "galSpecExtra-dr8.fits" in done.out
    assert "SpecObjv27.fits" in done.out
    assert "126.0 MB" in done.out
    assert "--option gama.release=dr4" in done.out
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gama", "--option", "release"), "expected NAME=VALUE"),
        (("gama", "--option", "relase=dr4"), "gama has no such option"),
        (("sdss9",), "no archive named 'sdss9'; there are: demo, files, hsc, mpa-jhu"),
        (("demo", "--dry-run"), "no archive named 'demo'"),
        (("sdss-spectra",), "sdss-spectra.list"),
    ],
)
def test_what_cannot_be_is_a_usage_error(swimmy, arguments, said):
    done = swimmy("ingest", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_spectra_are_fetched_into_a_new_workspace(swimmy, tmp_path):
    (tmp_path / "list.csv").write_text("plate,mjd,fiberid\n266,51630,1\n")
    with serving() as server:
        path = SPECTRA.format(run2d="26", plate=266, mjd=51630, fiber=1)
        server.files[path] = spectrum_file(266, 51630, 1, np.ones(20))
        options = ("-o", "list=list.csv", "-o", f"sas_url={server.url}/sas")
        done = swimmy("ingest", "sdss-spectra", *options)
        assert (done.code, done.out) == (0, "")
        assert "raw.spectra" in done.err
        assert "1 rows" in done.err
        with open_catalog(Workspace(tmp_path / "workspace")) as catalog:
            assert catalog.rows("select plate, fiberid from raw.spectra") == [(266, 1)]
        server.files.clear()
        gone = swimmy("ingest", "gama", "-o", f"base_url={server.url}")
    assert (gone.code, gone.out) == (1, "")
    assert "HTTP 404" in gone.err
    assert "gama.base_url" in gone.err


def test_real_archives_are_kept_out_of_an_embedded_survey(swimmy, selected):
    done = swimmy("ingest", "gama", workspace=selected)
    assert done.code == 1
    assert "simulated survey" in done.err
