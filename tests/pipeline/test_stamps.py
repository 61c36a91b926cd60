"""Stage `stamps` with cutouts from the service: the same stamps as from files, whatever the network does."""

import io
import random
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from servers.hsc import PASSWORD, Answer

from swimmy_db.catalog import open_catalog, publish
from swimmy_db.errors import SwimmyError
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.sources.hsc_http import RequestRefused, ServiceUnavailable, WrongPassword
from swimmy_db.workspace import Workspace

# what does not depend on how a stamp came: the member's name has the number of its line
STAMPS = "select object_id, band, tract, x, y, zero_point, n_bad, mask_bits, sha256 from survey.stamps order by all"
REJECTS = """
    select object_id, band, split_part(reason, ':', 1) as reason
    from meta.rejects where stage = 'stamps' order by all
"""
PLACES = "select * exclude (member) from survey.stamps order by object_id, band"


@pytest.fixture
def online(demo, hsc_server) -> Workspace:
    """The selected survey without its cutouts, whose settings lead to the service."""
    for path in (demo.downloads / "hsc" / "cutouts").iterdir():
        path.unlink()
    for path in sorted(demo.stamps.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    change_settings(demo, {"hsc_cutouts": "service", "hsc_list_rows": "60", **hsc_server.settings()})
    return demo


def fetch(workspace: Workspace, force: bool = False, **changes: str) -> None:
    if changes:
        change_settings(workspace, changes)
    for _ in run_stages(workspace, ["stamps"], force=force):
        pass


def table(workspace: Workspace | Path, sql: str) -> list[tuple]:
    with open_catalog(workspace if isinstance(workspace, Workspace) else Workspace(workspace)) as catalog:
        return catalog.rows(sql)


def assert_as_from_files(workspace: Workspace, demo_survey: Path) -> None:
    """Every member's object and band once: as the stamp that the files give, or as their reject."""
    assert table(workspace, STAMPS) == table(demo_survey, STAMPS)
    assert table(workspace, REJECTS) == table(demo_survey, REJECTS)


def objects_and_bands(demo_survey: Path) -> list[tuple[int, str]]:
    """Objects and filters of the first list, in its order."""
    names = dict(zip("grizy", ("HSC-G", "HSC-R", "HSC-I", "HSC-Z", "HSC-Y"), strict=True))
    rows = table(
        demo_survey,
        "select object_id, band from survey.stamps join survey.galaxies using (object_id, tract) "
        "order by position(band in 'grizy'), tract, ra, dec",
    )
    return [(object_id, names[band]) for object_id, band in rows]


def test_the_service_gives_the_stamps_that_the_files_give(online, demo_survey, hsc_server):
    fetch(online)
    assert_as_from_files(online, demo_survey)
    n_members = table(online, "select count(*) from survey.sample_members")[0][0]
    assert sum(hsc_server.asked("cutouts")) == 5 * n_members
    assert max(hsc_server.asked("cutouts")) <= 60
    assert 1 < hsc_server.busiest <= 4
    # the service's reason is there, and a part for each tract and band
    reasons = table(online, "select reason from meta.rejects where reason like 'omitted%'")
    assert reasons == [("omitted by the service: Rectangle not found in observed area Traceback ...",)]
    assert table(
        online, "select max(n) from (select count(distinct file) n from survey.stamps group by tract, band)"
    ) == [(1,)]
    assert not list(online.folder.glob(".partial/stamps-*"))


def test_pixels_are_those_of_the_files(online, demo_survey):
    from swimmy_db.cubes.stamps import read_stamps

    fetch(online)
    for workspace in (online, Workspace(demo_survey)):
        with open_catalog(workspace) as catalog:
            index = catalog.arrow("select * from survey.stamps order by object_id, band limit 40")
        pixels = {
            (object_id, band): stamp.pixels.tobytes()
            for objects in read_stamps(workspace.stamps, index)
            for object_id, of_bands in objects.items()
            for band, stamp in of_bands.items()
        }
        if workspace is online:
            fetched = pixels
    assert len(fetched) == 40
    assert fetched == pixels


def test_tars_that_are_there_are_not_asked_for(demo, demo_survey, hsc_server):
    tar = min((demo.downloads / "hsc" / "cutouts").glob("*.tar"))
    n_sent = len(tar.with_suffix(".txt").read_text().splitlines()) - 1
    n_all = table(demo, "select 5 * count(*) from survey.sample_members")[0][0]
    for path in (demo.downloads / "hsc" / "cutouts").iterdir():
        if path.stem != tar.stem:
            path.unlink()
    change_settings(demo, {"hsc_cutouts": "service", **hsc_server.settings()})
    fetch(demo)
    assert_as_from_files(demo, demo_survey)
    assert sum(hsc_server.asked("cutouts")) == n_all - n_sent


def test_a_survey_whose_catalogue_was_fetched_fetches_its_cutouts(online, demo_survey, hsc_server):
    change_settings(online, {"hsc_cutouts": "auto"})
    with publish(online, "ingest") as publication:
        publication.connection.execute(
            "update meta.files set url = 'https://x/' where path = 'downloads/hsc/masks.csv'"
        )
    fetch(online, force=True)
    assert_as_from_files(online, demo_survey)
    assert hsc_server.asked("cutouts")


def test_a_survey_from_files_asks_nobody(online, hsc_server):
    fetch(online, force=True, hsc_cutouts="auto")
    assert not hsc_server.requests
    reasons = table(online, "select distinct reason from meta.rejects where stage = 'stamps'")
    assert reasons == [("no cutout was brought",)]


def test_a_changed_selection_fetches_only_what_is_new(online, demo_survey, hsc_server):
    from swimmy_db.pipeline.runner import SELECT

    change_settings(online, {"magnitude_max": "18.5"})
    for _ in run_stages(online, [SELECT.name, "stamps"]):
        pass
    first = sum(hsc_server.asked("cutouts"))
    assert 0 < first < 5 * table(demo_survey, "select count(*) from survey.sample_members")[0][0]
    change_settings(online, {"magnitude_max": "20"})
    for _ in run_stages(online, [SELECT.name, "stamps"]):
        pass
    assert_as_from_files(online, demo_survey)
    n_refused = len(table(online, REJECTS))
    total = 5 * table(online, "select count(*) from survey.sample_members")[0][0]
    assert total <= sum(hsc_server.asked("cutouts")) <= total + n_refused


# --- faults


def test_a_wrong_password_is_said_at_once(online, monkeypatch):
    monkeypatch.setenv("HSC_SSP_PASSWORD", "wrong")
    with pytest.raises(WrongPassword, match="401"):
        fetch(online)


@pytest.mark.parametrize("announced", [True, False])
def test_a_connection_cut_in_the_middle_of_a_tar(online, demo_survey, hsc_server, announced):
    """Cut inside a header, inside a file, between files and before the first byte; what came is not asked for again."""
    hsc_server.announce_length = announced
    hsc_server.cuts = [200_000, 512, 0, 10_000, 150_100, 300_000]
    fetch(online, hsc_retries="8")
    assert_as_from_files(online, demo_survey)
    asked = sum(hsc_server.asked("cutouts"))
    n_all = table(online, "select 5 * count(*) from survey.sample_members")[0][0]
    assert n_all < asked < n_all + 6 * 60


def test_a_service_that_cuts_every_tar_is_given_up_and_what_came_is_kept(online, demo_survey, hsc_server):
    hsc_server.cuts = [400_000] + [0] * 200
    with pytest.raises(ServiceUnavailable, match=r"gave up after 4 attempts.*the same command goes on"):
        fetch(online)
    came = list(online.folder.glob(".partial/stamps-*/cutouts/piece-*.parquet"))
    assert came
    hsc_server.cuts, hsc_server.requests = [], []
    fetch(online)
    assert_as_from_files(online, demo_survey)
    n_all = table(online, "select 5 * count(*) from survey.sample_members")[0][0]
    assert sum(hsc_server.asked("cutouts")) < n_all


def test_what_came_before_a_kill_is_used_though_the_selection_has_changed_since(online, demo_survey, hsc_server):
    change_settings(online, {"magnitude_max": "19.5"})
    hsc_server.cuts = [400_000] + [0] * 200
    with pytest.raises(ServiceUnavailable):
        for _ in run_stages(online, ["select", "stamps"]):
            pass
    spool = next(online.folder.glob(".partial/stamps-*/cutouts"))
    n_came = sum(pq.read_metadata(path).num_rows for path in spool.glob("piece-*.parquet"))
    assert n_came > 0
    change_settings(online, {"magnitude_max": "20"})
    hsc_server.cuts, hsc_server.requests = [], []
    for _ in run_stages(online, ["select", "stamps"]):
        pass
    assert_as_from_files(online, demo_survey)
    n_all = table(online, "select 5 * count(*) from survey.sample_members")[0][0]
    assert sum(hsc_server.asked("cutouts")) <= n_all - n_came
    assert not list(online.folder.glob(".partial/stamps-*"))


@pytest.mark.parametrize("ever", [False, True])
def test_damaged_files_inside_a_good_tar(online, demo_survey, hsc_server, ever):
    """Truncated, with other bytes, empty: fetched singly once more; a second time spoilt, they are rejects."""
    spoilt = dict(zip(objects_and_bands(demo_survey)[5:], ("truncated", "corrupt", "empty"), strict=False))
    ways = {
        "truncated": lambda payload: payload[: len(payload) // 2],
        "corrupt": lambda payload: payload[:3000] + bytes(2000) + payload[5000:],
        "empty": lambda payload: b"",
    }

    def change(object_id, band, payload, single):
        kind = spoilt.get((object_id, band))
        return payload if kind is None or (single and not ever) else ways[kind](payload)

    hsc_server.change = change
    fetch(online)
    if not ever:
        assert_as_from_files(online, demo_survey)
        return
    expected = {(object_id, band[4:].lower()): kind for (object_id, band), kind in spoilt.items()}
    rejected = {(object_id, band): reason for object_id, band, reason in table(online, REJECTS)}
    assert {expected[key]: rejected[key] for key in expected} == {
        "truncated": "truncated FITS",
        "corrupt": "damaged FITS",
        "empty": "empty file",
    }
    left = {row[:2] for row in table(online, STAMPS)}
    assert not left & expected.keys()
    assert left | rejected.keys() == {
        (object_id, band)
        for (object_id,) in table(online, "select object_id from survey.sample_members")
        for band in "grizy"
    }


def test_an_empty_tar(online, demo_survey, hsc_server):
    """Nothing of a list found: each row is asked for singly, and what is there comes."""
    first = set(objects_and_bands(demo_survey)[:60])
    hsc_server.omitted = first
    fetch(online)
    assert_as_from_files(online, demo_survey)
    assert len(hsc_server.asked("single")) >= 60


def test_rows_omitted_duplicated_and_out_of_order(online, demo_survey, hsc_server):
    shuffled = random.Random(7)

    def arrange(members):
        members = members + members[::7]
        shuffled.shuffle(members)
        return members

    gone = objects_and_bands(demo_survey)[10]
    hsc_server.arrange = arrange
    hsc_server.omitted = set(objects_and_bands(demo_survey)[20:25])
    hsc_server.single_omitted = {gone}
    fetch(online)
    lost = (gone[0], gone[1][4:].lower())
    assert table(online, STAMPS) == [row for row in table(demo_survey, STAMPS) if row[:2] != lost]
    assert set(table(online, REJECTS)) == {*table(demo_survey, REJECTS), (*lost, "omitted by the service")}


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(online, demo_survey, hsc_server, status):
    hsc_server.answers = [Answer("cutout", status, {"Retry-After": "1"}, b"too many connections")]
    start = time.monotonic()
    fetch(online)
    assert time.monotonic() - start >= 1.0
    assert_as_from_files(online, demo_survey)


def test_a_slow_drip_is_given_up_and_asked_for_again(online, demo_survey, hsc_server):
    hsc_server.drip = (100, 0.02)
    with pytest.raises(ServiceUnavailable, match=r"too slow \(settings hsc_rate_min, hsc_timeout\)"):
        fetch(online, hsc_timeout="0.2", hsc_rate_min="100000", hsc_retries="1")
    hsc_server.drip = (1 << 20, 0.02)
    fetch(online, hsc_timeout="5", hsc_rate_min="500")
    assert_as_from_files(online, demo_survey)


@pytest.mark.parametrize("pixels", [-1, 1])
def test_stamps_a_pixel_short_or_long(online, demo_survey, hsc_server, pixels):
    """The service's stamps wobble by a pixel; the object's place in them follows from the WCS."""

    def change(object_id, band, payload, single):
        # the planted truncated and empty ones, and every other object, stay as they are
        if object_id % 2 == 0 or not payload.startswith(b"SIMPLE") or len(payload) % 2880:
            return payload
        with fits.open(io.BytesIO(payload)) as hdus:
            image = hdus[1].data
            if image is None or min(image.shape) < 96:
                return payload
            if pixels < 0:
                hdus[1].data = image[1:, 1:]
            else:
                hdus[1].data = np.pad(image, ((1, 0), (1, 0)))
            for key in ("CRPIX1", "CRPIX2"):
                hdus[1].header[key] += pixels
            changed = io.BytesIO()
            hdus.writeto(changed, output_verify="ignore")
        return changed.getvalue()

    hsc_server.change = change
    fetch(online)
    key = "select object_id, band, x, y from survey.stamps order by all"
    ours, theirs = table(online, key), table(demo_survey, key)
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    for (object_id, _, x, y), (_, _, x_0, y_0) in zip(ours, theirs, strict=True):
        moved = pixels if object_id % 2 else 0
        assert (x - x_0, y - y_0) == pytest.approx((moved, moved), abs=1e-6)


def test_a_list_that_is_refused_shows_the_reason(online, hsc_server):
    hsc_server.answers = [Answer("cutout", 400, {}, b"<html>line 2: no such rerun pdr3_wide</html>")] * 9
    with pytest.raises(
        RequestRefused, match=r"refused \(400\): line 2: no such rerun.*hsc_list_rows.*hsc_release_file"
    ):
        fetch(online)


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_that_the_service_never_answers_does_not_keep_the_others_from_coming(
    online, demo_survey, hsc_server, status
):
    """Left out of its tar, and alone refused or a program that breaks at it, each time."""
    gone = objects_and_bands(demo_survey)[10]
    hsc_server.omitted = {gone}
    ra = table(demo_survey, f"select ra from survey.galaxies where object_id = {gone[0]}")[0][0]
    what = f"filter={gone[1]}&tract={hsc_server.tracts[gone[0]]}&ra={ra:.16e}deg".replace("+", "%2B")
    hsc_server.answers = [Answer(what, status, {}, b"<html>IndexError</html>")] * 9
    fetch(online)
    lost = (gone[0], gone[1][4:].lower())
    assert table(online, STAMPS) == [row for row in table(demo_survey, STAMPS) if row[:2] != lost]
    said = "omitted by the service: " + ("status 500: " if status == 500 else "") + "IndexError"
    reasons = f"select reason from meta.rejects where object_id = {lost[0]} and band = '{lost[1]}'"
    assert table(online, reasons) == [(said,)]
    # four attempts (hsc_retries) at a service that breaks, one at a refusal
    assert len(hsc_server.answers) == (5 if status == 500 else 8)


def test_a_page_instead_of_a_tar_is_shown(online, hsc_server):
    hsc_server.answers = [Answer("cutout", 200, {}, b"<html><h1>Maintenance</h1> until Monday</html>" * 20)] * 99
    with pytest.raises(ServiceUnavailable, match=r"not a tar.*Maintenance until Monday"):
        fetch(online)


def test_a_full_disk_is_said_and_nothing_is_lost(online, demo_survey, hsc_server, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    from swimmy_db.cubes import stamp_spool

    whole = stamp_spool.write_part
    written = []

    def on_a_full_disk(stamps, path, name, checksums):
        if len(written) == 2:
            path.symlink_to("/dev/full")
        written.append(name)
        return whole(stamps, path, name, checksums)

    monkeypatch.setattr(stamp_spool, "PIECE_STAMPS", 20)
    monkeypatch.setattr(stamp_spool, "write_part", on_a_full_disk)
    with pytest.raises(SwimmyError, match=r"No space left on device.*the same command goes on"):
        fetch(online)
    monkeypatch.setattr(stamp_spool, "write_part", whole)
    hsc_server.requests = []
    fetch(online)
    assert_as_from_files(online, demo_survey)
    n_all = table(online, "select 5 * count(*) from survey.sample_members")[0][0]
    assert sum(hsc_server.asked("cutouts")) < n_all


def test_the_password_is_nowhere_in_the_workspace(online, hsc_server, caplog):
    caplog.set_level("DEBUG")
    hsc_server.omitted = set()
    fetch(online)
    assert not [record for record in caplog.records if "S3cret" in record.getMessage()]
    for path in online.folder.rglob("*"):
        assert "S3cret" not in str(path)
        if path.is_file() and "stamps" not in path.parts and "cubes" not in path.parts:
            content = path.read_bytes()
            assert PASSWORD.encode() not in content, path
            assert b"S3cret" not in content, path


def test_the_variance_is_asked_for_and_kept_where_it_is_wanted(online, demo_survey, hsc_server):
    from swimmy_db.cubes.stamps import read_stamps

    def change(object_id, band, payload, single):
        if not payload.startswith(b"SIMPLE") or len(payload) % 2880:
            return payload
        with fits.open(io.BytesIO(payload)) as hdus:
            hdus[3] = fits.ImageHDU(np.abs(hdus[1].data) + 1)
            changed = io.BytesIO()
            hdus.writeto(changed, output_verify="ignore")
        return changed.getvalue()

    hsc_server.change = change
    fetch(online, hsc_variance="true")
    with open_catalog(online) as catalog:
        index = catalog.arrow("select * from survey.stamps where n_bad = 0")
    stamps = [stamp for block in read_stamps(online.stamps, index) for of in block.values() for stamp in of.values()]
    assert len(stamps) > 200
    for stamp in stamps:
        np.testing.assert_array_equal(stamp.variance, np.abs(stamp.pixels) + 1)


# --- the PSF picker


def test_kernels_of_the_picker_take_the_place_of_the_patch_s_seeing(demo, hsc_server):
    """A kernel for each stamp, of the width that it was made with; the cubes are smoothed by it."""
    widths = {"HSC-G": 0.81, "HSC-R": 0.74, "HSC-I": 0.58, "HSC-Z": 0.66, "HSC-Y": 0.69}
    hsc_server.fwhm = widths.get
    without = objects_and_bands(demo)[3]
    hsc_server.omitted = {without}
    before = table(demo, "select * from survey.stamps order by object_id, band")
    change_settings(demo, {"psf": "picker", **hsc_server.settings()})
    fetch(demo)
    assert table(demo, "select * from survey.stamps order by object_id, band") == before
    found = table(demo, "select object_id, band, fwhm from survey.psf_kernels order by all")
    lost = (without[0], without[1][4:].lower())
    assert [row[:2] for row in found] == [row[:2] for row in before if row[:2] != lost]
    for _, band, fwhm in found:
        assert fwhm == pytest.approx(widths[f"HSC-{band.upper()}"], rel=1e-3)
    assert table(demo, f"select reason from meta.rejects where object_id = {lost[0]} and band = '{lost[1]}'")

    for _ in run_stages(demo, ["cubes"]):
        pass
    # no width in one band, no cube
    assert not table(demo, f"select * from survey.cubes where object_id = {lost[0]}")
    asked = len(hsc_server.requests)
    # a changed size asks for no kernel that is there
    fetch(demo, psf_margin="15")
    assert len(hsc_server.requests) <= asked + 2
