"""Archives over the network: real astroquery, pyvo and requests against stand-ins; as files brought by hand."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import requests
from servers.archives import (
    CAS,
    SAS_DR16Q,
    SAS_GALSPEC,
    SPECTRA,
    TAP,
    document,
    in_layout_a,
    serve_archives,
    spectrum_file,
    zipped,
)
from servers.files import Fault, Server, serving

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import FetchFailed, InputRefused, SwimmyError, UsageError
from swimmy_db.pipeline.fetch import plan_archives
from swimmy_db.pipeline.ingest import ingest_archives, ingest_fetched
from swimmy_db.pipeline.rebuild import rebuild
from swimmy_db.pipeline.verify import verify
from swimmy_db.workspace import Workspace

ARCHIVES = ["mpa-jhu", "dr16q", "milliquas", "gama", "gswlc"]
TABLES = ["galspec_info", "galspec_line", "galspec_extra", "dr16q", "milliquas", "gama", "gswlc"]


@pytest.fixture(scope="module")
def native(demo_survey) -> Path:
    return Path(demo_survey) / "downloads"


@pytest.fixture
def server(native):
    with serving() as started:
        serve_archives(started, native)
        yield started


def options(server: Server, **more: str) -> dict[str, str]:
    """Where the archives are, and patience for a test."""
    return {
        "network.first_wait": "0.01",
        "network.timeout": "5",
        "network.slow_bytes": "1000",
        "mpa-jhu.sas_url": f"{server.url}/sas",
        "mpa-jhu.cas_url": server.url,
        "dr16q.sas_url": f"{server.url}/sas",
        "milliquas.via": "text",
        "milliquas.text_url": f"{server.url}/milliquas.zip",
        "milliquas.tap_url": f"{server.url}{TAP}",
        "milliquas.vizier_server": server.url.removeprefix("http://"),
        "milliquas.parts": "5",
        "gama.base_url": server.url,
        "gswlc.base_url": f"{server.url}/gswlc",
        **more,
    }


def of(chosen: dict[str, str], *names: str) -> dict[str, str]:
    return {key: value for key, value in chosen.items() if key.partition(".")[0] in (*names, "network")}


def rows(place: Workspace, table: str, columns: str = "*") -> pa.Table:
    with open_catalog(place) as catalog:
        return catalog.arrow(f"select {columns} from raw.{table} order by source_file, file_row")


def same_tables(one: Workspace, other: Workspace, tables=TABLES) -> None:
    for table in tables:
        # as text, because NaN is not equal to itself
        assert str(rows(one, table).to_pylist()) == str(rows(other, table).to_pylist()), table
        assert rows(one, table).schema == rows(other, table).schema, table


@pytest.fixture(scope="module")
def survey_by_hand(native, tmp_path_factory) -> Path:
    """The archives' files, ingested from a folder; only to read or to copy."""
    folder = tmp_path_factory.mktemp("by_hand")
    files = folder / "files"
    shutil.copytree(native, files, ignore=shutil.ignore_patterns("hsc", "gswlc"))
    served = Server()
    serve_archives(served, native)
    for path, name in (
        ("/dr3/data/cat/SpecCat/v27/SpecObj.fits", "gama/SpecObj.fits"),
        ("/gswlc/GSWLC-X2.dat.gz", "gswlc/GSWLC-X2.dat.gz"),
    ):
        (files / name).parent.mkdir()
        (files / name).write_bytes(served.files[path])
    place = Workspace(folder / "workspace")
    ingest_archives(place, ARCHIVES, files)
    return place.folder


@pytest.fixture
def by_hand(survey_by_hand, tmp_path) -> Workspace:
    shutil.copytree(survey_by_hand, tmp_path / "by_hand")
    return Workspace(tmp_path / "by_hand")


