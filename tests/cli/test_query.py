"""`swimmy sql` and `swimmy export`: what a person and a program get."""

import json
import subprocess
import sys
import warnings

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.units import UnitsWarning
from pyarrow import csv

from swimmy_db.catalog import publish

IDS = [36411461425187990, 2**63 - 1, -1]


@pytest.fixture
def rejects(bare):
    """Three rows with 64-bit ids, text, and missing values."""
    rows = [
        {"stage": "stamps", "reason": 'truncated, "half"', "object_id": IDS[0], "file_row": None, "band": "g"},
        {"stage": "stamps", "reason": "Sérsic", "object_id": IDS[1], "file_row": 2**53 + 1, "band": None},
        {"stage": "cubes", "reason": "all NaN", "object_id": IDS[2], "file_row": 0, "band": "r"},
    ]
    with publish(bare, "test") as publication:
        publication.load_rows("meta.rejects", rows)
    return bare


def test_a_pipe_gets_csv_with_exact_ids_and_nothing_else(swimmy, rejects):
    done = swimmy("sql", "select object_id, file_row, reason from meta.rejects", workspace=rejects)
    assert (done.code, done.err) == (0, "")
    table = csv.read_csv(
        pa.BufferReader(done.out.encode()), convert_options=csv.ConvertOptions(strings_can_be_null=True)
    )
    assert table["object_id"].to_pylist() == IDS
    assert table["file_row"].to_pylist() == [None, 2**53 + 1, 0]
    assert table["reason"].to_pylist() == ['truncated, "half"', "Sérsic", "all NaN"]


def test_json_parses_and_has_no_nan(swimmy, rejects):
    statement = "select object_id, 'nan'::double as x, sum(1) over () as n, null as nothing from meta.rejects"
    done = swimmy("sql", statement, "--json", workspace=rejects)
    assert json.loads(done.out)[0] == {"object_id": IDS[0], "x": None, "n": 3, "nothing": None}


def test_a_terminal_gets_an_aligned_table_of_40_rows_and_their_number(swimmy, rejects, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    done = swimmy("sql", "select range as n, 9007199254740993 as id from range(1000)", workspace=rejects)
    lines = done.out.splitlines()
    assert lines[0] == " n                id"
    assert lines[2] == " 0  9007199254740993"
    assert len(lines) == 2 + 40 + 1
    assert lines[-1] == "(1,000 rows, the first 40 shown)"
    wide = swimmy("sql", "select 'x' as a, repeat('y', 80) as b, repeat('z', 80) as c", workspace=rejects)
    assert all(len(line) <= 64 for line in wide.out.splitlines()[:3])
    assert "do not fit: b, c" in wide.out or "do not fit: c" in wide.out


def test_statements_come_from_a_file_or_stdin(swimmy, rejects, tmp_path, monkeypatch):
    (tmp_path / "query.sql").write_text("-- how many\nselect count(*) as n from meta.rejects;\n")
    assert swimmy("sql", "query.sql", workspace=rejects).out == '"n"\n3\n'
    done = swimmy("sql", "no.sql", workspace=rejects)
    assert done.code == 2
    assert "no.sql" in done.err


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        ("drop table meta.rejects", 2, "found: DROP"),
        ("select 1; select 2", 2, "one SELECT or EXPLAIN"),
        ("select nothing from meta.rejects", 2, "nothing"),
        ("from meta.nothing", 2, "show all tables"),
        ("select * from read_csv('/etc/hostname')", 2, "disabled by configuration"),
        ("select 'x'::integer", 1, "Could not convert"),
    ],
)
def test_a_wrong_question_is_answered_on_stderr_with_an_exit_code(swimmy, rejects, statement, code, said):
    done = swimmy("sql", statement, workspace=rejects)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_sql_writes_files_too(swimmy, rejects, tmp_path):
    done = swimmy("sql", "from meta.rejects", "--to", "out.parquet", workspace=rejects)
    assert (done.code, done.out) == (0, "")
    assert "3 rows" in done.err
    assert pq.read_table(tmp_path / "out.parquet")["object_id"].to_pylist() == IDS


