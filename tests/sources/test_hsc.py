"""The HSC catalogue, fetched by the real client from the stand-in server, with every fault that it must survive."""

import json
import logging
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pyarrow.compute as pc
import pytest
from servers.hsc import PASSWORD, Answer

from swimmy_db.config import load_preset
from swimmy_db.errors import InputRefused, NotReady, SwimmyError, UsageError
from swimmy_db.sources import hsc
from swimmy_db.sources.fetching import FetchRequest
from swimmy_db.sources.hsc_catalogue import read_hsc_table
from swimmy_db.sources.hsc_http import RequestRefused, ServiceUnavailable, WrongPassword, retry_after
from swimmy_db.sources.hsc_jobs import LEDGER, JobFailed, JobStuck
from swimmy_db.sources.hsc_release import release_of


def silent(done: int, total: int | None) -> None:
    """No bar."""


def request(server, **options: str) -> FetchRequest:
    return FetchRequest(load_preset("paper"), {**server.settings(), "push_down": "false", **options})


def fetch(server, folder: Path, **options: str) -> dict[str, Path]:
    return {file.path.name: file.path for file in hsc.fetch(folder, request(server, **options), silent)}


def one_tract(server) -> str:
    return str(min(server.tracts.values()))


def rows(paths, table: str, columns: list[str]) -> list[tuple]:
    """Rows of some files, sorted, NaN as text so that it equals itself."""
    found = [
        row for path in paths for block in read_hsc_table(path, table) for row in block.select(columns).to_pylist()
    ]
    return sorted(tuple(repr(value) for value in row.values()) for row in found)


@pytest.mark.parametrize("options", [{}, {"hsc_tracts_a_job": "7"}])
def test_the_catalogue_comes_back_row_for_row(hsc_server, demo_survey, tmp_path, options):
    files = fetch(hsc_server, tmp_path, **options)
    for name, table in hsc.TABLES.items():
        native = demo_survey / "downloads" / "hsc" / f"{name}.csv"
        brought = [path for file, path in files.items() if file.startswith(name)]
        columns = [name for block in read_hsc_table(native, table) for name in block.column_names]
        assert rows(brought, table, columns) == rows([native], table, columns)


@pytest.mark.parametrize("missing", ["", "null", "None", "NULL"])
def test_the_quirks_of_a_csv_change_nothing(hsc_server, tmp_path, missing):
    tract = one_tract(hsc_server)
    plain = fetch(hsc_server, tmp_path / "plain", tracts=tract)
    hsc_server.crlf, hsc_server.missing = True, missing
    quirky = fetch(hsc_server, tmp_path / "quirky", tracts=tract)
    assert plain.keys() == quirky.keys()
    for name, path in plain.items():
        table = hsc.TABLES[name.partition("-")[0].partition(".")[0]]
        columns = [name for block in read_hsc_table(path, table) for name in block.column_names]
        assert rows([quirky[name]], table, columns) == rows([path], table, columns)


def test_fits_results_read_the_same(hsc_server, tmp_path, monkeypatch):
    release = tmp_path / "releases.toml"
    release.write_text('[pdr3]\nout_format = "fits"\n')
    tract = one_tract(hsc_server)
    csv = fetch(hsc_server, tmp_path / "csv", tracts=tract)
    fits = fetch(hsc_server, tmp_path / "fits", tracts=tract, hsc_release_file=str(release))
    assert all(path.suffix == ".fits" for path in fits.values())
    columns = ["object_id", "i_cmodel_mag", "isprimary", "g_pixelflags_edge"]
    assert rows([fits[f"objects-t{int(tract):05d}.fits"]], "raw.hsc_objects", columns) == rows(
        [csv[f"objects-t{int(tract):05d}.csv.gz"]], "raw.hsc_objects", columns
    )


def test_the_coarse_cuts_leave_everything_that_the_paper_s_cuts_can_keep(hsc_server, tmp_path):
    everything = fetch(hsc_server, tmp_path / "all")
    coarse = fetch(hsc_server, tmp_path / "coarse", push_down="true")

    def kept(files):
        ids, n = set(), 0
        for name, path in files.items():
            if name.startswith("objects"):
                for block in read_hsc_table(path, "raw.hsc_objects"):
                    good = pc.and_(pc.less(block["i_cmodel_mag"], 20.0), block["isprimary"])
                    apart = pc.subtract(block["i_psfflux_mag"], block["i_cmodel_mag"])
                    good = pc.and_(good, pc.greater(apart, 0.2))
                    ids |= set(block.filter(good)["object_id"].to_pylist())
                    n += len(block)
        return ids, n

    (all_ids, n_all), (coarse_ids, n_coarse) = kept(everything), kept(coarse)
    assert coarse_ids == all_ids
    assert n_coarse < n_all