def test_what_is_fetched_is_what_is_brought_by_hand(server, by_hand, tmp_path):
    place = Workspace(tmp_path / "fetched")
    counts = ingest_fetched(place, ARCHIVES, options(server))
    assert all(counts[f"raw.{table}"] > 0 for table in TABLES)
    same_tables(place, by_hand)
    with open_catalog(place) as catalog:
        listed = catalog.arrow("select * from meta.files where path like 'downloads/%'").to_pylist()
        seconds = dict(catalog.rows("select stage, seconds from meta.stages where stage like 'ingest-%'"))
    assert {row["path"].split("/")[1] for row in listed} == set(ARCHIVES)
    for row in listed:
        assert row["url"].startswith(server.url)
        assert (place.folder / row["path"]).stat().st_size == row["bytes"]
        assert row["acknowledgement"]
        assert row["fetched_at"]
    assert len(seconds) == 5
    assert not list(place.folder.glob(".partial/*"))
    assert not verify(place).faults
    assert not rebuild(place).differing


def test_each_archive_has_its_own_seconds(by_hand, monkeypatch, tmp_path):
    from swimmy_db.sources.registry import SOURCES

    slow = SOURCES["dr16q"].files["quasars"]
    read = slow.read
    files = dict(SOURCES["dr16q"].files) | {"quasars": replace(slow, read=lambda path: time.sleep(1.0) or read(path))}
    monkeypatch.setitem(SOURCES, "dr16q", replace(SOURCES["dr16q"], files=files))
    ingest_archives(by_hand, ["dr16q", "milliquas"], by_hand.folder / "downloads")
    with open_catalog(by_hand) as catalog:
        seconds = dict(catalog.rows("select stage, seconds from meta.stages where stage like 'ingest-%'"))
    assert seconds["ingest-dr16q"] >= 1.0 > seconds["ingest-milliquas"]


