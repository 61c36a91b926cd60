"""The downloader against a real HTTP server on loopback that does everything that a network does."""

import hashlib
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers.files import Fault, serving

from swimmy_db.errors import FetchFailed, InputRefused
from swimmy_db.sources.download import NotThere, Remote, download, download_all
from swimmy_db.sources.network import Network

NETWORK = Network(tries=4, timeout=2.0, first_wait=0.01, longest_wait=2.0, slow_seconds=0.5, slow_bytes=1000)
CONTENT = b"SIMPLE  =" + np.random.default_rng(1).bytes(300_000)
PATH = "/sas/a.fits"


@pytest.fixture
def server():
    with serving() as started:
        started.files[PATH] = CONTENT
        yield started


def remote(server, **about) -> Remote:
    return Remote(server.url + PATH, "a.fits", "dr16q.sas_url", **({"kind": "fits"} | about))


def bring(server, folder, network=NETWORK, **about):
    seen = []
    fetched = download(remote(server, **about), folder, network, lambda done, total: seen.append((done, total)))
    assert fetched.path.read_bytes() == server.files[PATH]
    assert [path.name for path in sorted(folder.iterdir())] == [".a.fits.done.json", "a.fits"]
    return fetched, seen


def test_a_file_comes_whole_and_is_noted(server, tmp_path):
    before = datetime.now(UTC)
    fetched, seen = bring(server, tmp_path)
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (fetched.bytes, fetched.url) == (len(CONTENT), server.url + PATH)
    assert before <= fetched.fetched_at <= datetime.now(UTC)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    again, _ = bring(server, tmp_path)
    assert again == fetched
    assert len(server.asked) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(CONTENT) - 1), max_size=5), ranges=st.booleans(), validators=st.booleans())
def test_wherever_the_line_is_cut_the_file_comes_whole(server, tmp_path_factory, cuts, ranges, validators):
    server.ranges, server.validators = ranges, validators
    server.faults[PATH] = [Fault(cut=cut) for cut in cuts]
    patient = Network(**{**vars(NETWORK), "tries": 10, "first_wait": 0.0})
    bring(server, tmp_path_factory.mktemp("cut"), patient)


def test_a_cut_is_resumed_where_it_happened(server, tmp_path):
    server.faults[PATH] = [Fault(cut=100_000), Fault(cut=50_000)]
    bring(server, tmp_path)
    ranges = [asked.headers.get("Range") for asked in server.asked]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert all(asked.headers["If-Range"].startswith('"') for asked in server.asked[1:])
    assert [asked.status for asked in server.asked] == [200, 206, 206]


def test_a_line_that_breaks_often_but_brings_something_each_time_is_not_given_up(server, tmp_path):
    server.faults[PATH] = [Fault(cut=20_000)] * 12
    bring(server, tmp_path, Network(**{**vars(NETWORK), "tries": 1}))
    assert len(server.asked) == 13
    server.ranges = False
    server.faults[PATH] = [Fault(cut=20_000)] * 12
    with pytest.raises(FetchFailed, match=r"connection was lost.*, 4 times in a row"):
        bring(server, tmp_path / "b")


def test_a_server_without_ranges_or_validators_starts_over(server, tmp_path):
    server.ranges = False
    server.faults[PATH] = [Fault(cut=100_000)]
    bring(server, tmp_path)
    assert [asked.status for asked in server.asked] == [200, 200]
    server.ranges, server.validators = True, False
    server.faults[PATH] = [Fault(cut=100_000)]
    bring(server, tmp_path / "b")
    # with nothing that tells one version from the next, a resumed file could be a mixture: none is asked for
    assert server.asked[-1].headers.get("Range") is None
    server.faults[PATH] = [Fault(cut=100_000)]
    bring(server, tmp_path / "c", checksum=("sha1", hashlib.sha1(CONTENT).hexdigest()))
    assert server.asked[-1].headers.get("Range") == "bytes=100000-"


def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old_one(server, tmp_path):
    server.faults[PATH] = [Fault(cut=100_000)] + [Fault(status=500)] * 4
    with pytest.raises(FetchFailed, match=r"HTTP 500.*100,000 bytes are kept.*dr16q\.sas_url"):
        bring(server, tmp_path)
    server.files[PATH] = b"SIMPLE  =" + CONTENT[::-1]
    bring(server, tmp_path)
    assert (server.asked[-1].headers["Range"], server.asked[-1].status) == ("bytes=100000-", 200)