def test_what_was_brought_is_described(hsc_server, tmp_path):
    files = hsc.fetch(tmp_path, request(hsc_server, tracts=one_tract(hsc_server)), silent)
    assert {file.path.name.partition("-")[0].partition(".")[0] for file in files} == set(hsc.TABLES)
    for file in files:
        assert file.bytes == file.path.stat().st_size
        assert file.url == hsc_server.settings()["hsc_sql_url"]
        assert file.fetched_at.utcoffset().total_seconds() == 0


def test_finished_jobs_are_deleted_at_the_archive(hsc_server, tmp_path):
    fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    assert len(hsc_server.asked("delete")) == len(hsc_server.asked("submit")) == 6


def test_a_complete_folder_asks_for_nothing_again(hsc_server, tmp_path):
    first = fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    before = len(hsc_server.requests)
    assert fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server)) == first
    assert len(hsc_server.requests) == before
    # a damaged file is no result, another query is another result
    first["patch_qa.csv.gz"].write_bytes(b"spoilt")
    fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server), magnitude_max="19")
    assert len(hsc_server.asked("submit")) == 7


def test_another_limit_is_another_query(hsc_server, tmp_path):
    options = {"tracts": one_tract(hsc_server), "push_down": "true"}
    fetch(hsc_server, tmp_path, **options)
    fetch(hsc_server, tmp_path, **options, magnitude_max="19")
    # all but patch_qa and its count
    assert len(hsc_server.asked("submit")) == 10


# --- faults


def test_a_wrong_password_is_said_at_once(hsc_server, tmp_path, monkeypatch):
    monkeypatch.setenv("HSC_SSP_PASSWORD", "wrong")
    with pytest.raises(WrongPassword, match="401"):
        fetch(hsc_server, tmp_path)
    assert not hsc_server.requests


def test_rejected_sql_is_shown_with_the_reason_and_the_setting(hsc_server, tmp_path):
    release = tmp_path / "releases.toml"
    release.write_text('[pdr3]\ntables = { masks = "bright_stars" }\n')
    with pytest.raises(RequestRefused, match=r"(?s)406.*bright_stars does not exist.*hsc_release_file.*select"):
        fetch(hsc_server, tmp_path / "hsc", hsc_release_file=str(release), tracts=one_tract(hsc_server))


def test_names_that_the_release_has_otherwise_are_corrected_in_a_file(hsc_server, tmp_path):
    """Nobody has seen PDR3's own schema browser (FORMATS.md section 10): whatever is called otherwise can be said."""
    tract = with_redshifts(hsc_server)
    before = fetch(hsc_server, tmp_path / "before", tracts=tract, push_down="true")
    run = hsc_server._database.execute
    run("alter table pdr3_wide.specz rename to redshifts")
    run("alter table pdr3_wide.redshifts rename specz_redshift to best_z")
    run("alter table pdr3_wide.redshifts rename specz_flag_gama_dr3 to is_gama")
    run("alter table pdr3_wide.forced2 rename to forced_psf")
    for band in "grizy":
        run(f"alter table pdr3_wide.patch_qa rename {band}seeing to {band}psf_fwhm")
        run(f"alter table pdr3_wide.forced rename {band}_cmodel_mag to {band}_model_mag")
    with pytest.raises(RequestRefused, match="hsc_release_file"):
        fetch(hsc_server, tmp_path / "refused", tracts=tract)
    release = tmp_path / "releases.toml"
    release.write_text(
        """
        [pdr3]
        tables = { specz = "redshifts", forced2 = "forced_psf" }

        [pdr3.columns]
        specz_redshift = "best_z"
        specz_flag_gama_dr3 = "is_gama"
        "{band}seeing" = "{band}psf_fwhm"
        "{band}_cmodel_mag" = "{band}_model_mag"
        """
    )
    after = fetch(hsc_server, tmp_path / "after", tracts=tract, push_down="true", hsc_release_file=str(release))
    assert before.keys() == after.keys()
    for name, path in before.items():
        table = hsc.TABLES[name.partition("-")[0].partition(".")[0]]
        columns = [name for block in read_hsc_table(path, table) for name in block.column_names]
        assert rows([after[name]], table, columns) == rows([path], table, columns) != []