@pytest.fixture
def plain_https(monkeypatch):
    """astroquery speaks to VizieR by https only; on loopback it is answered without TLS."""
    send = requests.adapters.HTTPAdapter.send

    def plain(self, request, **kwargs):
        request.url = re.sub(r"^https://127\.0\.0\.1", "http://127.0.0.1", request.url)
        return send(self, request, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", plain)


@pytest.mark.parametrize("version", ["7.2", "8"])
@pytest.mark.parametrize("via", ["tap", "vizier"])
@pytest.mark.usefixtures("plain_https")
def test_milliquas_from_vizier_is_milliquas_as_text(server, by_hand, tmp_path, via, version):
    place = Workspace(tmp_path / "vizier")
    chosen = options(server) | {"milliquas.via": via, "milliquas.version": version}
    ingest_fetched(place, ["milliquas"], of(chosen, "milliquas"))
    columns = "ra, dec, name, type, rmag, bmag, comment, r, b, z, cite, zcite, qpct, xname, rname, lobe1, lobe2"

    def by_place(table: pa.Table) -> str:
        return str(table.sort_by([("ra", "ascending"), ("dec", "ascending"), ("name", "ascending")]).to_pylist())

    found, expected = (by_place(rows(which, "milliquas", columns)) for which in (place, by_hand))
    assert found == expected
    assert len(rows(place, "milliquas")) > 100, "more rows than the services give unasked"
    table = {"7.2": "VII/290", "8": "VII/294"}[version]
    with open_catalog(place) as catalog:
        urls = [url for (url,) in catalog.rows("select url from meta.files where path like 'downloads/%'")]
    assert all(table in requests.utils.unquote(url) for url in urls)
    assert len(urls) == (5 if via == "tap" else 1)


def test_dr16q_from_vizier_is_the_file_in_the_columns_that_it_has(server, by_hand, tmp_path):
    place = Workspace(tmp_path / "vizier")
    chosen = {"dr16q.via": "tap", "dr16q.tap_url": f"{server.url}{TAP}", "dr16q.parts": "3"}
    ingest_fetched(place, ["dr16q"], chosen)
    columns = "trim(sdss_name) as name, ra, dec, plate, mjd, fiberid, z, trim(source_z) as source_z"
    found, expected = (rows(which, "dr16q", columns) for which in (place, by_hand))
    order = [("name", "ascending")]
    assert found.sort_by(order).to_pylist() == expected.sort_by(order).to_pylist()


def test_tap_asks_again_only_for_the_zones_that_are_missing(server, tmp_path):
    place = Workspace(tmp_path / "tap")
    chosen = of(options(server), "milliquas") | {"milliquas.via": "tap", "network.tries": "1"}
    server.faults[f"{TAP}/sync"] = [Fault(), Fault(), Fault(), Fault(), Fault(cut=700)]
    with pytest.raises(FetchFailed, match=r"milliquas\.tap_url"):
        ingest_fetched(place, ["milliquas"], chosen)
    asked = len(server.asked)
    ingest_fetched(place, ["milliquas"], chosen)
    # the two questions about the table, and three of five zones
    assert len(server.asked) - asked == 2 + 3


def test_tap_that_keeps_rows_back_or_refuses_is_not_believed(server, tmp_path):
    place = Workspace(tmp_path / "tap")
    chosen = of(options(server), "milliquas") | {"milliquas.via": "tap"}
    real = server.services[f"{TAP}/sync"]

    def overflow(asked):
        body = re.sub(rb"MAXREC=\d+", b"MAXREC=7", asked.body)
        return real(type(asked)(asked.method, asked.path, asked.query, asked.headers, body))

    server.services[f"{TAP}/sync"] = overflow
    with pytest.raises(InputRefused, match=r"QUERY_STATUS OVERFLOW"):
        ingest_fetched(place, ["milliquas"], chosen)
    server.services[f"{TAP}/sync"] = lambda asked: (200, "text/html", b"<html>maintenance</html>")
    with pytest.raises(InputRefused, match="expected a VOTable"):
        ingest_fetched(place, ["milliquas"], chosen)
    refusal = document(None, "ERROR", "the service is closed on Mondays")
    server.services[f"{TAP}/sync"] = lambda asked: (400, "text/xml", refusal)
    with pytest.raises(FetchFailed, match=r"refused .*closed on Mondays.*milliquas\.tap_url"):
        ingest_fetched(place, ["milliquas"], chosen)
    server.services[f"{TAP}/sync"] = real
    with pytest.raises(FetchFailed, match=r"found no such table.*milliquas\.tap_url"):
        ingest_fetched(place, ["milliquas"], chosen | {"milliquas.tables": "7.2 = VII/999/catalog"})
    # a service that does not count what it gives
    server.services[f"{TAP}/sync"] = lambda asked: real(
        type(asked)(
            asked.method, asked.path, asked.query, asked.headers, asked.body.replace(b"%3E%3D+0+", b"%3E%3D+9+")
        )
    )
    with pytest.raises(InputRefused, match=r"expected [\d,]+ rows, as .* counts them, found"):
        ingest_fetched(place, ["milliquas"], chosen)
    assert not place.database.exists()
    server.services[f"{TAP}/sync"] = real
    assert ingest_fetched(place, ["milliquas"], chosen)["raw.milliquas"] > 100


def test_services_that_are_busy_are_asked_again_when_they_say(server, tmp_path):
    server.faults[f"{TAP}/sync"] = [Fault(status=503, headers={"Retry-After": "1"}), Fault(status=429), Fault(cut=50)]
    started = time.monotonic()
    place = Workspace(tmp_path / "tap")
    ingest_fetched(place, ["milliquas"], of(options(server), "milliquas") | {"milliquas.via": "tap"})
    assert time.monotonic() - started >= 1.0
    assert len(rows(place, "milliquas")) > 100


def positions(by_hand: Workspace, path: Path, every: int = 2) -> set[str]:
    """A list of half the galaxies with spectra; returns their ids."""
    table = rows(by_hand, "galspec_info", "specobjid, ra, dec, plateid").to_pylist()
    chosen = [row for row in table if row["plateid"] > 0][::every]
    path.write_text("name, RA, Dec\n" + "".join(f"x,{row['ra']!r},{row['dec']!r}\n" for row in chosen))
    return {row["specobjid"].strip() for row in chosen}


def test_cas_by_position_gives_the_rows_of_the_files(server, by_hand, tmp_path):
    wanted = positions(by_hand, tmp_path / "list.csv")
    chosen = of(options(server), "mpa-jhu") | {
        "mpa-jhu.via": "cas",
        "mpa-jhu.positions": str(tmp_path / "list.csv"),
        "mpa-jhu.cas_positions": "7",
    }
    place = Workspace(tmp_path / "cas")
    server.faults[CAS] = [Fault(), Fault(), Fault(cut=100), Fault(status=503)]
    ingest_fetched(place, ["mpa-jhu"], chosen)
    ids = rows(place, "galspec_info", "specobjid")["specobjid"].to_pylist()
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))
    assert max(int(text) for text in ids) > 2**53
    by_id = {"one": (place, {}), "all": (by_hand, {})}
    for which, (workspace, found) in by_id.items():
        info = rows(workspace, "galspec_info").to_pylist()
        for table in TABLES[:3]:
            values = rows(workspace, table).to_pylist()
            for row, value in zip(info, values, strict=True):
                if (row["specobjid"] or "").strip() in ids:
                    found.setdefault(row["specobjid"].strip(), {})[table] = value
        assert which in by_id
    one, everything = by_id["one"][1], by_id["all"][1]
    assert one.keys() == everything.keys()
    for key, tables in one.items():
        for table, row in tables.items():
            for column in row.keys() - {"source_file", "file_row", "specobjid"}:
                expected = everything[key][table].get(column)
                if isinstance(expected, float):
                    np.testing.assert_allclose(row[column], expected, rtol=1e-6, err_msg=column)
                elif column in everything[key][table]:
                    assert row[column] == expected, column


