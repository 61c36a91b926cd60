"""Requests made through client libraries: waits that servers ask for, and lost connections, on a loopback server."""

import errno
import time
from pathlib import Path

import pytest
import requests
from servers.files import Fault, serving

from swimmy_db.errors import FetchFailed
from swimmy_db.sources.fetched_files import write_whole
from swimmy_db.sources.network import Network
from swimmy_db.sources.services import ask, patient_session, require_answer

NETWORK = Network(tries=3, timeout=0.5, first_wait=0.01, longest_wait=2.0, slow_seconds=0.5, slow_bytes=100)


@pytest.fixture
def server():
    with serving() as started:
        started.files["/a"] = b"answer"
        yield started


def asked(server, network=NETWORK) -> str:
    session = patient_session(network)
    answer = ask(lambda: session.post(f"{server.url}/a", data="q"), network, "the service", "the option x.url")
    return require_answer(answer, "the service", "the option x.url").text


def test_a_busy_service_is_asked_again_even_by_post(server):
    server.faults["/a"] = [Fault(status=503, headers={"Retry-After": "1"}), Fault(status=429)]
    started = time.monotonic()
    assert asked(server) == "answer"
    assert 1.0 <= time.monotonic() - started < 3.0


def test_a_service_that_stays_busy_is_given_up_after_the_tries(server):
    server.faults["/a"] = [Fault(status=503, body=b"come   back")] * 9
    with pytest.raises(FetchFailed, match=r"the service: HTTP 503 .*'come back'.*x\.url"):
        asked(server)
    assert len(server.asked) == 3


def test_an_answer_that_is_cut_is_asked_for_again(server):
    server.faults["/a"] = [Fault(cut=2), Fault(cut=0)]
    assert asked(server) == "answer"
    server.faults["/a"] = [Fault(cut=2)] * 9
    with pytest.raises(FetchFailed, match=r"connection was lost.*3 times in a row.*x\.url"):
        asked(server)


def test_a_silent_service_times_out_though_the_library_sets_no_limit(server):
    server.services["/a"] = lambda request: time.sleep(2.0) or (200, "", b"")
    started = time.monotonic()
    with pytest.raises(FetchFailed, match=r"timed out.*network\.timeout"):
        asked(server, Network(**{**vars(NETWORK), "tries": 2}))
    assert time.monotonic() - started < 3.0


def test_nobody_there_is_tried_as_often_as_it_says(monkeypatch):
    waits = []
    monkeypatch.setattr(Network, "wait", lambda self, failures, asked=None: waits.append(failures))
    session = patient_session(NETWORK)
    with pytest.raises(FetchFailed):
        ask(lambda: session.get("http://127.0.0.1:9/"), NETWORK, "nobody", "x")
    assert waits == [1, 2]


def test_what_is_no_lost_connection_is_not_repeated(server):
    session = patient_session(NETWORK)
    with pytest.raises(requests.exceptions.InvalidSchema):
        ask(lambda: session.get("gopher://x"), NETWORK, "x", "x")


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FetchFailed, match=r"a\.vot.*no space left on the disk"):
        write_whole(tmp_path / "a.vot", b"content")
    assert not (tmp_path / "a.vot").exists()