def test_a_job_that_errors_is_reported_and_submitted_again_the_next_time(hsc_server, tmp_path):
    hsc_server.job_errors = ["canceling statement due to statement timeout"]
    with pytest.raises(JobFailed, match="canceling statement due to statement timeout"):
        fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))) == 4


def test_a_job_that_never_ends_is_waited_for_again(hsc_server, tmp_path):
    hsc_server.never_ends = True
    options = {"tracts": one_tract(hsc_server), "hsc_job_hours_max": "0.00001"}
    with pytest.raises(JobStuck, match=r"job 1 is still running.*setting hsc_job_hours_max"):
        fetch(hsc_server, tmp_path, **options)
    hsc_server.never_ends = False
    fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    # the stuck job was taken up, not paid for twice
    assert len(hsc_server.asked("submit")) == 6


def test_a_job_of_an_outdated_query_is_cancelled(hsc_server, tmp_path):
    tract = one_tract(hsc_server)
    fetch(hsc_server, tmp_path, tracts=tract)
    (tmp_path / LEDGER).unlink()
    hsc_server.never_ends = True
    with pytest.raises(JobStuck):
        fetch(hsc_server, tmp_path, tracts=tract, hsc_job_hours_max="0.00001")
    ledger = json.loads((tmp_path / LEDGER).read_text())
    job = ledger["patch_qa"]["job"]
    # as if it had been asked for by an older version of the query
    (tmp_path / LEDGER).write_text(json.dumps({"patch_qa": {"query": "another", "job": job}}))
    hsc_server.never_ends = False
    fetch(hsc_server, tmp_path, tracts=tract)
    assert hsc_server.asked("cancel") == [job]
    assert job in hsc_server.asked("delete")


def test_a_job_that_the_archive_has_forgotten_is_submitted_again(hsc_server, tmp_path):
    hsc_server.never_ends = True
    with pytest.raises(JobStuck):
        fetch(hsc_server, tmp_path, hsc_job_hours_max="0.00001")
    hsc_server.never_ends = False
    hsc_server._jobs[1]["status"] = "deleted"
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))) == 4
    assert len(hsc_server.asked("submit")) == 7


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(hsc_server, tmp_path, status):
    hsc_server.answers = [Answer("submit", status, {"Retry-After": "1"}, b"busy")]
    start = time.monotonic()
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))) == 4
    assert time.monotonic() - start >= 1.0


def test_a_service_that_says_nothing_is_asked_again(hsc_server, tmp_path):
    hsc_server.silences = [0.8]
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server), hsc_timeout="0.5")) == 4
    hsc_server.silences = [0.8, 0.8]
    with pytest.raises(ServiceUnavailable, match=r"no answer within 0.5 s \(setting hsc_timeout\)"):
        fetch(hsc_server, tmp_path / "again", hsc_timeout="0.5", hsc_retries="1")


def test_a_service_that_stays_down_is_given_up_and_found_again(hsc_server, tmp_path):
    hsc_server.answers = [Answer("submit", 502, {}, b"<h1>Proxy Error</h1>")] * 4
    with pytest.raises(ServiceUnavailable, match=r"status 502: Proxy Error; gave up after 4 attempts.*hsc_retries"):
        fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))) == 4


@pytest.mark.parametrize(("status", "checked"), [(502, False), (503, True)])
def test_a_syntax_check_that_took_too_long_is_left_out(hsc_server, tmp_path, status, checked):
    """A proxy gives up on the server's long check (502, FORMATS.md 2.1); other failures have nothing to do with it."""
    hsc_server.answers = [Answer("submit", status, {}, b"<h1>Proxy Error</h1>")]
    fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    assert hsc_server.asked("syntax check") == [checked] + [True] * 5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("", None),
        ("Mon, 06 Apr 2020 10:00:00 GMT", 0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header) == seconds


def test_a_retry_after_in_the_future_is_waited_for():
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after(header) == pytest.approx(90, abs=2)


