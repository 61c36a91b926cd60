"""Exports: every type and every missing value comes back from every format as it went in."""

import warnings
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table
from astropy.units import UnitsWarning
from pyarrow import csv

from swimmy_db.contracts import Column
from swimmy_db.errors import UsageError
from swimmy_db.report.about import About
from swimmy_db.report.exports import write_table

NAN = float("nan")
ROWS = pa.table(
    {
        "object_id": pa.array([36411461425187990, 2**63 - 1, -(2**63) + 1]),
        "small": pa.array([1, None, -(2**31)], pa.int32()),
        "big": pa.array([2**64 - 1, None, 0], pa.uint64()),
        "flux": pa.array([0.1, None, 1e-300]),
        "nan": pa.array([NAN, 1.0, 2.0]),
        "single": pa.array([0.1, None, 2.0], pa.float32()),
        "known": pa.array([True, False, True]),
        "flag": pa.array([True, None, False]),
        "word": pa.array(["a", None, 'Sérsic, "q"']),
        "nothing": pa.array([None, None, None], pa.string()),
        "when": pa.array([datetime(2026, 1, 2, 3, 4, 5), None, None], pa.timestamp("us")),
        "pair": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.float32())),
        "ragged": pa.array([[1], [3, 4], None], pa.list_(pa.float32())),
        "ra": pa.array([0.0, 180.0, 359.9999999]),
        "dec": pa.array([0.0, -90.0, None]),
    }
)
ABOUT = About(
    "raw.things",
    "one row per thing",
    {
        "object_id": Column(type="int64", description="the id, " + "at length " * 12, ucd="meta.id;meta.main"),
        "flux": Column(type="float64", unit="1e-17 erg / (s cm2)", description="flux", ucd="phot.flux"),
        "flag": Column(type="bool", description="whether"),
        "ra": Column(type="float64", unit="deg", description="right ascension", ucd="pos.eq.ra;meta.main"),
    },
    ("object_id",),
    simulated=True,
)


def write(path, about=ABOUT, rows=ROWS):
    # in two batches, as a large result comes
    return write_table(rows.to_reader(max_chunksize=2), path, about)


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        return Table.read(path)


def test_parquet_is_the_same_table_with_units_and_meanings(tmp_path):
    assert write(tmp_path / "x.parquet") == 3
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.schema.field("flux").metadata == {
        b"unit": b"1e-17 erg / (s cm2)",
        b"description": b"flux",
        b"ucd": b"phot.flux",
    }
    assert table.schema.metadata[b"table"] == b"raw.things"
    assert b"SIMULATED" in table.schema.metadata[b"warning"]
    assert table.drop_columns(["nan"]).to_pylist() == ROWS.drop_columns(["nan"]).to_pylist()
    assert np.isnan(table["nan"][0].as_py())


def test_csv_reads_back_the_same(tmp_path):
    assert write(tmp_path / "x.csv") == 3
    types = {"object_id": pa.int64(), "big": pa.uint64(), "single": pa.float32()}
    convert = csv.ConvertOptions(column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False)
    table = csv.read_csv(tmp_path / "x.csv", convert_options=convert)
    for name in ("object_id", "small", "big", "flux", "single", "known", "flag", "word", "ra", "dec"):
        assert table[name].to_pylist() == ROWS[name].to_pylist(), name
    assert table["pair"].to_pylist() == ["[1.0, 2.0]", "[3.0, 4.0]", "[5.0, 6.0]"]


def test_csv_of_a_simulated_survey_says_so_in_every_row(tmp_path):
    write(tmp_path / "x.csv")
    table = csv.read_csv(tmp_path / "x.csv")
    assert table.column_names == [*ROWS.column_names, "is_simulated"]
    assert table["is_simulated"].to_pylist() == [True, True, True]
    write(tmp_path / "real.csv", replace(ABOUT, simulated=False))
    assert csv.read_csv(tmp_path / "real.csv").column_names == ROWS.column_names
    own = ROWS.select(["ra"]).append_column("is_simulated", pa.array([False] * 3))
    write(tmp_path / "own.csv", ABOUT, own)
    assert csv.read_csv(tmp_path / "own.csv")["is_simulated"].to_pylist() == [False] * 3


def test_machine_readable_text_reads_back_with_units_meanings_and_blanks(tmp_path):
    assert write(tmp_path / "x.mrt") == 3
    table = Table.read(tmp_path / "x.mrt", format="ascii.mrt")
    assert table["object_id"].dtype.kind == "i"
    assert table["object_id"].tolist() == ROWS["object_id"].to_pylist()
    assert table["small"].tolist() == [1, None, -(2**31)]
    assert table["flux"].tolist() == [0.1, None, 1e-300]
    assert table["nan"].tolist() == [None, 1.0, 2.0]
    assert table["flag"].tolist() == [1, None, 0]
    assert table["ra"].tolist() == pytest.approx([0.0, 180.0, 359.9999999], abs=1e-6)
    assert table["dec"].tolist() == [0.0, -90.0, None]
    assert table["word"][0] == "a"
    assert table["ra"].unit == "deg"
    assert table["flux"].unit == "1e-17 erg / (s cm2)"
    assert table["ra"].description == "right ascension"
    # astropy would write it one byte narrower than it says
    assert "nothing" not in table.colnames
    text = (tmp_path / "x.mrt").read_text()
    assert text.startswith("Title: SIMULATED SURVEY: raw.things\n")
    assert "nothing in it is an observation" in text
    assert "left out: nothing" in text


