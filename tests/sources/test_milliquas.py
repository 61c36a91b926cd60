"""Milliquas lines typed by hand, in both layouts of FORMATS.md 4.1, and the first lines of a real edition."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import ascii as astropy_ascii

from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources import milliquas
from swimmy_db.sources.milliquas import read_milliquas, recognise_layout

# fmt: off
A = (
    " 31.8972500  -4.0440833  SDSS J020735.34-040238.7  QRX2 19.70 18.80 pG  - 1  1.275 DR16Q  DR16    99 "
    "2SXPS J020735.3-040239 VLASS J020735.3-040238 NVSS J020734.1-040230  NVSS J020737.0-040245 \n"
    "  0.0006295  35.5178413  SDSS J000000.15+353104.2  q     18.4   0.0     - -        NBCKv3 NBCKv3  99 "
    "                                                                                            \n"
)
B = (
    " 31.8972500  -4.0440833  SDSS J020735.34-040238.7  QRX2 19.70 18.80 pG - 1   1.275 DR16Q  DR16   97  99  "
    "2SXPS J020735.3-04023  VLASS J020735.3-04023  NVSS J020734.1-040230  NVSS J020737.0-040245\r\n"
    "359.9999999  89.1234567  NGC 1                     N     14.1  15.0    1 1   0.013 VCV    VCV\r\n"
)
# The columns of FORMATS.md 4.1, typed once more.
STARTS_A = [0, 12, 25, 51, 56, 62, 68, 72, 74, 76, 83, 90, 97, 101, 124, 147, 170]
STOPS_A = [11, 23, 50, 55, 61, 67, 71, 73, 75, 82, 89, 96, 100, 123, 146, 169, 192]
STARTS_B = [0, 12, 25, 51, 56, 62, 68, 71, 73, 76, 83, 90, 97, 101, 105, 128, 151, 174]
STOPS_B = [11, 23, 50, 55, 61, 67, 70, 72, 74, 82, 88, 95, 99, 103, 126, 149, 172, 195]
# The real file of 2016, by eye.
STARTS_2016 = [0, 12, 25, 51, 56, 61, 66, 70, 72, 74, 81, 88, 95, 99, 122, 145, 168]
STOPS_2016 = [11, 23, 50, 55, 60, 65, 69, 71, 73, 80, 87, 94, 98, 121, 144, 167, 191]
NAMES_A = ["ra", "dec", "name", "type", "rmag", "bmag", "comment", "r", "b", "z", "cite", "zcite", "qpct",
           "xname", "rname", "lobe1", "lobe2"]
NAMES_B = [*NAMES_A[:12], "rxpct", *NAMES_A[12:]]
# fmt: on
REAL = Path(__file__).parents[3] / "shared" / "data" / "catalogues" / "milliquas_1000rows_2016_fixedwidth.txt"


def write(tmp_path, text):
    path = tmp_path / "milliquas.txt"
    path.write_bytes(text.encode())
    return path


def read(path, **options):
    table = pa.concat_tables(read_milliquas(path, **options))
    return conform(table, load_contract("raw.milliquas"), path.name)


def assert_as_astropy(table, path, names, starts, stops):
    native = astropy_ascii.read(
        path,
        format="fixed_width_no_header",
        names=names,
        col_starts=starts,
        col_ends=[stop - 1 for stop in stops],
        converters={name: [astropy_ascii.convert_numpy(str)] for name in names},
        fill_values=[("", "0")],
    )
    for name in names:
        texts = ["" if value is np.ma.masked else str(value).strip() for value in native[name]]
        ours = table[name].to_pylist()
        if name in ("ra", "dec", "rmag", "bmag", "z", "rxpct", "qpct"):
            assert ours == [float(text) if text else None for text in texts], name
        else:
            assert ours == [text or None for text in texts], name


def test_layout_a(tmp_path):
    table = read(write(tmp_path, A))
    first, second = table.to_pylist()
    assert (first["ra"], first["dec"], first["name"]) == (31.89725, -4.0440833, "SDSS J020735.34-040238.7")
    assert (first["type"], first["rmag"], first["bmag"], first["comment"]) == ("QRX2", 19.7, 18.8, "pG")
    assert (first["r"], first["b"], first["z"], first["cite"]) == ("-", "1", 1.275, "DR16Q")
    assert (first["zcite"], first["rxpct"], first["qpct"]) == ("DR16", None, 99)
    assert first["lobe2"] == "NVSS J020737.0-040245"
    assert second["type"] == "q"
    assert (second["bmag"], second["z"], second["xname"]) == (0.0, None, None)
    assert_as_astropy(table, tmp_path / "milliquas.txt", NAMES_A, STARTS_A, STOPS_A)


def test_layout_b_with_trailing_blanks_cut_and_crlf(tmp_path):
    table = read(write(tmp_path, B))
    first, second = table.to_pylist()
    assert (first["rxpct"], first["qpct"], first["r"], first["b"]) == (97, 99, "-", "1")
    assert (first["xname"], first["lobe2"]) == ("2SXPS J020735.3-04023", "NVSS J020737.0-040245")
    assert (second["ra"], second["dec"], second["type"], second["z"]) == (359.9999999, 89.1234567, "N", 0.013)
    assert (second["qpct"], second["lobe2"]) == (None, None)
    assert_as_astropy(table, tmp_path / "milliquas.txt", NAMES_B, STARTS_B, STOPS_B)


def test_layouts_are_recognised_and_can_be_given(tmp_path):
    assert recognise_layout(A.splitlines()) == "A"
    assert recognise_layout(B.splitlines()) == "B"
    assert recognise_layout(B.splitlines()[1:]) == "B", "all trailing blanks cut"
    with pytest.raises(InputRefused):
        read(write(tmp_path, B), layout="2016")
    assert read(write(tmp_path, A), layout="A").num_rows == 2


def test_an_empty_file_is_an_empty_table(tmp_path):
    assert read(write(tmp_path, "")).num_rows == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (A.splitlines()[1], "  0.0006295  35.5178413", "line 2: expected a fixed-width line that reaches column name"),
        (" -4.0440833", " -4.04x0833", "line 1, column dec: expected double, found '-4.04x0833'"),
        ("  1.275", "  1.2?5", "line 1, column z: expected double, found '1.2?5'"),
        ("NBCKv3  99", "NBCKv3  9z", "line 2, column qpct: expected int32, found '9z'"),
        (" 31.8972500", "431.8972500", "column ra: expected float64 in [0.0, 360.0] (deg), found 431.89725 in row 0"),
        ("NVSS J020737.0-040245 ", "NVSS J020737.0-040245 too long", "line 1: expected at most 192 characters"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path, old, new, expected):
    assert old in A
    path = write(tmp_path, A.replace(old, new, 1))
    with pytest.raises(InputRefused) as refusal:
        read(path, layout="A")
    assert expected in str(refusal.value)


def test_line_numbers_count_on_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(milliquas, "BLOCK_LINES", 3)
    path = write(tmp_path, A * 5)
    assert [len(block) for block in read_milliquas(path)] == [3, 3, 3, 1]
    lines = (A * 5).splitlines()
    lines[7] = lines[7].replace("35.5178413", "35.51784x3")
    with pytest.raises(InputRefused, match="line 8, column dec"):
        read(write(tmp_path, "\n".join(lines)))


def test_real_lines_of_2016_are_what_astropy_reads():
    if not REAL.exists():
        pytest.skip(f"{REAL.name} is not in ../shared/data/catalogues")
    table = read(REAL)
    assert table.num_rows == 1000
    assert_as_astropy(table, REAL, NAMES_A, STARTS_2016, STOPS_2016)
    classes = {text[0] for text in table["type"].to_pylist() if text}
    assert {"Q", "q", "A"} <= classes <= set("QABKNSqRX2")


def test_vizier_s_names_that_differ_only_by_case_are_told_apart(tmp_path):
    from astropy.table import MaskedColumn, Table

    served = Table(
        {
            "recno": [1, 2],
            "RAdeg": [0.25, 359.5],
            "DEdeg": [-1.5, 89.0],
            "Name": ["one", "two"],
            "Type": ["QRX", "q"],
            "Rmag": MaskedColumn([19.5, 0.0], mask=[False, True]),
            "Bmag": [20.0, 21.0],
            "R": ["-", "1"],
            "B": ["n", "-"],
            "z": MaskedColumn([1.25, 0.0], mask=[False, True]),
            "rName": ["SDSS", "2MASS"],
            "rz": ["DR16Q", ""],
            "RName": ["FIRST J1", ""],
            "Z": [7, 7],
        }
    )
    served.write(tmp_path / "milliquas.vot", format="votable")
    table = conform(pa.concat_tables(read_milliquas(tmp_path / "milliquas.vot")), load_contract("raw.milliquas"), "m")
    assert table["ra"].to_pylist() == [0.25, 359.5]
    assert table["rname"].to_pylist() == ["FIRST J1", None]
    assert table["cite"].to_pylist() == ["SDSS", "2MASS"]
    assert table["z"].to_pylist() == [1.25, None]
    assert table["type"].to_pylist() == ["QRX", "q"]
    assert table["r"].to_pylist() == ["-", "1"]


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_fits_edition_is_read_with_its_own_names(tmp_path, case):
    from astropy.table import Table

    columns = {"ra": [1.0], "dec": [2.0], "name": ["x"], "type": ["Q"], "rmag": [19.0], "bmag": [20.0], "z": [0.5]}
    Table({case(name): values for name, values in columns.items()}).write(tmp_path / "milliquas.fits")
    table = conform(pa.concat_tables(read_milliquas(tmp_path / "milliquas.fits")), load_contract("raw.milliquas"), "m")
    assert {name: table[name].to_pylist() for name in columns} == columns