def test_nobody_at_the_address_names_the_attempts(hsc_server, tmp_path):
    with pytest.raises(ServiceUnavailable, match="no connection"):
        fetch(hsc_server, tmp_path, hsc_sql_url="http://127.0.0.1:9/", hsc_retries="1")


def test_a_result_that_is_cut_short_is_downloaded_again(hsc_server, tmp_path):
    whole = hsc_server.result({"sql": "select 1 as tract, 2 as n_rows", "out_format": "csv"})
    hsc_server.answers = [Answer("download", 200, {"Content-Length": str(len(whole) + 999)}, whole)]
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))) == 4


def test_rows_that_the_server_lost_are_noticed(hsc_server, tmp_path):
    hsc_server.lose_rows = {"q.iseeing": 1, "s.specz_name": 1}
    tract = with_redshifts(hsc_server)
    assert len(fetch(hsc_server, tmp_path / "once", tracts=tract)) == 4
    # patch_qa and its count twice, four of the tract, and two of them again
    assert len(hsc_server.asked("submit")) == 4 + 4 + 2
    hsc_server.lose_rows = {"f.patch": 99}
    with pytest.raises(hsc.RowsMissing, match=r"objects-t\d+: tract \d+: expected \d+, found \d+"):
        fetch(hsc_server, tmp_path / "twice", tracts=tract)


def with_redshifts(server) -> str:
    _, rows = server.run_sql("select object_id >> 42 from pdr3_wide.specz limit 1")
    return str(rows[0][0])


def test_a_full_disk_is_said_and_the_job_is_kept(hsc_server, tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    (tmp_path / ".patch_qa.csv.gz.part").symlink_to(full)
    with pytest.raises(SwimmyError, match=r"No space left on device.*the same command goes on"):
        fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))
    assert len(fetch(hsc_server, tmp_path, tracts=one_tract(hsc_server))) == 4
    assert len(hsc_server.asked("submit")) == 6


# --- secrets


def test_the_password_is_nowhere(hsc_server, tmp_path, monkeypatch, caplog):
    """Not in the files, the log of any library, or an exception with all its locals - even if the service echoes it."""
    caplog.set_level(logging.DEBUG)
    hsc_server.echo_request = True
    texts = []
    failures = [
        {"tracts": "1", "hsc_release_file": ""},
        {"tracts": one_tract(hsc_server), "magnitude_band": "q"},
        {"tracts": one_tract(hsc_server), "hsc_sql_url": "http://127.0.0.1:9/", "hsc_retries": "0"},
    ]
    for options in failures:
        try:
            fetch(hsc_server, tmp_path / "hsc", **options)
        except SwimmyError as fault:
            shown = traceback.TracebackException.from_exception(fault, capture_locals=True)
            texts += ["".join(shown.format()), str(fault), repr(fault)]
    assert len(texts) >= 6
    texts += [record.getMessage() for record in caplog.records]
    texts += [str(path) for path in tmp_path.rglob("*")]
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    spellings = (PASSWORD, json.dumps(PASSWORD)[1:-1], "S3cret")
    assert not [text for text in texts for spelling in spellings if spelling in text]


def test_without_an_account_the_variables_are_named(hsc_server, tmp_path, monkeypatch):
    monkeypatch.delenv("HSC_SSP_PASSWORD")
    monkeypatch.setattr("swimmy_db.sources.hsc_credentials._from_keyring", lambda user: None)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(NotReady, match="HSC_SSP_USER and HSC_SSP_PASSWORD"):
        fetch(hsc_server, tmp_path)


@pytest.mark.parametrize("url", ["http://example.org/jobs", "https://me:pw@example.org/", "ftp://example.org/"])
def test_an_address_that_would_leak_the_password_is_refused(url):
    with pytest.raises(SwimmyError, match="hsc_sql_url") as refused:
        release_of(load_preset("paper", hsc_sql_url=url))
    assert "me:pw" not in str(refused.value)


def test_an_address_with_a_password_in_a_description_of_releases_is_refused(tmp_path):
    path = tmp_path / "releases.toml"
    path.write_text('[pdr3]\npsf_url = "https://me:pw@example.org/"\n')
    with pytest.raises(UsageError, match=r"hsc_psf_url.*must not hold a user or a password"):
        release_of(load_preset("paper", hsc_release_file=str(path)))