def test_machine_readable_text_describes_columns_by_their_values(tmp_path):
    with pytest.raises(UsageError, match="has no rows"):
        write(tmp_path / "x.mrt", rows=ROWS.slice(0, 0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["fits", "vot"])
def test_astronomers_formats_keep_types_and_missing_values(tmp_path, suffix):
    assert write(tmp_path / f"x.{suffix}") == 3
    table = read(tmp_path / f"x.{suffix}")
    assert table.colnames == ROWS.column_names
    assert table["object_id"].dtype.kind == "i"
    assert table["object_id"].tolist() == ROWS["object_id"].to_pylist()
    assert table["small"].tolist() == [1, None, -(2**31)]
    assert [str(value) for value in table["big"].tolist()][::2] == ["18446744073709551615", "0"]
    assert table["flux"].tolist() == [0.1, None, 1e-300]
    assert table["single"].dtype.itemsize == 4
    assert table["known"].tolist() == [True, False, True]
    flags = table["flag"].tolist()
    assert (bool(flags[0]), flags[1], bool(flags[2])) == (True, None, False)
    assert table["when"][0] in ("2026-01-02T03:04:05", b"2026-01-02T03:04:05")
    assert table["pair"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert table["ra"].tolist() == ROWS["ra"].to_pylist()
    assert table["dec"].tolist() == [0.0, -90.0, None]
    assert table["flux"].unit == "1e-17 erg / (s cm2)"
    assert table["ra"].unit == "deg"


def test_fits_says_units_meanings_ucds_and_that_it_is_simulated(tmp_path):
    write(tmp_path / "x.fits")
    with fits.open(tmp_path / "x.fits") as hdus:
        hdus.verify("exception")
        header = hdus[1].header
    number = ROWS.column_names.index("flux") + 1
    assert header[f"TCOMM{number}"] == "flux"
    assert header[f"TUCD{number}"] == "phot.flux"
    assert header["TCOMM1"] == ABOUT.columns["object_id"].description.strip()
    assert header["SIMULATE"] is True
    assert "SIMULATED SURVEY" in str(header["COMMENT"])
    assert r"S\xe9rsic" in str(fits.getdata(tmp_path / "x.fits")["word"][2])


def test_votable_fields_have_description_and_ucd_and_text_is_unicode(tmp_path):
    write(tmp_path / "x.vot")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        table = parse_single_table(tmp_path / "x.vot")
    field = table.get_field_by_id("flux")
    assert (field.description, field.ucd) == ("flux", "phot.flux")
    assert table.array["word"][2] == 'Sérsic, "q"'
    # astropy masks both when it reads; in the file a missing number is an empty cell and NaN is a value
    text = (tmp_path / "x.vot").read_text()
    assert (text.count("<TD>NaN</TD>"), table.array["flux"].mask.tolist()) == (1, [False, True, False])


def test_regions_are_circles_at_the_positions_with_the_ids_as_text(tmp_path):
    assert write(tmp_path / "x.reg") == 2, "a row without a position has no region"
    lines = (tmp_path / "x.reg").read_text().splitlines()
    assert lines[0] == "# Region file format: DS9 version 4.1"
    assert "icrs" in lines
    assert 'circle(180.0000000,-90.0000000,1.5") # text={9223372036854775807}' in lines
    assert any("SIMULATED" in line for line in lines)


def test_positions_are_found_by_ucd(tmp_path):
    columns = {"alpha": Column(type="float64", description="x", ucd="pos.eq.ra")}
    rows = pa.table({"alpha": [10.0], "dec": [5.0]})
    assert write(tmp_path / "x.reg", About("t", columns=columns), rows) == 1
    assert 'circle(10.0000000,5.0000000,1.5")' in (tmp_path / "x.reg").read_text()
    with pytest.raises(UsageError, match="no columns of position"):
        write(tmp_path / "y.reg", About("t"), rows)


def test_sums_of_integers_are_integers(tmp_path):
    rows = pa.table({"n": pa.array([2**40], pa.decimal128(38, 0))})
    for suffix in ("csv", "fits", "vot"):
        write(tmp_path / f"x.{suffix}", About("t"), rows)
    assert (tmp_path / "x.csv").read_text() == f'"n"\n{2**40}\n'
    assert read(tmp_path / "x.fits")["n"].tolist() == [2**40]
    assert read(tmp_path / "x.vot")["n"].tolist() == [2**40]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "fits", "vot", "reg"])
def test_an_empty_table_is_a_file_with_columns(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    assert write(path, rows=ROWS.slice(0, 0)) == 0
    if suffix in ("fits", "vot"):
        assert read(path).colnames == ROWS.column_names


def test_a_failed_export_leaves_no_file(tmp_path):
    def batches():
        yield ROWS.to_batches()[0]
        raise RuntimeError("in the middle")

    reader = pa.RecordBatchReader.from_batches(ROWS.schema, batches())
    with pytest.raises(RuntimeError):
        write_table(reader, tmp_path / "x.csv", ABOUT)
    assert list(tmp_path.iterdir()) == []