def test_cas_that_refuses_the_query_says_why(server, by_hand, tmp_path):
    positions(by_hand, tmp_path / "list.csv")
    chosen = of(options(server), "mpa-jhu") | {"mpa-jhu.via": "cas", "mpa-jhu.positions": str(tmp_path / "list.csv")}
    place = Workspace(tmp_path / "cas")
    with pytest.raises(FetchFailed, match=r"mpa-jhu\.cas_nearby.*error_message.*fGetNothing"):
        ingest_fetched(place, ["mpa-jhu"], chosen | {"mpa-jhu.cas_nearby": "dbo.fGetNothing"})
    with pytest.raises(UsageError, match=r"mpa-jhu\.positions"):
        ingest_fetched(place, ["mpa-jhu"], chosen | {"mpa-jhu.positions": ""})
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputRefused, match=r"list\.csv: expected columns ra and dec"):
        ingest_fetched(place, ["mpa-jhu"], chosen)


def test_a_wrong_checksum_stops_the_ingest_and_leaves_the_workspace_as_it_was(server, by_hand):
    before = str(rows(by_hand, "dr16q").to_pylist())
    server.files[f"{SAS_DR16Q}/DR16Q.sha1sum"] = b"0" * 40 + b"  DR16Q_v4.fits\n"
    with pytest.raises(InputRefused, match=r"DR16Q_v4\.fits: expected sha1 0{40}, found [0-9a-f]{40}"):
        ingest_fetched(by_hand, ["gama", "dr16q"], of(options(server), "gama", "dr16q"))
    assert str(rows(by_hand, "dr16q").to_pylist()) == before
    del server.files[f"{SAS_DR16Q}/DR16Q.sha1sum"]
    server.asked.clear()
    ingest_fetched(by_hand, ["gama", "dr16q"], of(options(server), "gama", "dr16q"))
    assert not server.requests_for("/dr3/data/cat/SpecCat/v27/SpecObj.fits"), "what had come is not asked for again"


@pytest.mark.parametrize(
    ("name", "path", "option"),
    [
        ("mpa-jhu", f"{SAS_GALSPEC}/galSpecLine-dr8.fits", "mpa-jhu.sas_url"),
        ("gama", "/dr3/data/cat/SpecCat/v27/SpecObj.fits", "gama.release"),
        ("gswlc", "/gswlc/GSWLC-X2.dat.gz", "gswlc.catalogue"),
        ("milliquas", "/milliquas.zip", "milliquas.text_url"),
    ],
)
def test_a_file_that_is_not_there_or_is_a_page_names_the_option(server, tmp_path, name, path, option):
    place = Workspace(tmp_path / "w")
    del server.files[path]
    with pytest.raises(FetchFailed, match=rf"HTTP 404 .*{re.escape(option)}"):
        ingest_fetched(place, [name], of(options(server), name))
    server.files[path] = b"<!DOCTYPE html><title>Moved</title>" + b" " * 600
    server.files.pop(f"{SAS_GALSPEC}/redux.sha1sum", None)
    with pytest.raises(InputRefused, match=rf"found a web page 'Moved'.*{re.escape(option)}"):
        ingest_fetched(place, [name], of(options(server), name))
    assert not place.database.exists()


