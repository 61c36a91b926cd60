"""`swimmy rebuild` gives equal tables from the files and the journal, and replaces the old database last."""

import pytest

from swimmy_db.catalog import open_catalog, table_fingerprint
from swimmy_db.errors import NotReady, SwimmyError
from swimmy_db.pipeline.rebuild import rebuild
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.pipeline.verify import verify
from swimmy_db.workspace import Workspace


def state(place):
    """Content of every table and view, their comments, and the macros."""
    with open_catalog(place) as catalog:
        tables = [
            f"{schema}.{name}"
            for schema, name in catalog.rows("select table_schema, table_name from information_schema.tables")
        ]
        contents = {table: table_fingerprint(catalog.connection, table) for table in tables}
        comments = catalog.rows(
            "select schema_name, table_name, column_name, comment from duckdb_columns() "
            "where database_name = 'swimmy' order by all"
        )
        macros = catalog.rows(
            "select function_name, macro_definition from duckdb_functions() "
            "where database_name = 'swimmy' and function_type like '%macro%' order by all"
        )
    return contents, comments, macros


def test_every_table_comes_back_without_the_old_database(demo):
    before = state(demo)
    demo.database.unlink()
    rebuilt = rebuild(demo)
    assert rebuilt.differing == {}
    after = state(demo)
    assert after[0] == before[0]
    assert after == before
    assert len(before[0]) > 40
    assert len(before[2]) > 5
    assert verify(demo).faults == []
    assert all(seconds is None for _, seconds in run_stages(demo)), "nothing is left to do"


def test_the_old_database_stays_until_the_new_one_is_complete(demo):
    before = demo.database.read_bytes()
    broken = next(demo.downloads.glob("hsc/objects.csv"))
    text = broken.read_text()
    broken.write_text(text.replace("object_id", "objekt"))
    with pytest.raises(SwimmyError, match="object_id"):
        rebuild(demo)
    assert demo.database.read_bytes() == before
    broken.write_text(text)
    (demo.downloads / "mpa-jhu").rename(demo.downloads / "elsewhere")
    with pytest.raises(SwimmyError, match="swimmy ingest mpa-jhu"):
        rebuild(demo)
    assert demo.database.read_bytes() == before


def test_tables_that_come_out_otherwise_are_named(demo):
    change_settings(demo, {"xelg_ew_min": "1"})
    rebuilt = rebuild(demo)
    assert {"meta.settings", "survey.classes"} <= rebuilt.differing.keys()
    assert "survey.galaxies" not in rebuilt.differing
    rerun = {stage.name for stage, seconds in run_stages(demo, ["select"]) if seconds is not None}
    assert rerun == {"select"}, "a rebuild does not pass for a run"


def test_without_files_there_is_nothing_to_rebuild_from(tmp_path, bare):
    with pytest.raises(NotReady, match="swimmy ingest demo"):
        rebuild(Workspace(tmp_path / "none"))
    for path in bare.journal.iterdir():
        path.unlink()
    with pytest.raises(NotReady, match="nothing to rebuild from"):
        rebuild(bare)
