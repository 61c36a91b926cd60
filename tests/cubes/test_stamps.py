"""Stamps on disk: what is written comes back, from parts of any size, in constant memory."""

import tracemalloc

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swimmy_db.contracts import conform, load_contract
from swimmy_db.cubes.cutouts import Stamp
from swimmy_db.cubes.stamps import PART_SCHEMA, read_stamps, write_stamps
from swimmy_db.errors import SwimmyError


def stamp(object_id, band="g", tract=8279, seed=None, shape=(12, 13), member=""):
    rng = np.random.default_rng([seed or 0, object_id % 2**32, ord(band)])
    pixels = rng.normal(size=shape).astype("f4")
    pixels[0, 0] = np.nan
    return Stamp(object_id, band, tract, pixels, 5.25, 6.5, 27.0, 1, 1 << 8, member, "a.tar", f"{object_id:x}")


def assert_same(one, other):
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert (one.variance is None) == (other.variance is None)
    if one.variance is not None:
        np.testing.assert_array_equal(one.variance, other.variance)
    assert one._replace(pixels=None, variance=None) == other._replace(pixels=None, variance=None)


def read_all(folder, index, **options):
    return {key: value for block in read_stamps(folder, index, **options) for key, value in block.items()}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 2**63 - 1), st.sampled_from("griz"), st.integers(0, 18937)),
        unique_by=lambda key: key[:2],
        max_size=40,
    ),
    st.integers(1, 5),
    st.integers(1, 4000),
)
def test_what_is_written_comes_back(tmp_path_factory, keys, part_stamps, buffer_bytes):
    folder = tmp_path_factory.mktemp("stamps")
    made = {(object_id, band): stamp(object_id, band, tract) for object_id, band, tract in keys}
    written = write_stamps(made.values(), folder, part_stamps, buffer_bytes)
    assert sorted(zip(*(written.index[name].to_pylist() for name in ("object_id", "band")), strict=True)) == sorted(
        made
    )
    assert not len(written.repeated)
    found = read_all(folder, written.index, block=3)
    assert {(object_id, band) for object_id, bands in found.items() for band in bands} == set(made)
    for (object_id, band), expected in made.items():
        assert_same(found[object_id][band], expected)


def test_a_variance_is_kept_where_there_is_one(tmp_path):
    plain = stamp(3)
    made = [plain, stamp(4)._replace(variance=plain.pixels**2)]
    written = write_stamps(made, tmp_path)
    found = read_all(tmp_path, written.index)
    for expected in made:
        assert_same(found[expected.object_id]["g"], expected)


def test_the_index_is_a_table_of_the_survey_and_the_parts_are_plain_parquet(tmp_path):
    written = write_stamps([stamp(9, "r", 7), stamp(3, "r", 7), stamp(3, "g", 7), stamp(3, "g", 8)], tmp_path)
    conform(written.index, load_contract("survey.stamps"), "index")
    names = sorted(path.relative_to(tmp_path).as_posix() for path in written.files)
    expected = [
        "tract=7/band=g/part-00000.parquet",
        "tract=7/band=r/part-00000.parquet",
        "tract=8/band=g/part-00000.parquet",
    ]
    assert names == expected
    assert set(written.index["file"].to_pylist()) <= set(names)
    rows = duckdb.sql(
        f"select object_id, band, tract, ny, nx, octet_length(pixels), x, zero_point, sha256 from "
        f"read_parquet('{tmp_path}/tract=7/band=r/*.parquet', hive_partitioning = false) order by object_id"
    ).fetchall()
    assert rows == [
        (3, "r", 7, 12, 13, 12 * 13 * 4, 5.25, 27.0, "3"),
        (9, "r", 7, 12, 13, 12 * 13 * 4, 5.25, 27.0, "9"),
    ]


def test_pixels_are_little_endian_rows_whatever_they_were(tmp_path):
    given = stamp(1)
    flipped = given._replace(pixels=np.asfortranarray(given.pixels.astype(">f4")))
    written = write_stamps([flipped], tmp_path)
    content = pa.parquet.read_table(written.files[0], columns=["pixels"])["pixels"][0].as_py()
    np.testing.assert_array_equal(np.frombuffer(content, "<f4").reshape(12, 13), given.pixels)


def test_of_repeated_stamps_the_first_counts(tmp_path):
    made = [stamp(5, member="first"), stamp(4), stamp(5, tract=1, member="second"), stamp(5, member="third", seed=9)]
    written = write_stamps(made, tmp_path, part_stamps=1)
    assert sorted(written.repeated["member"].to_pylist()) == ["second", "third"]
    assert_same(read_all(tmp_path, written.index)[5]["g"], made[0])
    assert len(written.index) + len(written.repeated) == len(made)


def test_an_object_that_lacks_bands_comes_with_those_that_it_has(tmp_path):
    written = write_stamps([stamp(1, "g"), stamp(1, "r"), stamp(2, "r"), stamp(3, "g")], tmp_path)
    found = read_all(tmp_path, written.index)
    assert {key: sorted(bands) for key, bands in found.items()} == {1: ["g", "r"], 2: ["r"], 3: ["g"]}


def test_only_what_the_index_names_is_read(tmp_path):
    written = write_stamps([stamp(key, band) for band in "gr" for key in range(200)], tmp_path)
    ids = written.index["object_id"].to_numpy()
    some = written.index.filter(pa.array(ids % 50 == 0))
    assert sorted(read_all(tmp_path, some)) == [0, 50, 100, 150]
    assert [len(block) for block in read_stamps(tmp_path, written.index, block=64)] == [64, 64, 64, 8]


def test_nothing_written_is_nothing_read(tmp_path):
    written = write_stamps([], tmp_path)
    assert written.files == []
    assert set(written.index.column_names) == set(load_contract("survey.stamps").columns)
    assert list(read_stamps(tmp_path, written.index)) == []


def test_a_file_that_is_gone_or_another_is_said(tmp_path):
    written = write_stamps([stamp(1), stamp(2)], tmp_path)
    write_stamps([stamp(1), stamp(3)], tmp_path)
    with pytest.raises(SwimmyError, match=r"part-00000\.parquet: row group 0, row 1: expected 2 in g, found 3 in g"):
        read_all(tmp_path, written.index)
    written.files[0].write_bytes(b"PAR1")
    with pytest.raises(SwimmyError, match=r"expected a file of stamps.*swimmy stamps"):
        read_all(tmp_path, written.index)
    written.files[0].unlink()
    with pytest.raises(SwimmyError, match="swimmy stamps"):
        read_all(tmp_path, written.index)


def test_row_groups_are_small_and_object_ids_have_statistics(tmp_path):
    written = write_stamps([stamp(key) for key in range(150, 0, -1)], tmp_path)
    file = pa.parquet.ParquetFile(written.files[0])
    assert file.schema_arrow.names == PART_SCHEMA.names
    assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [64, 64, 22]
    first = file.metadata.row_group(0).column(0).statistics
    assert (first.min, first.max) == (1, 64)


def test_memory_holds_the_buffer_and_not_the_survey(tmp_path):
    def stamps():
        pixels = np.zeros((96, 96), "f4")
        for key in range(600):
            # Tracts in any order: no buffer is ever complete.
            yield stamp(key, tract=key * 7 % 40, shape=(2, 2))._replace(pixels=pixels + key)

    tracemalloc.start()
    written = write_stamps(stamps(), tmp_path, buffer_bytes=2 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(written.index) == 600
    assert peak < 8e6 < 600 * 96 * 96 * 4