def test_a_fetched_file_that_is_refused_is_named_with_its_folder(server, tmp_path):
    server.files["/gswlc/GSWLC-X2.dat.gz"] = b"1 2 3\n"
    with pytest.raises(InputRefused, match=r"(?s)expected 24 cells, found 3.*fetch-gswlc.*remove"):
        ingest_fetched(Workspace(tmp_path / "w"), ["gswlc"], of(options(server), "gswlc"))


def test_gswlc_unzipped_on_the_way_is_the_same_table(server, by_hand, tmp_path):
    import gzip

    server.files["/gswlc/GSWLC-X2.dat.gz"] = gzip.decompress(server.files["/gswlc/GSWLC-X2.dat.gz"])
    server.headers.clear()
    place = Workspace(tmp_path / "w")
    ingest_fetched(place, ["gswlc"], of(options(server), "gswlc"))
    same_tables(place, by_hand, ["gswlc"])


def test_gama_dr4_is_another_file(server, by_hand, tmp_path):
    place = Workspace(tmp_path / "w")
    ingest_fetched(place, ["gama"], of(options(server), "gama") | {"gama.release": "dr4"})
    assert len(rows(place, "gama")) == len(rows(by_hand, "gama")) - 2
    with pytest.raises(UsageError, match=r"option release: expected one of dr3, dr4, found 'dr9'"):
        ingest_fetched(place, ["gama"], of(options(server), "gama") | {"gama.release": "dr9"})


def test_spectra_of_a_list_become_rows_and_are_not_fetched_twice(server, by_hand, tmp_path):
    names = [(2974, 54592, 7), (300, 51943, 640)]
    for plate, mjd, fiber in names:
        path = SPECTRA.format(run2d="26", plate=plate, mjd=mjd, fiber=fiber)
        server.files[path] = spectrum_file(plate, mjd, fiber, np.linspace(1, 2, 30))
    listing = tmp_path / "list.csv"
    chosen = {"list": str(listing), "sas_url": f"{server.url}/sas", "network.first_wait": "0.01"}
    listing.write_text("plate,mjd,fiberid\n2974,54592,7\n9999,58000,1\n")
    assert ingest_fetched(by_hand, ["sdss-spectra"], chosen) == {"raw.spectra": 1}
    with open_catalog(by_hand) as catalog:
        rejects = catalog.rows("select stage, reason, source_file, value from meta.rejects")
        spectrum = catalog.rows("select plate, mjd, fiberid, z, len(flux), loglam[1], flux[30] from raw.spectra")
        first = catalog.value("select fetched_at from meta.files where path like '%spec-2974%'")
    assert [(row[0], row[2]) for row in rejects] == [("ingest-sdss-spectra", "sdss-spectra/spec-9999-58000-0001.fits")]
    assert "sdss-spectra.release" in rejects[0][1]
    assert "HTTP 404" in rejects[0][3]
    assert spectrum == [(2974, 54592, 7, 0.125, 30, pytest.approx(3.58), 2.0)]
    listing.write_text("plate,mjd,fiberid\n2974,54592,7\n300,51943,640\n")
    server.asked.clear()
    assert ingest_fetched(by_hand, ["sdss-spectra"], chosen) == {"raw.spectra": 2}
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["spec-0300-51943-0640.fits"]
    with open_catalog(by_hand) as catalog:
        assert catalog.value("select fetched_at from meta.files where path like '%spec-2974%'") == first
        assert catalog.value("select count(*) from meta.rejects") == 0
    assert not verify(by_hand).faults
    assert not rebuild(by_hand).differing


