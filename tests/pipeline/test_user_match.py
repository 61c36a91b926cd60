"""`swimmy match`: the user's columns, the nearest object, and what became of it, in every format."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord, angular_separation
from astropy.table import Table

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import InputRefused, NotReady
from swimmy_db.pipeline.user_match import match_list

MEMBER = 36411461425187990
MINE = {
    "name": ["a", "b", "c", "d"],
    "id": [2**63 - 1, 2**53 + 1, 3, 4],
    "RAJ2000": [30.0, 30.0 + 0.5 / 3600, 31.0, float("nan")],
    "DEJ2000": [-6.0 + 0.2 / 3600, -5.99, -6.0, -6.0],
}


def write(path, suffix):
    if suffix == "parquet":
        pq.write_table(pa.table(MINE), path)
    elif suffix == "csv":
        from pyarrow import csv

        csv.write_csv(pa.table(MINE), path)
    else:
        Table(MINE).write(path, format="fits" if suffix == "fits" else "votable")


def match(place, path, radius=1.0, **names):
    with open_catalog(place) as catalog:
        return match_list(catalog, path, radius, **names)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "fits", "vot"])
def test_each_position_gets_its_object_and_what_became_of_it(selected, tmp_path, suffix):
    write(tmp_path / f"mine.{suffix}", suffix)
    matched = match(selected, tmp_path / f"mine.{suffix}").to_pylist()
    assert [row["list_row"] for row in matched] == [0, 1, 2, 3]
    assert [row["my_id"] for row in matched] == MINE["id"], "64-bit ids come through"
    assert [row["my_name"] for row in matched] == MINE["name"]
    assert [row["object_id"] for row in matched] == [MEMBER, MEMBER + 1, None, None]
    outcomes = [row["outcome"] for row in matched]
    assert outcomes[0] == "member"
    assert outcomes[1].startswith("cut: ")
    assert outcomes[2:] == ["nothing here", "no position"]
    assert matched[0]["class"] == "training"


def test_separations_are_those_of_astropy(selected, tmp_path):
    write(tmp_path / "mine.csv", "csv")
    matched = match(selected, tmp_path / "mine.csv", radius=40.0).to_pylist()
    pairs = [row for row in matched if row["object_id"] is not None]
    assert len([row for row in pairs if row["list_row"] == 0]) == 2
    assert [row["rank"] for row in pairs if row["list_row"] == 0] == [1, 2]
    for row in pairs:
        mine = SkyCoord(row["my_RAJ2000"], row["my_DEJ2000"], unit="deg")
        other = SkyCoord(row["ra"], row["dec"], unit="deg")
        expected = np.degrees(angular_separation(mine.ra.rad, mine.dec.rad, other.ra.rad, other.dec.rad)) * 3600
        assert row["separation_arcsec"] == pytest.approx(expected, abs=1e-6)


def test_columns_can_be_named_and_are_found_by_their_usual_names(selected, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("alpha,delta,ra,dec\n30.0,-6.0,99,99\n")
    with pytest.raises(InputRefused, match=r"column dec: expected degrees in \[-90, 90\], found 99"):
        match(selected, path)
    matched = match(selected, path, ra="ALPHA", dec="delta")
    assert matched["object_id"].to_pylist() == [MEMBER]
    with pytest.raises(InputRefused, match="expected a column alfa, found alpha"):
        match(selected, path, ra="alfa", dec="delta")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.csv", "a,b\n1,2\n", "expected a column of ra, found a, b; name it with --ra"),
        ("x.csv", "ra,dec\n02:00:00,-06:00:00\n", "column ra: expected degrees as numbers, found"),
        ("x.csv", "ra,dec\n361,0\n", "found 361.0 in row 0"),
        ("x.csv", "", "expected csv, found something else"),
        ("x.fits", "not a FITS file", "expected fits, found something else"),
        ("x.vot", "<html></html>", "expected vot, found something else"),
        ("x.txt", "ra dec\n1 2\n", "expected one of .csv"),
    ],
)
def test_a_file_that_is_no_list_is_refused_by_name(selected, tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputRefused, match=said) as refused:
        match(selected, tmp_path / name)
    assert name in str(refused.value)


def test_radians_are_refused_and_a_missing_file_is_named(selected, tmp_path):
    table = Table({"ra": [0.5], "dec": [-0.1]}, units={"ra": "rad", "dec": "rad"})
    table.write(tmp_path / "x.fits")
    with pytest.raises(InputRefused, match="column ra: expected degrees, found the unit rad"):
        match(selected, tmp_path / "x.fits")
    with pytest.raises(InputRefused, match="no such file"):
        match(selected, tmp_path / "none.csv")


def test_columns_of_one_name_but_for_case_are_numbered(selected, tmp_path):
    (tmp_path / "x.csv").write_text("ra,dec,Name,name\n30,-6,A,b\n")
    matched = match(selected, tmp_path / "x.csv")
    assert (matched["my_Name"].to_pylist(), matched["my_name_2"].to_pylist()) == (["A"], ["b"])


def test_before_the_selection_it_says_which_command_comes_first(bare, tmp_path):
    (tmp_path / "x.csv").write_text("ra,dec\n30,-6\n")
    with pytest.raises(NotReady, match="swimmy select"):
        match(bare, tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("# object_id,ra,dec\n36411461425187990 , 30.0 ,  -6.0\n", ["object_id", "ra", "dec"]),
        ("#Table1\nobject_id,ra,dec\n36411461425187990,30.0,-6.0\n", ["object_id", "ra", "dec"]),
        ("# one, two, three\nobject_id,ra,dec\n36411461425187990,30.0,-6.0\n", ["object_id", "ra", "dec"]),
    ],
)
def test_a_header_may_be_a_comment_as_hsc_writes_it(selected, tmp_path, text, columns):
    (tmp_path / "mine.csv").write_text(text)
    (row,) = match(selected, tmp_path / "mine.csv").to_pylist()
    assert {name for name in row if name.startswith("my_")} == {f"my_{name}" for name in columns}
    assert (row["my_object_id"], row["object_id"], row["outcome"]) == (MEMBER, MEMBER, "member")


def test_an_empty_csv_is_refused(selected, tmp_path):
    (tmp_path / "mine.csv").write_text("")
    with pytest.raises(InputRefused, match=r"mine\.csv"):
        match(selected, tmp_path / "mine.csv")
