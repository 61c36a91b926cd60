"""`swimmy verify` finds one flipped byte, a missing file, an edited row, a broken contract, a broken database."""

import duckdb
import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import NotReady
from swimmy_db.pipeline.verify import verify
from swimmy_db.workspace import Workspace

FOLDERS = ("downloads", "stamps", "cubes", "checkpoints", "scores")


def faults(place):
    return [(fault.kind, fault.where) for fault in verify(place).faults]


def edit(place, statement):
    connection = duckdb.connect(str(place.database))
    connection.execute(statement)
    connection.close()


def recorded(place):
    with open_catalog(place) as catalog:
        return [path for (path,) in catalog.rows("select path from meta.files order by path")]


def test_what_the_pipeline_published_is_as_it_was_published(demo_survey):
    seen = []
    place = Workspace(demo_survey)
    verified = verify(place, lambda done, total: seen.append((done, total)))
    assert verified.faults == []
    assert verified.n_files == len(recorded(place))
    assert verified.n_bytes == sum((place.folder / path).stat().st_size for path in recorded(place))
    assert verified.n_tables > 40
    assert verified.n_checks > 5
    assert seen[-1][0] == seen[-1][1] or seen[-1][1] == 1
    assert {path.partition("/")[0] for path in recorded(place)} >= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_one_flipped_byte_is_found_in_any_folder(demo, folder):
    name = next(path for path in recorded(demo) if path.startswith(folder))
    content = bytearray((demo.folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (demo.folder / name).write_bytes(content)
    assert faults(demo) == [("file", name)]


def test_a_missing_a_longer_and_an_unknown_file_are_found(demo):
    first, second = recorded(demo)[0], next(path for path in recorded(demo) if path.startswith("scores"))
    (demo.folder / first).unlink()
    with open(demo.folder / second, "ab") as handle:
        handle.write(b"x")
    (demo.scores / "mine.parquet").write_bytes(b"PAR1")
    assert sorted(faults(demo)) == sorted([("file", first), ("file", second), ("file", "scores/mine.parquet")])


@pytest.mark.parametrize(
    "statement",
    [
        "update survey.galaxies set redshift = redshift + 1e-6 where rowid = 0",
        "delete from survey.galaxies where object_id = (select min(object_id) from survey.galaxies)",
        "insert into survey.galaxies by name select 1 as object_id, 1.0 as ra, 1.0 as dec",
    ],
)
def test_one_row_edited_taken_away_or_added_is_found(demo, statement):
    edit(demo, statement)
    assert ("table", "survey.galaxies") in faults(demo)


def test_a_broken_contract_is_named(demo):
    edit(demo, "update survey.classes set class = 'quasar'")
    found = {(fault.kind, fault.where): fault.what for fault in verify(demo).faults}
    assert "rows with class not one of" in found["contract", "survey.classes"]
    assert ("table", "survey.classes") in found


def test_what_rebuild_would_not_give_back_is_found(demo):
    edit(demo, "update meta.files set url = 'elsewhere' where path = (select min(path) from meta.files)")
    assert faults(demo) == [("journal", "meta.files")]
    sorted(demo.journal.glob("*-select-stage.parquet"))[-1].unlink()
    assert ("journal", "meta.stages") in faults(demo)


def test_a_broken_database_is_a_fault_not_a_crash(demo):
    content = bytearray(demo.database.read_bytes())
    content[4096 : 4096 + 64] = bytes(64)
    content[8192 : 8192 + 64] = bytes(64)
    demo.database.write_bytes(content)
    (fault,) = verify(demo).faults
    assert fault.kind == "database"
    assert "swimmy rebuild" in fault.what


def test_a_fresh_workspace_says_which_command_comes_first(tmp_path):
    with pytest.raises(NotReady, match="swimmy ingest demo"):
        verify(Workspace(tmp_path))
