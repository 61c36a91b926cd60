"""The catalog: read-only sessions, contracts on what is loaded, and publications that are seen whole or not at all."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from swimmy_db import publishing
from swimmy_db.catalog import (
    append_journal,
    contract_faults,
    create_schemas,
    open_catalog,
    publish,
    require_one_select,
    table_fingerprint,
)
from swimmy_db.contracts import Column, Contract
from swimmy_db.errors import NotReady, SwimmyError, UsageError
from swimmy_db.pipeline.journal import newest_entries
from swimmy_db.workspace import Workspace

REJECT = {"stage": "stamps", "reason": "truncated", "object_id": 36411461425187990}


def test_a_fresh_workspace_says_which_command_comes_first(tmp_path):
    with pytest.raises(NotReady, match="swimmy ingest demo"), open_catalog(Workspace(tmp_path)):
        pass


def test_tables_and_columns_carry_meaning_and_unit(bare):
    with open_catalog(bare) as catalog:
        comments = dict(
            catalog.rows("select column_name, comment from duckdb_columns() where table_name = 'instrument'")
        )
        assert comments["pixel_scale"] == "pixel size [arcsec / pix]"
        assert "settings" in dict(catalog.rows("select table_name, comment from duckdb_tables()"))
        assert catalog.value("select comment from duckdb_tables() where table_name = 'bands'").startswith("one row per")


def test_settings_are_read_in_sql(bare):
    with open_catalog(bare) as catalog:
        assert catalog.value("select setting('xelg_ew_min')") == 100.0
        assert catalog.value("select setting_text('xelg_ew_frame')") == "observed"
        assert catalog.value("select setting('extinction_corrected')") == 0.0
        assert catalog.rows("select band from survey.bands order by position") == [(b,) for b in "grizy"]


def test_a_session_cannot_write(bare):
    with open_catalog(bare) as catalog, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        catalog.connection.execute("create table survey.mine as select 1 as x")


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('{secret}')",
        "select * from '{secret}'",
        "select * from glob('{folder}/*')",
        "select * from read_text('{secret}')",
        "select content from read_blob('{secret}')",
        "select * from duckdb_secrets(), read_parquet('{folder}/*.parquet')",
        "with gone as (delete from meta.settings returning *) select * from gone",
        "select nextval('s')",
    ],
)
def test_a_locked_down_session_reads_the_workspace_only(bare, tmp_path, statement):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with open_catalog(bare, locked_down=True) as catalog:
        with pytest.raises(duckdb.Error):
            catalog.rows(statement.format(secret=secret, folder=tmp_path))
        for way_out in ("set enable_external_access = true", "attach 'm.duckdb' as m", "install spatial"):
            with pytest.raises(duckdb.Error):
                catalog.connection.execute(way_out)
    with open_catalog(bare) as catalog:
        assert catalog.value("select count(*) from meta.settings") > 40


@pytest.mark.parametrize(
    "statement",
    [
        "select 1",
        "from survey.bands",
        "with a as (select 1) select * from a",
        "explain select 1",
        "show tables",
        "select 1;",
    ],
)
def test_one_question_is_let_through(statement):
    assert require_one_select(statement) == statement


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("select 1; select 2", "SELECT, SELECT"),
        ("drop table x", "DROP"),
        ("copy (select 1) to 'x.csv'", "COPY"),
        ("attach 'x' as y", "ATTACH"),
        ("set threads = 1", "SET"),
        ("vacuum", "VACUUM"),
        ("", "nothing"),
        ("selec 1", "syntax error"),
    ],
)
def test_anything_else_is_a_usage_error_that_says_what_it_is(statement, found):
    with pytest.raises(UsageError, match=found):
        require_one_select(statement)


def test_a_table_is_loaded_from_parquet_under_its_contract(bare, tmp_path):
    row = {"wavelength": 5000, "band": "g", "response": 1, "filter_curve": "x", "extra": "kept"}
    pq.write_table(pa.Table.from_pylist([row | {"source_file": "f", "file_row": 2**60}]), tmp_path / "a.parquet")
    with publish(bare, "test") as publication:
        publication.load("raw.filter_curves", [tmp_path / "a.parquet"])
    with open_catalog(bare) as catalog:
        loaded = catalog.arrow("from raw.filter_curves")
    assert loaded["wavelength"].type == pa.float64()
    assert loaded["file_row"].to_pylist() == [2**60]
    assert loaded["extra"].to_pylist() == ["kept"]
    assert loaded.column_names[:2] == ["band", "filter_curve"]


def publish_rejects_without_a_reason(place):
    with publish(place, "test") as publication:
        publication.load_rows("meta.rejects", [REJECT])
        publication.connection.execute("insert into meta.rejects (stage) values ('x')")


def test_nothing_is_published_when_a_table_breaks_its_contract(bare):
    before = bare.database.read_bytes()
    with pytest.raises(
        SwimmyError, match=r"(?s)stage test is not published.*meta\.rejects: 1 rows with reason is null"
    ):
        publish_rejects_without_a_reason(bare)
    assert bare.database.read_bytes() == before
    assert not (bare.folder / publishing.NEXT_DATABASE).exists()
    assert not list((bare.folder / publishing.STAGING).iterdir())


def publish_and_fail(place):
    with publish(place, "test") as publication:
        publication.load_rows("meta.rejects", [REJECT])
        (publication.staging / "stamps").mkdir()
        (publication.staging / "stamps" / "a.parquet").write_text("a")
        raise RuntimeError


def test_an_error_inside_a_publication_leaves_everything_as_it_was(bare):
    before = bare.database.read_bytes()
    with pytest.raises(RuntimeError):
        publish_and_fail(bare)
    assert bare.database.read_bytes() == before
    assert not bare.stamps.exists()


def test_readers_and_a_writer_do_not_wait_for_each_other(bare):
    with open_catalog(bare) as reading:
        assert reading.value("select count(*) from meta.rejects") == 0
        with publish(bare, "test") as publication:
            publication.load_rows("meta.rejects", [REJECT])
            assert reading.value("select count(*) from meta.rejects") == 0
            with open_catalog(bare) as second:
                assert second.value("select count(*) from meta.rejects") == 0
        assert reading.value("select count(*) from meta.rejects") == 0, "an open session keeps the state that it saw"
    with open_catalog(bare) as after:
        assert after.value("select object_id from meta.rejects") == REJECT["object_id"]


def test_a_fresh_publication_starts_from_an_empty_database(bare):
    with publish(bare, "test", fresh=True) as publication:
        assert publication.connection.execute("select count(*) from information_schema.tables").fetchone() == (0,)
        publication.connection.execute("create schema meta")
        publication.load_rows("meta.rejects", [REJECT])
    with open_catalog(bare) as catalog:
        assert catalog.rows("select table_name from information_schema.tables") == [("rejects",)]


def test_the_database_is_in_the_format_of_duckdb_1_5(bare):
    with open_catalog(bare) as catalog:
        tags = catalog.value("select tags from duckdb_databases() where database_name = 'swimmy'")
    assert tags["storage_version"].startswith("v1.5")


def test_contract_faults_count_nulls_limits_words_and_repeated_keys():
    connection = duckdb.connect()
    connection.execute("create schema raw")
    connection.execute(
        "create table raw.t as select * from (values (1, 5.0, 'a'), (1, -1.0, 'b'), (null, 'nan'::double, 'c'), "
        "(2, null, null), (3, 11.0, 'a')) t(id, x, word)"
    )
    contract = Contract(
        table="raw.t",
        description="test",
        key=("id",),
        columns={
            "id": Column(type="int64", nullable=False, description="id"),
            "x": Column(type="float64", minimum=0, maximum=10, description="NaN and NULL pass"),
            "word": Column(type="string", allowed=("a", "b"), description="word"),
        },
    )
    assert contract_faults(connection, contract) == [
        "raw.t: 1 rows with id is null",
        "raw.t: 1 rows with x < 0.0",
        "raw.t: 1 rows with x > 10.0",
        "raw.t: 1 rows with word not one of ['a', 'b']",
        'raw.t: 1 values of the key ("id") occur more than once',
    ]


def test_a_fingerprint_is_of_the_rows_whatever_their_order():
    connection = duckdb.connect()
    marks = []
    for rows in ("(1, 'a'), (2, 'b')", "(2, 'b'), (1, 'a')", "(1, 'b'), (2, 'a')", "(1, 'a')", "(1, 'a'), (1, 'a')"):
        connection.execute(f"create or replace table t as select * from (values {rows}) t(x, y)")
        marks.append(table_fingerprint(connection, "t"))
    assert marks[0] == marks[1]
    assert len(set(marks)) == 4
    connection.execute("delete from t")
    assert table_fingerprint(connection, "t") == "0-0"


def test_the_journal_gives_back_the_newest_of_each_stage(bare):
    for number in (1, 2):
        for stage in ("stamps", "ingest-mpa-jhu"):
            with publish(bare, stage) as publication:
                rows = [{"stage": stage, "reason": f"number {number}"}]
                schema = publication.contract("meta.rejects").arrow_schema()
                append_journal(publication, "rejects", pa.Table.from_pylist(rows, schema=schema))
    newest = newest_entries(bare)["rejects"]
    assert list(newest) == ["stamps", "ingest-mpa-jhu"]
    assert [pq.read_table(path)["reason"].to_pylist() for path in newest.values()] == [["number 2"]] * 2
    assert len(list(bare.journal.glob("*-stamps-rejects.parquet"))) == 2, "append-only"


def test_a_catalogue_keeps_the_cells_of_its_positions(bare):
    with publish(bare, "test") as publication:
        row = {"name": "A", "ra": 10.0, "dec": -5.0, "source_file": "m", "file_row": 0}
        publication.load_rows("raw.milliquas", [row, row | {"name": "B", "dec": float("nan"), "file_row": 1}])
    with open_catalog(bare) as catalog:
        kept = catalog.rows("select sky_cell, sky_cell(ra, dec) from raw.milliquas order by file_row")
        (comment,) = catalog.rows(
            "select comment from duckdb_columns() where column_name = 'sky_cell' and table_name = 'milliquas'"
        )[0]
    assert kept[0][0] == kept[0][1] is not None
    assert kept[1] == (None, None)
    assert "cross-match" in comment


def test_a_database_of_an_older_version_gets_the_column_of_cells(bare):
    with publish(bare, "test") as publication:
        publication.connection.execute("alter table raw.gama drop column sky_cell")
        create_schemas(publication)
    with open_catalog(bare) as catalog:
        assert catalog.rows("select sky_cell from raw.gama") == []
