"""`swimmy settings`: listing, changing with comments kept, refusing, and SQL for the bare shell."""

import json

import duckdb
import pytest

from swimmy_db.config import scalar_fields


def test_all_settings_are_listed_with_what_differs_from_the_paper(swimmy, bare):
    done = swimmy("settings", "--json", workspace=bare)
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert rows.keys() == scalar_fields().keys()
    assert (rows["runs"]["value"], rows["runs"]["changed"], rows["runs"]["default_value"]) == (4, True, "30")
    assert rows["xelg_ew_min"]["changed"] is False
    listing = swimmy("settings", workspace=bare).out.splitlines()
    assert [line for line in listing if line.startswith("*  runs ")]
    assert [line for line in listing if line.startswith("   xelg_ew_min ") and "100 Angstrom" in line]


def test_a_change_is_written_and_comments_stay(swimmy, bare):
    text = bare.settings_file.read_text() + "\n# as in my thesis\nepochs = 12  # short\n"
    bare.settings_file.write_text(text)
    done = swimmy("settings", "epochs=13", "xelg_ew_frame=rest", "samples=specz,colour", workspace=bare)
    assert (done.code, done.out) == (0, "")
    assert "swimmy pipeline" in done.err
    after = bare.settings_file.read_text()
    assert "# as in my thesis\nepochs = 13  # short" in after
    settings = bare.settings()
    assert (settings.epochs, settings.xelg_ew_frame, settings.samples) == (13, "rest", "specz,colour")
    assert settings.runs == 4, "the preset's values stay"


def test_none_switches_a_cut_off_and_a_value_switches_it_on_again(swimmy, bare):
    assert swimmy("settings", "seeing_max=none", "magnitude_max=none", workspace=bare).code == 0
    assert (bare.settings().seeing_max, bare.settings().magnitude_max) == (None, None)
    listing = swimmy("settings", workspace=bare).out
    assert "not applied" in next(line for line in listing.splitlines() if "seeing_max" in line)
    assert swimmy("settings", "seeing_max=0.8", workspace=bare).code == 0
    assert (bare.settings().seeing_max, bare.settings().magnitude_max) == (0.8, None)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ("xelg_ew=80", 2, "near it: xelg_ew_min"),
        ("epochs", 2, "NAME=VALUE"),
        ("bands=g", 2, "tables: edit them in settings.toml"),
        ("epochs=0", 3, "epochs"),
        ("epochs=many", 3, "epochs"),
        ("epochs=none", 3, "epochs"),
        ("xelg_ew_frame=airy", 3, "xelg_ew_frame"),
        ("preset=papers", 2, "there are: demo, paper"),
    ],
)
def test_what_is_no_setting_or_no_value_changes_nothing(swimmy, bare, change, code, said):
    before = bare.settings_file.read_text()
    done = swimmy("settings", "runs=2", change, workspace=bare)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert bare.settings_file.read_text() == before


def test_the_sql_gives_a_bare_duckdb_the_same_settings(swimmy, bare):
    swimmy("settings", "seeing_max=none", "xelg_ew_min=80.5", workspace=bare)
    done = swimmy("settings", "--sql", workspace=bare)
    connection = duckdb.connect()
    connection.execute(done.out)
    assert connection.execute("select setting('xelg_ew_min'), setting('seeing_max')").fetchone() == (80.5, None)
    assert connection.execute("select setting_text('xelg_ew_frame')").fetchone() == ("observed",)
    assert connection.execute("select count(*) from meta.settings").fetchone() == (len(scalar_fields()),)
