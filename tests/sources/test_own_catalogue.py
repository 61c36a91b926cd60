import gzip

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_catalogue import read_objects, read_photometry
from swimmy_db.sources.own_survey import read_survey

IDS = [10_000_000_000_000_019, 7, 9_223_372_036_854_775_801]
RA, DEC = [150.0, 0.0, 359.999], [2.2, -90.0, 45.5]
FILES = ["catalogue.fits", "catalogue.fits.gz", "catalogue.vot", "catalogue.csv", "catalogue.parquet"]


def objects(toml) -> dict[str, list]:
    table = pa.concat_tables(read_objects(read_survey(toml)))
    return conform(table, load_contract("raw.own_objects"), toml).to_pydict()


def photometry(toml) -> dict[tuple, dict]:
    table = pa.concat_tables(read_photometry(read_survey(toml)))
    rows = conform(table, load_contract("raw.own_photometry"), toml).to_pylist()
    return {(row["object_id"], row["band"]): row for row in rows}


def table(**changes) -> Table:
    columns = {
        "ID": IDS,
        "RA": RA,
        "DEC": DEC,
        "Z_SPEC": [0.1, np.nan, -99.0],
        "STAR": [False, True, False],
        "MAG_G": [19.5, 20.5, np.nan],
        "MAG_Z": np.array([18.5, -99.0, 21.0], np.float32),
    }
    return Table({name: value for name, value in (columns | changes).items() if value is not None})


@pytest.mark.parametrize("file", FILES)
def test_every_format_gives_the_same_rows(make_survey, file):
    toml = make_survey(file=file)
    found = objects(toml)
    assert found["object_id"] == IDS
    assert found["source_id"] == [str(i) for i in IDS]
    assert found["ra"] == RA
    assert found["dec"] == DEC
    assert found["redshift"] == [0.1, None, None]
    assert found["is_point_source"] == [False, True, False]
    assert found["flagged"] == [None] * 3

    rows = photometry(toml)
    assert len(rows) == 6
    assert [rows[i, "g"]["magnitude"] for i in IDS] == [19.5, 20.5, None]
    assert [rows[i, "z"]["magnitude"] for i in IDS] == [18.5, None, 21.0]
    assert {rows[i, "z"]["seeing_fwhm"] for i in IDS} == {1.1}
    assert {rows[i, "g"]["psf_depth"] for i in IDS} == {24.5}
    assert {rows[i, "z"]["psf_depth"] for i in IDS} == {None}


@pytest.mark.parametrize("file", FILES)
def test_text_ids_become_rows_and_keep_their_text(make_survey, file):
    found = objects(make_survey(file=file, table=table(ID=["J1000+02", "007", "c/3"])))
    assert found["object_id"] == [1, 2, 3]
    assert found["source_id"] == ["J1000+02", "007", "c/3"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("RA", None, ["column RA", "found none", "the file has: ID"]),
        ("ID", [1, 2, 1], ["column ID (object_id)", "found 1 in rows 0 and 2"]),
        ("RA", [150.0, -0.1, 3.0], ["column RA (ra)", "[0.0, 360.0]", "found -0.1 in row 1"]),
        ("DEC", [2.0, 3.0, np.nan], ["column DEC (dec)", "found None in row 2"]),
        ("MAG_G", ["bright", "a", "b"], ["MAG_G", "bright"]),
    ],
)
def test_a_wrong_catalogue_is_refused(make_survey, file, column, values, said):
    toml = make_survey(file=file, table=table(**{column: values}))
    with pytest.raises(InputRefused) as refused:
        (objects(toml), photometry(toml))
    # a parser that stops at the word itself names the word; one that reads it as text names the type
    found = str(refused.value).replace("expected numbers, found string", "bright")
    found = found.replace("{BAND}", "G").replace("column #", "column MAG_G #")
    for words in (file, *said):
        assert words in found


def test_ids_that_are_floats_are_refused(make_survey):
    with pytest.raises(InputRefused, match="expected integers or text, found double"):
        objects(make_survey(table=table(ID=[1.0, 2.0, 3.0])))


def test_ids_beyond_int64_are_refused(make_survey):
    with pytest.raises(InputRefused, match="below 2\\^63"):
        objects(make_survey(table=table(ID=np.array([1, 2, 2**63 + 5], np.uint64))))


def test_a_near_name_is_suggested(make_survey):
    toml = make_survey(('ra = "RA"', 'ra = "RAJ2000"'), table=table(RA=None, RA_J2000=RA))
    with pytest.raises(InputRefused, match=r"column RAJ2000: .*\(is it RA_J2000\?\)"):
        objects(toml)


@pytest.mark.parametrize("file", ["catalogue.fits", "catalogue.vot"])
def test_a_known_other_unit_is_refused(make_survey, file):
    content = table()
    content["RA"].unit = "rad"
    with pytest.raises(InputRefused, match=r"column RA \(ra\): expected deg, found rad"):
        objects(make_survey(file=file, table=content))