def test_the_strangest_candidates_have_their_spectra_wanted(demo):
    from astropy import units as u
    from astropy.coordinates import SkyCoord
    from astropy.table import Table

    from swimmy_db.pipeline.fetch import request_for
    from swimmy_db.pipeline.runner import run_stages
    from swimmy_db.pipeline.settings import change_settings

    change_settings(demo, {"fraction_2sigma": "0.3", "fraction_3sigma": "0.2"})
    for _ in run_stages(demo):
        pass
    with open_catalog(demo) as catalog:
        strange = catalog.rows(
            "select distinct ra, dec from model.candidates where aperture = 'disc' and max_level <> '2sigma'"
        )
    expected = set()
    for name, plate in (("mpa-jhu/galSpecInfo-dr8.fits", "PLATEID"), ("dr16q/DR16Q_v4.fits", "PLATE")):
        table = Table.read(demo.downloads / name)
        table = table[table[plate] > 0]
        there = SkyCoord(table["RA"], table["DEC"], unit="deg")
        for ra, dec in strange:
            nearest, distance, _ = SkyCoord(ra * u.deg, dec * u.deg).match_to_catalog_sky(there)
            if distance < 1 * u.arcsec:
                row = table[int(nearest)]
                expected.add((int(row[plate]), int(row["MJD"]), int(row["FIBERID"])))
    wanted = request_for(demo, "sdss-spectra", {}, "paper").ask_survey("spectra_wanted")
    assert len(expected) > 2
    assert set(wanted) == expected
    assert len(wanted) == len(expected)
    plans = plan_archives(demo, ["sdss-spectra"], {}, "paper")[0]
    assert f"{len(wanted):,} requests" in plans
    positions = request_for(demo, "mpa-jhu", {}, "paper").ask_survey("galaxy_positions")
    with open_catalog(demo) as catalog:
        assert positions == catalog.rows("select ra, dec from survey.galaxies order by object_id")


def test_cutouts_stay_when_the_catalogue_beside_them_is_fetched_anew(server, native, tmp_path, monkeypatch):
    """HSC's own fetch is another module's matter: here it brings the embedded survey's CSV files."""
    from swimmy_db.sources.fetched_files import note_finished
    from swimmy_db.sources.registry import SOURCES

    def fetch(folder, request, progress):
        progress(0, 4)
        for name in ("objects", "masks", "patch_qa", "specz"):
            shutil.copy(native / "hsc" / f"{name}.csv", folder / f"{name}.csv")
        return [note_finished(path, "http://hsc") for path in sorted(folder.glob("*.csv"))]

    place = Workspace(tmp_path / "w")
    ingest_archives(place, ["hsc"], native)
    tars = sorted(path.name for path in (place.downloads / "hsc" / "cutouts").iterdir())
    assert tars
    monkeypatch.setitem(SOURCES, "hsc", replace(SOURCES["hsc"], fetch=fetch))
    ingest_fetched(place, ["hsc"], {})
    assert sorted(path.name for path in (place.downloads / "hsc" / "cutouts").iterdir()) == tars
    assert not verify(place).faults
    # what the fetch is told beyond the preset is what a new workspace is about
    other = Workspace(tmp_path / "other")
    ingest_fetched(other, ["hsc"], {"hsc.release": "pdr2_wide", "hsc.seeing_max": "0.9", "hsc.tracts": "9812"})
    assert (other.settings().release, other.settings().seeing_max) == ("pdr2_wide", 0.9)
    with open_catalog(other) as catalog:
        assert catalog.rows("select release, is_simulated from meta.workspace") == [("pdr2_wide", False)]


def test_a_workspace_does_not_mix_releases(bare):
    with pytest.raises(UsageError, match=r"this workspace is of release pdr3_wide.*settings release=pdr2"):
        plan_archives(bare, ["hsc"], {"release": "pdr2", "flag_cuts": "pixelflags_edge"}, "paper")
    assert "-- HSC-SSP PDR3" in plan_archives(bare, ["hsc"], {"release": "pdr3"}, "paper")[0]


def test_the_layout_of_milliquas_can_be_said(native, tmp_path):
    from swimmy_db.pipeline.settings import change_settings

    place = Workspace(tmp_path / "w")
    ingest_archives(place, ["milliquas"], native)
    as_recognised = str(rows(place, "milliquas").to_pylist())
    change_settings(place, {"milliquas_layout": "B"})
    ingest_archives(place, ["milliquas"], native)
    assert str(rows(place, "milliquas").to_pylist()) == as_recognised
    change_settings(place, {"milliquas_layout": "2016"})
    with pytest.raises(InputRefused, match=r"milliquas\.txt: line \d+: expected at most 191"):
        ingest_archives(place, ["milliquas"], native)