def test_a_server_that_ignores_if_range_is_found_out(server, tmp_path):
    server.faults[PATH] = [Fault(cut=100_000)] + [Fault(status=500)] * 4
    with pytest.raises(FetchFailed):
        bring(server, tmp_path)
    new = b"SIMPLE  =" + CONTENT[::-1]
    server.files[PATH] = new
    span = {"Content-Range": f"bytes 100000-{len(new) - 1}/{len(new)}", "ETag": '"another"'}
    body = new[100_000:]
    server.faults[PATH] = [Fault(status=206, headers=span | {"Content-Length": str(len(body))}, body=body)]
    bring(server, tmp_path)


def test_a_wrong_checksum_is_refused_with_file_expected_and_found(server, tmp_path):
    found, expected = hashlib.sha1(CONTENT).hexdigest(), "0" * 40
    with pytest.raises(InputRefused, match=rf"a\.fits: expected sha1 {expected}, found {found}"):
        bring(server, tmp_path, checksum=("sha1", expected))
    assert not list(tmp_path.glob("*.fits"))
    bring(server, tmp_path, checksum=("sha1", found.upper()))


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_what_is_not_served_fails_at_once_and_names_the_option(server, tmp_path, status):
    server.faults[PATH] = [Fault(status=status, body=b"<html>no</html>")]
    kind = NotThere if status in (404, 410) else FetchFailed
    with pytest.raises(kind, match=rf"HTTP {status} .*{PATH}; the address comes from dr16q\.sas_url"):
        bring(server, tmp_path)
    assert len(server.asked) == 1


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(server, tmp_path):
    server.faults[PATH] = [Fault(status=429, headers={"Retry-After": "1"})]
    started = time.monotonic()
    bring(server, tmp_path)
    assert time.monotonic() - started >= 1.0
    # a date knows whole seconds: 2 s from now are between 1 and 2
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.faults[PATH] = [Fault(status=503, headers={"Retry-After": date})]
    started = time.monotonic()
    bring(server, tmp_path / "b")
    assert time.monotonic() - started >= 0.9


def test_a_server_that_wants_an_hour_is_not_waited_for(server, tmp_path):
    server.faults[PATH] = [Fault(status=429, headers={"Retry-After": "3600"})]
    with pytest.raises(FetchFailed, match=r"3,600 s .*network\.longest_wait"):
        bring(server, tmp_path)


def test_a_server_that_stays_ill_is_given_up_after_the_tries(server, tmp_path):
    server.faults[PATH] = [Fault(status=502)] * 9
    with pytest.raises(FetchFailed, match=r"HTTP 502 .*, 4 times in a row.*network\.tries"):
        bring(server, tmp_path)
    assert len(server.asked) == 4


def test_nobody_there_fails_with_the_option(tmp_path):
    nowhere = Remote("http://127.0.0.1:9/a.fits", "a.fits", "gama.url_dr3", "fits")
    with pytest.raises(FetchFailed, match=r"connection was lost.*gama\.url_dr3"):
        download(nowhere, tmp_path, NETWORK, lambda *_: None)
    with pytest.raises(FetchFailed, match=r"gama\.url_dr3"):
        download(Remote("no address", "a.fits", "gama.url_dr3"), tmp_path, NETWORK, lambda *_: None)


def test_a_slow_drip_is_given_up_and_resumed(server, tmp_path):
    server.faults[PATH] = [Fault(drip=50)]
    started = time.monotonic()
    bring(server, tmp_path)
    assert time.monotonic() - started < 5.0
    assert server.asked[1].headers["Range"].startswith("bytes=")
    server.faults[PATH] = [Fault(drip=50)] * 9
    with pytest.raises(FetchFailed, match=r"only \d+ bytes came in 0\.5 s"):
        bring(server, tmp_path / "b")