def test_a_redirect_does_not_carry_the_password_away(hsc_server, tmp_path):
    hsc_server.answers = [Answer("submit", 307, {"Location": "https://example.org/"}, b"")]
    with pytest.raises(RequestRefused, match=r"moved to 'https://example.org/'.*hsc_sql_url"):
        fetch(hsc_server, tmp_path)


# --- what is asked for


def test_the_ledger_holds_job_numbers_only(hsc_server, tmp_path):
    hsc_server.never_ends = True
    with pytest.raises(JobStuck):
        fetch(hsc_server, tmp_path, hsc_job_hours_max="0.00001")
    entries = json.loads((tmp_path / LEDGER).read_text())
    assert {name: entry.keys() for name, entry in entries.items()} == {"patch_qa": {"query", "job"}}


@pytest.mark.parametrize(
    ("options", "tracts"),
    [
        ({"tracts": "5,7-9"}, [5, 7, 8, 9]),
        ({"tracts": " 9 , 5 "}, [5, 9]),
        # through RA 0, on the equator; FORMATS 1.7's sky map
        ({"region": "359.9,0.1,-0.1,0.1"}, [9346, 9347, 9467]),
    ],
)
def test_tracts_and_regions(options, tracts):
    request = FetchRequest(load_preset("paper"), options)
    if "region" in options:
        from swimmy_db.sources.skymap import tract_of

        tracts = sorted({tract_of(ra, dec) for ra in (359.9, 359.95, 0.0, 0.05, 0.1) for dec in (-0.1, 0.0, 0.1)})
    assert hsc.wanted_tracts(request, range(20000)) == tracts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tracts": "5-x"}, "option tracts"),
        ({"tracts": "99999"}, "option tracts"),
        ({"region": "1,2,3"}, "option region"),
        ({"region": "1,2,4,3"}, "option region"),
        ({"regoin": "1,2,3,4"}, "option regoin"),
    ],
)
def test_options_that_are_none_are_refused(hsc_server, tmp_path, options, said):
    with pytest.raises(UsageError, match=said):
        fetch(hsc_server, tmp_path, **options)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flag_cuts": "pixelflags_edge,pixelflags_cleverness"}, "setting flag_cuts.*pixelflags_cleverness"),
        ({"release": "pdr2"}, "setting flag_cuts.*mask_brightstar_halo"),
        ({"specz_survey_flags": "specz_flag_desi"}, "setting specz_survey_flags.*specz_flag_desi"),
        ({"release": "pdr9"}, "setting release.*pdr3, pdr2, dr4"),
    ],
)
def test_a_release_that_cannot_give_what_settings_need_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        hsc.plan(FetchRequest(load_preset("paper", **change)))


@pytest.mark.parametrize(
    ("text", "fault", "said"),
    [
        (
            "[pdr3.columns]\nredshift = 'z'",
            UsageError,
            "hsc_release_file.*names redshift; they name.*specz_ra",
        ),
        ("[pdr3.columns]\nobject_id = 'id'", UsageError, "no query names object_id"),
        ("[pdr3.columns]\nra = 'ra; drop table x'", InputRefused, "hsc_release_file"),
        ("[pdr3.tables]\nfroced = 'x'", InputRefused, "hsc_release_file"),
        ("pdr3 = 5", InputRefused, "hsc_release_file"),
        ("[pdr9]\ntitle = 'mine'", InputRefused, "hsc_release_file"),
        ("[pdr3", InputRefused, "hsc_release_file"),
    ],
)
def test_a_description_of_releases_that_is_none_is_refused(tmp_path, text, fault, said):
    path = tmp_path / "releases.toml"
    path.write_text(text)
    with pytest.raises(fault, match=f"(?s){said}"):
        hsc.plan(FetchRequest(load_preset("paper", hsc_release_file=str(path))))


def test_a_dry_run_asks_nobody(hsc_server):
    text = hsc.plan(request(hsc_server, tracts="9812,9813", push_down="true"))
    assert not hsc_server.requests
    assert "-- catalogue: 10 jobs" in text
    assert "tractSearch(f.object_id, 9812, 9812)" in text
    # 49319 x 5 rows, 990 a request
    assert "250 requests" in text
    assert "GB" in hsc.plan(FetchRequest(load_preset("paper")))