def test_milliquas_as_text_comes_in_either_layout_and_a_bad_zip_is_refused(server, native, by_hand, tmp_path):
    place = Workspace(tmp_path / "w")
    chosen = of(options(server), "milliquas")
    text = (native / "milliquas" / "milliquas.txt").read_text(encoding="latin-1")
    whole = zipped(in_layout_a(text))
    for content, found in ((whole[:200] + whole[300:], "expected a zip"), (whole[:-50], "expected a zip")):
        server.files["/milliquas.zip"] = content
        with pytest.raises(InputRefused, match=rf"milliquas\.zip: {found}"):
            ingest_fetched(place, ["milliquas"], chosen)
    server.files["/milliquas.zip"] = whole
    ingest_fetched(place, ["milliquas"], chosen)
    columns = "* exclude (rxpct)"
    assert rows(place, "milliquas", columns).to_pylist() == rows(by_hand, "milliquas", columns).to_pylist()


def test_two_fetches_of_one_archive_do_not_mix(server, tmp_path):
    from swimmy_db.pipeline.fetch import fetch_archive

    place = Workspace(tmp_path / "w")

    def meanwhile(done, total):
        with pytest.raises(SwimmyError, match="another swimmy is fetching"):
            fetch_archive(place, "gama", of(options(server), "gama"), "paper")

    fetch_archive(place, "gama", of(options(server), "gama"), "paper", meanwhile)


def test_real_catalogues_do_not_come_into_an_embedded_survey(server, demo):
    with pytest.raises(SwimmyError, match="workspace of their own"):
        ingest_fetched(demo, ["gama"], of(options(server), "gama"))
    assert not server.asked


def test_options_that_do_not_exist_are_refused_before_anything_is_asked(server, tmp_path):
    place = Workspace(tmp_path / "w")
    for given, said in (
        ({"gama.relaese": "dr3"}, "no such option; it has: .*release"),
        ({"dr16q.via": "sas"}, "dr16q is not among"),
        ({"network.patience": "1"}, "no such option"),
    ):
        with pytest.raises(UsageError, match=said):
            ingest_fetched(place, ["gama"], given)
    with pytest.raises(UsageError, match=r"as in gama\.base_url"):
        ingest_fetched(place, ["gama", "gswlc"], {"base_url": server.url})
    with pytest.raises(UsageError, match=r"network\.tries: expected a number, found 'many'"):
        ingest_fetched(place, ["gama"], {"network.tries": "many"})
    assert not server.asked
    assert not place.database.exists()


def test_a_dry_run_says_what_would_be_asked_and_asks_nobody(server, tmp_path):
    place = Workspace(tmp_path / "w")
    (tmp_path / "list.csv").write_text("ra,dec\n" + "10,10\n" * 45)
    chosen = options(server) | {"milliquas.via": "tap"}
    plans = "\n".join(plan_archives(place, ARCHIVES, chosen, "paper"))
    assert "galSpecLine-dr8.fits" in plans
    assert 'FROM "VII/290/catalog"' in plans
    assert "4 requests, about 2,403.0 MB" in plans
    by_position = chosen | {"mpa-jhu.via": "cas", "mpa-jhu.positions": str(tmp_path / "list.csv")}
    cas = plan_archives(place, ["mpa-jhu"], of(by_position, "mpa-jhu"), "paper")[0]
    assert "fGetNearbySpecObjEq(10.0,10.0,0.0166667)" in cas
    assert "9 requests" in cas
    assert not server.asked
    assert not place.folder.exists()


def test_processes_killed_while_they_fetch_end_with_the_same_tables(server, by_hand, tmp_path):
    place = Workspace(tmp_path / "killed")
    chosen = [f"--option={key}={value}" for key, value in options(server).items()]
    command = [sys.executable, "-c", "from swimmy_db.cli.main import run; run()", "ingest", *ARCHIVES, *chosen]
    command += ["--workspace", str(place.folder)]
    draw = random.Random(5)
    killed = 0
    for _ in range(2):
        for path in server.files:
            server.faults[path] = [Fault(drip=draw.choice([3000, 9000, 40_000]))]
        server.asked.clear()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        deadline = time.monotonic() + 30
        while not server.asked and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(draw.uniform(0.0, 1.0))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed
    server.faults.clear()
    server.asked.clear()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    same_tables(place, by_hand)
    assert not verify(place).faults
