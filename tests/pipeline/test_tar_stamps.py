"""Tars read by several processes give what one gives, in its order; the embedded survey's, faults included."""

import os

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.cubes.cutouts import Stamp
from swimmy_db.errors import SwimmyError
from swimmy_db.pipeline import tar_stamps
from swimmy_db.pipeline.stamps import MEMBERS
from swimmy_db.pipeline.tar_stamps import LeftOut, TarRequest, stamps_of_tars
from swimmy_db.sources.hsc_cutouts import read_cutout_list
from swimmy_db.workspace import Workspace


@pytest.fixture(scope="module")
def requests(demo_survey):
    place = Workspace(demo_survey)
    with open_catalog(place) as catalog:
        members = {object_id: (ra, dec) for object_id, ra, dec in catalog.rows(MEMBERS)}
    found = []
    for tar in sorted((place.downloads / "hsc" / "cutouts").glob("*.tar")):
        rows = read_cutout_list(tar.with_suffix(".txt"))
        objects = {row.lineno: row.object_id for row in rows}
        wanted = {i: members[i] for i in objects.values() if i in members}
        found.append(TarRequest(tar, rows, objects, wanted, place.settings()))
    return found


def comparable(found):
    return [
        (*(item._replace(pixels=None)), item.pixels.tobytes()) if isinstance(item, Stamp) else item for item in found
    ]


def test_two_processes_give_what_one_gives_in_its_order(requests):
    alone = list(stamps_of_tars(requests, 1))
    assert any(isinstance(item, LeftOut) for item in alone)
    assert len({type(item) for item in alone}) == 2
    assert comparable(stamps_of_tars(requests, 2)) == comparable(alone)


def test_a_tar_too_large_to_be_sent_at_once_is_streamed_in_its_turn(requests, monkeypatch):
    sizes = sorted(request.tar.stat().st_size for request in requests)
    assert len(sizes) > 1
    monkeypatch.setattr(tar_stamps, "SENT_AT_ONCE", sizes[0])
    sent = []

    class Pool(tar_stamps.ProcessPoolExecutor):
        def submit(self, function, request):
            sent.append(request.tar.stat().st_size)
            return super().submit(function, request)

    monkeypatch.setattr(tar_stamps, "ProcessPoolExecutor", Pool)
    assert comparable(stamps_of_tars(requests, 2)) == comparable(stamps_of_tars(requests, 1))
    assert sent
    assert max(sent) == sizes[0]


def die(request):
    os._exit(9)


def test_a_process_that_dies_is_an_error_that_says_so(requests, monkeypatch):
    monkeypatch.setattr(tar_stamps, "_read_whole", die)
    with pytest.raises(SwimmyError, match="a process that read cutouts was killed"):
        list(stamps_of_tars(requests, 2))