def test_csv_with_the_header_in_the_comments(make_survey, tmp_path):
    toml = make_survey(file="catalogue.csv")
    text = (tmp_path / "catalogue.csv").read_text()
    (tmp_path / "catalogue.csv").write_text("# made by an archive, with commas\n# " + text)
    assert objects(toml)["object_id"] == IDS


@pytest.mark.parametrize("file", FILES)
@pytest.mark.filterwarnings("ignore:Error validating header")
def test_a_file_that_is_something_else(make_survey, tmp_path, file):
    toml = make_survey(file=file)
    (tmp_path / file).write_bytes(gzip.compress(b"<html>not found</html>" * 50))
    with pytest.raises(InputRefused, match=f"{file}: expected"):
        objects(toml)


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_a_truncated_fits_table_is_refused(make_survey, tmp_path):
    toml = make_survey(table=Table({name: np.repeat(np.asarray(column), 500) for name, column in table().items()}))
    whole = (tmp_path / "catalogue.fits").read_bytes()
    (tmp_path / "catalogue.fits").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputRefused, match=r"catalogue.fits: expected fits"):
        objects(toml)


def test_the_table_asked_for_is_read(make_survey, tmp_path):
    toml = make_survey(("missing_values", 'table = "GALAXIES"\nmissing_values'))
    other = fits.BinTableHDU(Table({"x": [1.0]}), name="OTHER")
    ours = fits.BinTableHDU(table(), name="GALAXIES")
    fits.HDUList([fits.PrimaryHDU(), other, ours]).writeto(tmp_path / "catalogue.fits", overwrite=True)
    assert objects(toml)["object_id"] == IDS


def test_blocks_keep_the_row_numbers(make_survey, monkeypatch):
    monkeypatch.setattr("swimmy_db.sources.own_tables.ROWS_PER_TABLE", 2)
    for file in FILES:
        blocks = list(read_objects(read_survey(make_survey(file=file, table=table(ID=["a", "b", "c"])))))
        assert [len(block) for block in blocks] == [2, 1]
        assert [i for block in blocks for i in block["object_id"].to_pylist()] == [1, 2, 3]


def test_seeing_column_falls_back_on_the_bands_constant(make_survey):
    toml = make_survey(
        ('magnitude = "MAG_{BAND}"', 'magnitude = "MAG_{BAND}"\nseeing_fwhm = { g = "SEE_G" }'),
        table=table(SEE_G=[0.7, np.nan, 0.8]),
    )
    rows = photometry(toml)
    assert [rows[i, "g"]["seeing_fwhm"] for i in IDS] == [0.7, 0.9, 0.8]
    assert [rows[i, "z"]["seeing_fwhm"] for i in IDS] == [1.1, 1.1, 1.1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 4, 0], [False, True, False]),
        (["no", "Yes", ""], [False, True, None]),
        ([0.0, 1.0, np.nan], [False, True, None]),
    ],
)
@pytest.mark.parametrize("file", FILES)
def test_switches_in_the_spellings_that_catalogues_use(make_survey, file, values, expected):
    assert objects(make_survey(file=file, table=table(STAR=values)))["is_point_source"] == expected


def test_a_word_that_is_no_switch_is_refused(make_survey):
    with pytest.raises(InputRefused, match=r"STAR \(is_point_source\): expected true or false, found 'maybe'"):
        objects(make_survey(table=table(STAR=["yes", "maybe", "no"])))


def test_pixel_positions_around_a_tangent_point(make_survey):
    toml = make_survey(
        ('ra = "RA"\ndec = "DEC"', 'x = "X"\ny = "Y"'),
        ("[stamps]", "[catalogue.tangent_point]\nra = 0.01\ndec = 60.0\nx = 100.0\ny = 200.0\n\n[stamps]"),
        table=table(RA=None, DEC=None, X=[100.0, 100.0, 1300.0], Y=[200.0, 1400.0, 200.0]),
    )
    found = objects(toml)
    sky = SkyCoord(found["ra"], found["dec"], unit="deg")
    centre = SkyCoord(0.01, 60.0, unit="deg")
    assert sky[0].separation(centre).arcsec < 1e-6
    # 1200 px of 0.3": 360" to the north, and to the west across RA 0
    assert sky[1:].separation(centre).arcsec == pytest.approx(360.0, abs=0.01)
    assert centre.position_angle(sky[1]).deg % 360 == pytest.approx(0.0, abs=1e-6)
    assert centre.position_angle(sky[2]).deg == pytest.approx(270.0, abs=0.01)
    assert 359.0 < sky[2].ra.deg < 360.0


def test_a_row_of_photometry_says_which_row_of_the_catalogue_it_is(make_survey):
    found = {key: row["file_row"] for key, row in photometry(make_survey()).items()}
    assert found == {(object_id, band): k for k, object_id in enumerate(IDS) for band in "gz"}
