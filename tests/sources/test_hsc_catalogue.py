"""HSC SQL results, typed by hand from FORMATS.md 2.1."""

import gzip

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources import hsc_catalogue
from swimmy_db.sources.hsc_catalogue import read_hsc_table

SPECZ = (
    "# object_id,d_pos,specz_name,specz_ra,specz_dec,specz_redshift,specz_redshift_err,"
    "specz_flag_homogeneous,specz_flag_sdss_dr15,specz_flag_gama_dr3,specz_flag_primus_dr1,specz_duplicationflag\r\n"
    '36411461425187990,0.0812,"SDSS-DR15-1,GAMA-DR3-2",30.591338,-6.282374,0.0961,1.2e-05,True,True,False,False,0\r\n'
    "9223372036854775807,NaN,null,nan,inf,-9,-9,f,t,None,False,1\r\n"
    "36411452835248579,,None,,,null,,,null,nan,,\r\n"
)
QA = (
    "# SQL job 4711\n"
    "# select skymap_id, tract, patch from pdr3_wide.patch_qa -- a comment, with a comma\n"
    "# skymap_id,tract,patch,gseeing,rseeing,iseeing,zseeing,yseeing,"
    "gmag_psf_depth,rmag_psf_depth,imag_psf_depth,zmag_psf_depth,ymag_psf_depth\n"
    "82790305,8279,305,0.77,0.71,0.58,0.68,0.66,26.6,26.2,26.1,25.2,24.4\n"
    "82790306,8279,306,0.79,0.72,0.59,,inf,26.5,26.1,26.0,nan,24.3\n"
)


def read(path, table):
    blocks = list(read_hsc_table(path, table))
    return conform(pa.concat_tables(blocks), load_contract(table), path.name)


