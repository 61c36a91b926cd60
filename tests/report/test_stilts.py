"""Our FITS and VOTable files in STILTS (Taylor 2006): types, units, 64-bit ids, and the matches that it finds.

STILTS is the Debian package `stilts`; the tests are skipped where the command is absent.
"""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.contracts import Column
from swimmy_db.pipeline.query import ask
from swimmy_db.report.about import About, find_table
from swimmy_db.report.exports import write_table
from swimmy_db.sources.user_list import read_user_list
from swimmy_db.workspace import Workspace

CATALOGUES = Path(__file__).parents[3] / "shared" / "data" / "catalogues"
FORMATS = ["fits", "vot"]

pytestmark = pytest.mark.skipif(
    shutil.which("stilts") is None, reason="the command stilts is absent (Debian package stilts)"
)


def stilts(*arguments: object) -> str:
    done = subprocess.run(
        ["stilts", *(str(argument) for argument in arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def export(place: Workspace, table: str, path: Path) -> Path:
    with open_catalog(place) as catalog:
        about = find_table(catalog, table)
        write_table(catalog.arrow(f"from {table}").to_reader(), path, about)
    return path


@pytest.fixture(scope="module")
def place(demo_survey) -> Workspace:
    return Workspace(demo_survey)


@pytest.fixture(scope="module")
def exported(place, tmp_path_factory):
    """The survey's galaxies and the quasars of Milliquas, in both formats."""
    folder = tmp_path_factory.mktemp("exports")
    tables = ("survey.galaxies", "raw.milliquas", "survey.photometry")
    return {(table, kind): export(place, table, folder / f"{table}.{kind}") for table in tables for kind in FORMATS}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("table", ["survey.galaxies", "survey.photometry"])
def test_stilts_reads_names_types_units_and_descriptions(place, exported, table, kind):
    listing = rows_of(
        stilts("tpipe", f"in={exported[table, kind]}", "cmd=meta name class units description", "ofmt=csv")
    )
    known = {row["Name"]: row for row in listing}
    with open_catalog(place) as catalog:
        columns = find_table(catalog, table).columns
        expected = [name for (name,) in catalog.rows(f"select column_name from (describe {table})")]
    assert [row["Name"] for row in listing] == expected
    assert known["object_id"]["Class"] == "Long"
    for name in expected:
        unit = columns[name].unit or ""
        assert known[name]["Units"] == unit, name
        if unit == "deg":
            assert known[name]["Class"] == "Double"
        assert known[name]["Description"].split() == columns[name].description.split(), name
    assert any(row["Units"] for row in listing)


@pytest.mark.parametrize("kind", FORMATS)
def test_ids_and_values_come_out_digit_by_digit(place, exported, kind):
    text = stilts("tpipe", f"in={exported['survey.galaxies', kind]}", "cmd=keepcols 'object_id ra dec'", "ofmt=csv")
    with open_catalog(place) as catalog:
        expected = catalog.rows("select object_id, ra, dec from survey.galaxies")
    found = [(int(row["object_id"]), float(row["ra"]), float(row["dec"])) for row in rows_of(text)]
    assert sorted(found) == sorted(expected)
    assert max(object_id for object_id, _, _ in found) > 2**53


def test_the_votable_is_valid(exported):
    report = stilts("votlint", exported["survey.galaxies", "vot"])
    assert not re.findall("ERROR.*", report)


@pytest.mark.parametrize("kind", FORMATS)
def test_stilts_finds_the_matches_of_the_survey(place, exported, kind):
    text = stilts(
        "tskymatch2", f"in1={exported['survey.galaxies', kind]}", f"in2={exported['raw.milliquas', kind]}",
        "ra1=ra", "dec1=dec", "ra2=ra", "dec2=dec", "error=1", "join=1and2", "find=all",
        "ofmt=csv",
    )  # fmt: skip
    found = {(int(row["object_id"]), int(row["file_row"])): float(row["Separation"]) for row in rows_of(text)}
    with open_catalog(place) as catalog:
        assert catalog.value("select value from meta.settings where name = 'match_radius_milliquas'") == 1.0
        query = "select object_id, file_row, separation_arcsec from survey.matches where catalog = 'milliquas'"
        ours = {(object_id, row): separation for object_id, row, separation in catalog.rows(query)}
    assert len(ours) >= 5
    assert found.keys() == ours.keys()
    assert all(abs(found[pair] - ours[pair]) < 1e-6 for pair in ours)


@pytest.mark.parametrize("kind", FORMATS)
def test_stilts_and_the_macro_find_the_same_pairs_of_real_rows(place, tmp_path, kind):
    """Green peas of Cardamone et al. 2009 against those of DR16, and both within 10'."""
    if not CATALOGUES.is_dir():
        pytest.skip("../shared/data/catalogues is absent")
    columns = {
        "id": Column(type="int64", description="the archive's id", ucd="meta.id;meta.main"),
        "ra": Column(type="float64", unit="deg", description="right ascension", ucd="pos.eq.ra;meta.main"),
        "dec": Column(type="float64", unit="deg", description="declination", ucd="pos.eq.dec;meta.main"),
    }
    files = {}
    for name, file, key in (
        ("old", "greenpeas_cardamone2009_table4.csv", "DR7OBJID"),
        ("new", "greenpeas_sdss_dr16_473rows.fits", "objid"),
    ):
        table, ra, dec = read_user_list(CATALOGUES / file)
        rows = pa.table({"id": table[key], "ra": ra, "dec": dec})
        files[name] = tmp_path / f"{name}.{kind}"
        write_table(rows.to_reader(), files[name], About(name, columns=columns))
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    text = stilts(
        "tskymatch2", f"in1={files['old']}", f"in2={files['new']}", "error=600", "join=1and2", "find=all",
        "ra1=ra", "dec1=dec", "ra2=ra", "dec2=dec", "ofmt=csv",
    )  # fmt: skip
    found = {(int(row["id_1"]), int(row["id_2"])): float(row["Separation"]) for row in rows_of(text)}
    with open_catalog(place) as catalog:
        for name in files:
            catalog.connection.execute(f"create temp table {name} as from read_parquet('{tmp_path / name}.parquet')")
        ours = {(i, j): s for i, j, s in catalog.rows("from crossmatch('old', id, 'new', id, 600.0)")}
    assert len(ours) == 51
    assert found.keys() == ours.keys()
    assert all(abs(found[pair] - ours[pair]) < 1e-6 for pair in ours)


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_values_are_missing_in_stilts(place, tmp_path, kind):
    query = (
        "select 9223372036854775807 as id, null::bigint as nothing, true as yes, null::double as no_number "
        "union all select 2, 3, false, 1.5"
    )
    path = tmp_path / f"query.{kind}"
    with ask(place, query) as (about, rows):
        write_table(rows, path, about)
    found = rows_of(stilts("tpipe", f"in={path}", "cmd=sort id", "ofmt=csv"))
    assert [(row["id"], row["nothing"], row["yes"], row["no_number"]) for row in found] == [
        ("2", "3", "false", "1.5"),
        ("9223372036854775807", "", "true", ""),
    ]