def test_a_silent_server_times_out(server, tmp_path):
    server.services[PATH] = lambda asked: time.sleep(1.0) or (200, "", b"")
    hasty = Network(**{**vars(NETWORK), "timeout": 0.1, "tries": 2})
    with pytest.raises(FetchFailed, match=r"timed out.*network\.timeout"):
        bring(server, tmp_path, hasty)


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (b"<!DOCTYPE html><html><head><title>Sign in</title></head>" + b" " * 5000, "fits", "a web page 'Sign in'"),
        (b"\n<HTML>gone", "text", "a web page"),
        (b"0.001 42.0 something", "fits", "b'0.001"),
        (b"0.001 42.0 something", "zip", "b'0.001"),
        (b"", "fits", "b''"),
    ],
)
def test_a_page_in_place_of_the_file_is_refused(server, tmp_path, body, kind, found):
    server.files[PATH] = body
    with pytest.raises(InputRefused, match=rf"a\.fits: expected a .*, found {found}.*dr16q\.sas_url"):
        bring(server, tmp_path, kind=kind)
    server.files[PATH] = CONTENT
    bring(server, tmp_path)


def test_bytes_are_kept_as_served_where_the_server_declares_an_encoding(server, tmp_path):
    server.headers[PATH] = {"Content-Encoding": "x-gzip"}
    server.files[PATH] = b"\x1f\x8b" + CONTENT
    server.faults[PATH] = [Fault(cut=1000)]
    bring(server, tmp_path)


def test_a_part_that_was_whole_is_finished_without_a_request(server, tmp_path):
    server.faults[PATH] = [Fault(cut=len(CONTENT) - 1)] + [Fault(status=500)] * 4
    with pytest.raises(FetchFailed):
        bring(server, tmp_path)
    with open(tmp_path / ".a.fits.part", "ab") as part:
        part.write(CONTENT[-1:])
    asked = len(server.asked)
    bring(server, tmp_path)
    assert len(server.asked) == asked


FETCH = """
import sys
from pathlib import Path
from swimmy_db.sources.download import Remote, download
from swimmy_db.sources.network import Network
from swimmy_db.errors import SwimmyError
network = Network(tries=2, timeout=5.0, first_wait=0.01, longest_wait=1.0, slow_seconds=30, slow_bytes=1)
try:
    download(Remote(sys.argv[1], "a.fits", "option", "fits"), Path(sys.argv[2]), network, lambda *_: None)
except SwimmyError as fault:
    sys.exit(str(fault))
"""


def test_a_full_disk_names_the_file_and_keeps_what_came(server, tmp_path):
    limit = 100_000

    def no_more_than() -> None:  # the kernel then refuses to write on, as it does on a full disk
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-c", FETCH, server.url + PATH, str(tmp_path)]
    full = subprocess.run(command, preexec_fn=no_more_than, capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert "a.fits" in full.stderr
    assert "no space left" in full.stderr
    assert "bytes that came are kept" in full.stderr
    assert 0 < (tmp_path / ".a.fits.part").stat().st_size <= limit
    bring(server, tmp_path)
    assert server.asked[-1].status == 206


def test_a_file_larger_than_the_disk_is_not_begun(server, tmp_path):
    server.headers[PATH] = {"Content-Length": str(10**18)}
    with pytest.raises(FetchFailed, match=r"no space left .* 1,000,000,000,000,000,000 more are needed"):
        bring(server, tmp_path)


def test_a_killed_fetch_goes_on(server, tmp_path):
    part: Path = tmp_path / ".a.fits.part"
    server.faults[PATH] = [Fault(drip=20_000)]
    process = subprocess.Popen([sys.executable, "-c", FETCH, server.url + PATH, str(tmp_path)])
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size > 40_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    held = part.stat().st_size
    assert 0 < held < len(CONTENT)
    bring(server, tmp_path)
    assert server.asked[-1].headers["Range"] == f"bytes={held}-"


def test_progress_of_several_files_counts_all_bytes(server, tmp_path):
    server.files["/b"] = CONTENT[:1000]
    seen = []
    remotes = [remote(server), Remote(f"{server.url}/b", "b.fits", "x", "fits")]
    fetched = download_all(remotes, tmp_path, NETWORK, lambda *step: seen.append(step), expected=400_000)
    assert [file.bytes for file in fetched] == [len(CONTENT), 1000]
    assert seen[-1] == (len(CONTENT) + 1000, 400_000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
