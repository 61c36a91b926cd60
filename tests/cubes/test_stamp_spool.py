"""The spool: what was put in comes out in a fixed order, also after a kill or damage to its files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swimmy_db.cubes import stamp_spool
from swimmy_db.cubes.cutouts import Stamp
from swimmy_db.cubes.stamp_spool import REFUSED, StampSpool


def stamp(object_id: int, band: str = "g", tract: int = 8279, value: float = 1.0) -> Stamp:
    pixels = np.full((6, 7), value, "f4")
    return Stamp(object_id, band, tract, pixels, 3.0, 2.5, 27.0, 0, 0, "m", "a", f"{object_id:x}")


def keys(spool: StampSpool) -> list[tuple[str, int, int]]:
    return [(one.band, one.tract, one.object_id) for one in spool.stamps()]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 2**63 - 1), st.sampled_from("gri"), st.integers(0, 3)), max_size=40),
    st.integers(1, 9),
    st.integers(0, 40),
)
def test_what_was_put_in_comes_out_once_in_order(tmp_path_factory, arrived, piece, killed_after):
    """In order of band, tract and object; of several stamps of one object and band the first that was kept."""
    folder = tmp_path_factory.mktemp("spool")
    before, stamp_spool.PIECE_STAMPS = stamp_spool.PIECE_STAMPS, piece
    try:
        spool = StampSpool(folder)
        for number, (object_id, band, tract) in enumerate(arrived):
            if number == killed_after:
                # what waited in memory is lost with the process
                spool = StampSpool(folder)
                for again, (id_again, band_again, tract_again) in enumerate(arrived[:number]):
                    spool.add(stamp(id_again, band_again, tract_again), again % 3)
            spool.add(stamp(object_id, band, tract), number % 3)
        found = keys(spool)
    finally:
        stamp_spool.PIECE_STAMPS = before
    assert found == sorted(found)
    assert sorted((object_id, band) for band, _, object_id in found) == sorted(
        {(object_id, band) for object_id, band, _ in arrived}
    )


def test_a_piece_that_is_damaged_is_forgotten(tmp_path):
    """A cut-off end, or zeros where a power cut kept the pixels from the disk."""
    spool = StampSpool(tmp_path)
    for group, first in enumerate((1, 100, 200)):
        for object_id in range(first, first + 5):
            spool.add(stamp(object_id, value=object_id), group)
    spool.flush()
    cut, zeroed, _ = sorted(tmp_path.glob("piece-*.parquet"))
    cut.write_bytes(cut.read_bytes()[:-20])
    content = bytearray(zeroed.read_bytes())
    place = bytes(content).index(np.float32(102).tobytes())
    content[place : place + 64] = bytes(64)
    zeroed.write_bytes(content)
    again = StampSpool(tmp_path)
    assert [object_id for _, _, object_id in keys(again)] == [200, 201, 202, 203, 204]


def test_refusals_are_found_again_but_for_half_a_line(tmp_path):
    spool = StampSpool(tmp_path)
    spool.refuse(2**62 + 1, "g", {"reason": "omitted by the service"})
    spool.refuse(7, "r", {"reason": "empty file"})
    content = (tmp_path / REFUSED).read_text()
    (tmp_path / REFUSED).write_text(content[:-20])
    again = StampSpool(tmp_path)
    assert again.refused == {(2**62 + 1, "g"): {"reason": "omitted by the service"}}
    again.refuse(7, "r", {"reason": "empty file"})
    assert StampSpool(tmp_path).refused.keys() == {(2**62 + 1, "g"), (7, "r")}


def test_pieces_are_written_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(stamp_spool, "PIECE_SECONDS", 0.0)
    StampSpool(tmp_path).add(stamp(1))
    assert keys(StampSpool(tmp_path)) == [("g", 8279, 1)]


def test_half_written_pieces_do_not_count(tmp_path):
    (tmp_path / ".piece-000000.parquet.tmp").write_bytes(b"PAR1")
    assert keys(StampSpool(tmp_path)) == []


@pytest.mark.parametrize("group", [None, 3])
def test_a_group_s_stamps_lie_together(tmp_path, monkeypatch, group):
    monkeypatch.setattr(stamp_spool, "PIECE_STAMPS", 4)
    spool = StampSpool(tmp_path)
    for object_id in range(12):
        spool.add(stamp(object_id), group if object_id % 2 else "other")
    spool.flush()
    names = {spool.stored[object_id, "g"][1] for object_id in range(0, 12, 2)}
    assert len(names) == 2
    assert not names & {spool.stored[object_id, "g"][1] for object_id in range(1, 12, 2)}