def test_export_keeps_ids_missing_values_and_the_word_simulated(swimmy, rejects, tmp_path):
    for suffix in ("csv", "parquet", "fits", "vot"):
        assert swimmy("export", "meta.rejects", "--to", f"x.{suffix}", workspace=rejects).code == 0
    parquet = pq.read_table(tmp_path / "x.parquet")
    assert parquet["object_id"].to_pylist() == IDS
    assert parquet.schema.field("object_id").metadata[b"ucd"] == b"meta.id"
    assert parquet.schema.metadata[b"simulated"] == b"true"
    for suffix in ("fits", "vot"):
        table = Table.read(tmp_path / f"x.{suffix}")
        assert table["object_id"].dtype.kind == "i"
        assert table["object_id"].tolist() == IDS
        assert table["file_row"].tolist() == [None, 2**53 + 1, 0]
    header = fits.getheader(tmp_path / "x.fits", 1)
    assert header["SIMULATE"] is True
    assert header["EXTNAME"] == "META.REJECTS"
    number = next(int(key[5:]) for key, value in header.items() if key.startswith("TTYPE") and value == "object_id")
    assert header[f"TUCD{number}"] == "meta.id"
    assert "object" in header[f"TCOMM{number}"]
    text = (tmp_path / "x.vot").read_text()
    assert 'name="simulated" value="true"' in text
    assert "SIMULATED SURVEY" in text
    assert "Sérsic" in text


def test_units_travel(swimmy, bare, tmp_path):
    for suffix in ("parquet", "fits", "vot"):
        assert swimmy("export", "survey.bands", "--to", f"x.{suffix}", workspace=bare).code == 0
    assert pq.read_schema(tmp_path / "x.parquet").field("reference_wavelength").metadata[b"unit"] == b"Angstrom"
    for suffix in ("fits", "vot"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)
            table = Table.read(tmp_path / f"x.{suffix}")
        assert table["reference_wavelength"].unit == "Angstrom"


def test_an_unknown_table_is_answered_with_its_neighbours(swimmy, bare):
    for asked in ("survey.bandz", "bands", "SURVEY.BAND"):
        done = swimmy("export", asked, "--to", "x.csv", workspace=bare)
        assert done.code == 2
        assert "survey.bands" in done.err


def test_truth_and_files_that_exist_are_refused(swimmy, bare, tmp_path):
    assert swimmy("export", "truth.galaxies", "--to", "x.csv", workspace=bare).code == 2
    (tmp_path / "x.csv").write_text("mine")
    done = swimmy("export", "survey.bands", "--to", "x.csv", workspace=bare)
    assert done.code == 2
    assert "--overwrite" in done.err
    assert (tmp_path / "x.csv").read_text() == "mine"
    assert swimmy("export", "survey.bands", "--to", "x.csv", "--overwrite", workspace=bare).code == 0
    assert (tmp_path / "x.csv").read_text().startswith('"band"')
    assert swimmy("export", "survey.bands", "--to", "x.tsv", workspace=bare).code == 2
    assert swimmy("export", "survey.bands", "--to", "nowhere/x.csv", workspace=bare).code == 2
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["x.csv"], "no temporary files are left"


def test_a_reader_that_has_seen_enough_is_no_failure(demo_survey):
    """`swimmy sql ... | head -1`: quiet, and exit code 0."""
    call = [sys.executable, "-c", "from swimmy_db.cli.main import run; run()", "sql", "--workspace", str(demo_survey)]
    for more in ([], ["--json"]):
        statement = "from model.scores, range(200)"
        running = subprocess.Popen([*call, statement, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert running.stdout.readline()
        running.stdout.close()
        assert (running.wait(60), running.stderr.read()) == (0, "")
