"""SDSS lite spectra: files made by astropy as the datamodel says, in upper (DR16) and lower case (DR17)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from servers.archives import SPECTRA
from servers.files import Fault, serving

from swimmy_db.config import load_preset
from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import FetchFailed, InputRefused, UsageError
from swimmy_db.sources.fetching import FetchRequest, options_of
from swimmy_db.sources.sdss_spectra import SOURCE, read_spectrum

LOGLAM = np.float32(3.58) + np.arange(40, dtype="f4") * np.float32(1e-4)


def write_spectrum(folder: Path, plate=2974, mjd=54592, fiber=7, case=str.upper, pixels=None, **about) -> Path:
    """A lite file; RA and DEC of its primary header are the plate's centre, as in the archive."""
    pixels = {"FLUX": LOGLAM * 0 + 3, "LOGLAM": LOGLAM, "IVAR": LOGLAM * 0 + 0.25} if pixels is None else pixels
    coadd = [fits.Column(case(name), "E", array=values) for name, values in pixels.items()]
    coadd.append(fits.Column(case("AND_MASK"), "J", array=np.zeros(len(coadd[0].array), "i4")))
    row = {"PLUG_RA": ("D", 359.9999), "PLUG_DEC": ("D", -1.25), "PLATE": ("J", plate), "MJD": ("J", mjd)}
    row |= {"FIBERID": ("J", fiber), "Z": ("E", 0.125), "ZWARNING": ("J", 4), "CLASS": ("6A", "GALAXY")}
    row |= {"RUN2D": ("6A", "26")} | about
    spall = [fits.Column(case(name), form, array=[value]) for name, (form, value) in row.items()]
    primary = fits.PrimaryHDU()
    primary.header.update(RA=10.0, DEC=20.0, PLATEID=plate, MJD=mjd, FIBERID=fiber)
    lines = fits.BinTableHDU.from_columns([fits.Column(case("LINENAME"), "9A", array=["H_alpha"])], name="SPZLINE")
    path = folder / f"spec-{plate:04d}-{mjd}-{fiber:04d}.fits"
    hdus = [primary, *(fits.BinTableHDU.from_columns(columns) for columns in (coadd, spall)), lines]
    fits.HDUList(hdus).writeto(path)
    return path


def fetch(server, folder: Path, listing: Path, rejects: list | None = None, **given):
    options = {"list": str(listing), "sas_url": f"{server.url}/sas", "network.first_wait": "0.01", **given}
    rejects = [] if rejects is None else rejects

    def reject(reason, **where):
        rejects.append({"reason": reason, **where})

    request = FetchRequest(load_preset("paper"), options_of("sdss-spectra", options), reject)
    return SOURCE.fetch(folder, request, lambda done, total: None)


def test_spectra_of_a_list_are_fetched_and_those_that_are_not_there_are_rejects(tmp_path):
    made = {
        (2974, 54592, 7): "26",
        (300, 51943, 640): "103",
        (7102, 56666, 1000): "v5_13_0",
        (401, 51788, 3): "104",
    }
    listing = tmp_path / "list.csv"
    lines = ["Plate, MJD, fiberID, run2d", *(f"{p}, {m}, {f}," for p, m, f in made), "9999,57000,1,", "401,51788,3,104"]
    listing.write_text("\n".join(lines))
    with serving() as server:
        for (plate, mjd, fiber), run2d in made.items():
            where = SPECTRA.format(run2d=run2d, plate=plate, mjd=mjd, fiber=fiber)
            server.files[where] = write_spectrum(tmp_path, plate, mjd, fiber).read_bytes()
        rejects: list = []
        fetched = fetch(server, tmp_path / "out", listing, rejects)
        assert {file.path.name for file in fetched} == {f"spec-{p:04d}-{m}-{f:04d}.fits" for p, m, f in made}
        assert [(row["source_file"], "404" in row["value"]) for row in rejects] == [
            ("sdss-spectra/spec-9999-57000-0001.fits", True)
        ]
        asked = len(server.asked)
        fetch(server, tmp_path / "out", listing)
        # only what is missing is asked for again, in the one reduction that it can be in
        assert len(server.asked) - asked == 1
        for file in fetched:
            assert read(file.path)["flux"]


def test_a_spectrum_that_the_server_cannot_give_now_is_no_reject(tmp_path):
    listing = tmp_path / "list.csv"
    listing.write_text("plate,mjd,fiberid\n2974,54592,7\n")
    with serving() as server:
        path = SPECTRA.format(run2d="26", plate=2974, mjd=54592, fiber=7)
        server.faults[path] = [Fault(status=503)] * 9
        with pytest.raises(FetchFailed, match=r"HTTP 503.*sdss-spectra\.sas_url"):
            fetch(server, tmp_path / "out", listing, **{"network.tries": "2"})


def test_a_list_that_is_none_is_refused(tmp_path):
    with serving() as server:
        with pytest.raises(UsageError, match=r"sdss-spectra\.list"):
            fetch(server, tmp_path, "")
        for content in ("plate,mjd\n1,2\n", "plate,mjd,fiberid\n1,2,x\n", ""):
            (tmp_path / "list.csv").write_text(content)
            if content:
                with pytest.raises(InputRefused, match=r"list\.csv: expected columns plate, mjd, fiberid"):
                    fetch(server, tmp_path, tmp_path / "list.csv")


def read(path: Path) -> dict:
    return conform(pa.concat_tables(read_spectrum(path)), load_contract("raw.spectra"), path.name).to_pylist()[0]


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_spectrum_is_one_row_with_its_pixels_and_the_fibre_s_position(tmp_path, case):
    row = read(write_spectrum(tmp_path, case=case))
    assert (row["plate"], row["mjd"], row["fiberid"]) == (2974, 54592, 7)
    assert (row["ra"], row["dec"], row["z"], row["zwarning"]) == (359.9999, -1.25, 0.125, 4)
    assert (row["class"], row["run2d"], row["subclass"], row["model"]) == ("GALAXY", "26", None, None)
    assert row["loglam"] == [float(value) for value in LOGLAM]
    assert set(row["flux"]) == {3.0}
    assert set(row["ivar"]) == {0.25}
    assert len(row["flux"]) == len(row["ivar"]) == 40


def test_what_is_not_such_a_spectrum_is_refused(tmp_path):
    whole = write_spectrum(tmp_path).read_bytes()
    elsewhere = write_spectrum(tmp_path, plate=300)
    elsewhere.rename(tmp_path / "spec-0301-54592-0007.fits")
    cases = {
        "spec-0301-54592-0007.fits": (None, "that its name says, found plate, mjd, fiber \\(300, 54592, 7\\)"),
        "spec-0001-54592-0007.fits": (b"<html>404 Not Found</html>", "expected an SDSS spectrum in FITS"),
        "spec-0002-54592-0007.fits": (whole[:6000], "expected"),
        "spec-0003-54592-0007.fits": (b"", "expected an SDSS spectrum in FITS"),
        "spec-0004-54592-0007.fits": (whole.replace(b"LOGLAM", b"LOGLAN"), "column loglam"),
    }
    for name, (content, said) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputRefused, match=f"{name}: .*{said}"):
            read(tmp_path / name)
    backwards = {"FLUX": LOGLAM, "LOGLAM": LOGLAM[::-1], "IVAR": LOGLAM}
    with pytest.raises(InputRefused, match="ascending"):
        read(write_spectrum(tmp_path, plate=9, pixels=backwards))