def write(tmp_path, text, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_reads_ids_booleans_and_every_spelling_of_missing(tmp_path):
    rows = read(write(tmp_path, SPECZ), "raw.specz").to_pylist()
    first, second, third = rows
    assert first["object_id"] == 36411461425187990
    assert first["specz_name"] == "SDSS-DR15-1,GAMA-DR3-2"
    assert (first["d_pos"], first["specz_redshift"], first["specz_redshift_err"]) == (0.0812, 0.0961, 1.2e-05)
    flags = ("specz_flag_homogeneous", "specz_flag_sdss_dr15", "specz_flag_gama_dr3", "specz_flag_primus_dr1")
    assert [first[name] for name in flags] == [True, True, False, False]
    assert second["object_id"] == 2**63 - 1
    assert [second[name] for name in flags] == [False, True, None, False]
    assert np.isnan(second["d_pos"])
    assert np.isnan(second["specz_ra"])
    assert second["specz_dec"] == np.inf
    assert second["specz_name"] is None
    assert [third[name] for name in flags] == [None, None, None, None]
    assert third["d_pos"] is None
    assert third["specz_redshift"] is None


def test_columns_beyond_the_contract_get_the_type_that_their_values_have(tmp_path):
    table = read(write(tmp_path, SPECZ), "raw.specz")
    assert table.schema.field("specz_flag_primus_dr1").type == pa.bool_()
    assert table.schema.field("specz_duplicationflag").type == pa.int64()


def test_the_last_of_several_hash_lines_is_the_header(tmp_path):
    table = read(write(tmp_path, QA), "raw.hsc_patches")
    assert table["skymap_id"].to_pylist() == [82790305, 82790306]
    assert table["tract"].type == pa.int32()
    assert table["zseeing"].to_pylist() == [0.68, None]
    assert table["yseeing"].to_pylist() == [0.66, np.inf]


@pytest.mark.parametrize("compress", [gzip.compress, lambda content: content])
def test_csv_gz_is_known_by_its_bytes_and_not_by_its_name(tmp_path, compress):
    path = tmp_path / "specz.csv.gz"
    path.write_bytes(compress(SPECZ.encode()))
    zipped, plain = read(path, "raw.specz"), read(write(tmp_path, SPECZ), "raw.specz")
    # As text: NaN is in it, which equals nothing.
    assert str(zipped.to_pylist()) == str(plain.to_pylist())


def test_fits_output_uses_its_isnull_companions(tmp_path):
    table = Table(
        {
            "object_id": np.array([36411461425187990, 2**63 - 1]),
            "object_id_isnull": [False, False],
            "d_pos": [0.1, 0.0],
            "d_pos_isnull": [False, True],
            "specz_name": ["SDSS-DR15-1", "    "],
            "specz_flag_homogeneous": [True, False],
            "specz_flag_homogeneous_isnull": [False, True],
        }
        | {f"specz_{name}": [0.5, 0.25] for name in ("ra", "dec", "redshift", "redshift_err")}
    )
    table.write(tmp_path / "specz.fits")
    read_back = read(tmp_path / "specz.fits", "raw.specz")
    assert read_back["object_id"].to_pylist() == [36411461425187990, 2**63 - 1]
    assert read_back["d_pos"].to_pylist() == [0.1, None]
    assert read_back["specz_flag_homogeneous"].to_pylist() == [True, None]
    assert read_back["specz_name"].to_pylist() == ["SDSS-DR15-1", None]
    assert not [name for name in read_back.column_names if "isnull" in name]


def test_a_result_without_rows_is_an_empty_table(tmp_path):
    for text in (QA[: QA.index("82790305")], QA[: QA.index("\n82790305")]):
        assert len(read(write(tmp_path, text), "raw.hsc_patches")) == 0


def test_a_type_holds_for_the_whole_file_and_not_for_its_first_block(tmp_path, monkeypatch):
    monkeypatch.setattr(hsc_catalogue, "BLOCK_BYTES", 4000)
    header = SPECZ.splitlines()[0]
    row = "36411461425187990,0.1,a,1,2,0.1,0.1,True,True,False,"
    lines = [header, *(f"{row}False,{n}" for n in range(300)), f"{row}maybe,0.5"]
    path = write(tmp_path, "\n".join(lines))
    blocks = list(read_hsc_table(path, "raw.specz"))
    assert len(blocks) > 3
    assert {block.schema for block in blocks} == {blocks[0].schema}
    table = pa.concat_tables(blocks)
    assert table["specz_duplicationflag"].to_pylist() == [*map(float, range(300)), 0.5]
    assert table["specz_flag_primus_dr1"].to_pylist() == ["False"] * 300 + ["maybe"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.0812", "abc", "line 2, column d_pos: expected double, found 'abc'"),
        ("36411452835248579", "3.64e16", "line 4, column object_id: expected int64, found '3.64e16'"),
        ("9223372036854775807", "9223372036854775808", "line 3, column object_id: expected int64, found '922"),
        ("f,t,None", "f,yes,None", "line 3, column specz_flag_sdss_dr15: expected bool, found 'yes'"),
        (",0.0812", "", "line 2: expected 12 cells, found 11"),
        ("specz_ra,specz_dec", "specz_ra,specz_ra", "expected each column once, found twice: specz_ra"),
        ("specz_redshift,", "redshift,", "column specz_redshift: expected float64, found no such column"),
        ("9223372036854775807", "", "column object_id: expected a value in every row, found none in row 1"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path, old, new, expected):
    with pytest.raises(InputRefused) as refusal:
        read(write(tmp_path, SPECZ.replace(old, new, 1)), "raw.specz")
    assert expected in str(refusal.value)
    assert "x.csv" in str(refusal.value)


def test_what_is_no_csv_is_refused(tmp_path):
    for content in (
        b"",
        b"<html><body>Proxy Error</body></html>",
        gzip.compress(SPECZ.encode() * 50)[:-200],
        b"\xff\xfe\x00",
        b"# object_id,d\x00pos\n1,2\n",
    ):
        path = tmp_path / "specz.csv"
        path.write_bytes(content)
        with pytest.raises(InputRefused, match=r"specz\.csv"):
            read(path, "raw.specz")


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_ids_come_through_exactly(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("ids") / "ids.csv"
    path.write_text("# object_id,d_pos\n" + "".join(f"{value},\n" for value in ids))
    table = pa.concat_tables(read_hsc_table(path, "raw.specz"))
    assert table["object_id"].to_pylist() == ids


SPELLINGS = st.sampled_from(["", "null", "NULL", "None", "nan", "NaN", "inf", "-inf", "True", "f", "0.5", "-3", "7"])


@given(st.lists(st.tuples(SPELLINGS, SPELLINGS), min_size=1, max_size=20))
def test_floats_and_booleans_take_all_spellings_or_name_the_first_bad_one(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    path.write_text("# d_pos,specz_flag_homogeneous\r\n" + "".join(f"{a},{b}\r\n" for a, b in cells))
    missing = {"", "null", "NULL", "None"}
    bad = [row for row, (a, b) in enumerate(cells, 2) if a in ("True", "f") or b in ("0.5", "-3", "7")]
    if bad:
        with pytest.raises(InputRefused, match="line"):
            list(read_hsc_table(path, "raw.specz"))
        return
    table = pa.concat_tables(read_hsc_table(path, "raw.specz"))
    floats = [None if a in missing else float(a) for a, _ in cells]
    flags = [{"True": True, "f": False}.get(b) for _, b in cells]
    np.testing.assert_array_equal(np.array(table["d_pos"].to_pylist(), float), np.array(floats, float))
    assert [value is None for value in table["d_pos"].to_pylist()] == [value is None for value in floats]
    assert table["specz_flag_homogeneous"].to_pylist() == flags
