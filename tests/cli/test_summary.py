"""What ends `swimmy pipeline`: it says SIMULATED, fits 100 columns, has no colour, and its numbers are the tables'."""

import pytest
from swimmy_db.cli.summary import WIDTH, summary_lines

from swimmy_db.catalog import open_catalog, publish
from swimmy_db.pipeline.summary import Summary, spread, summarise
from swimmy_db.workspace import Workspace


@pytest.fixture
def place(demo_survey):
    return Workspace(demo_survey)


def section(lines, title):
    start = next(i for i, line in enumerate(lines) if line.startswith(title))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i]), len(lines))
    return lines[start + 1 : end]


def test_it_says_simulated_first_and_fits_a_terminal_of_100_columns(place):
    lines = summary_lines(summarise(place))
    assert lines[0] == "SIMULATED SURVEY: hsc pdr3_wide"
    assert "nothing below is an observation" in lines[1]
    kept = [line for line in lines if "swimmy.duckdb" not in line]
    assert max(map(len, kept)) <= WIDTH
    assert "\x1b" not in "".join(lines)


def test_tables_stand_beside_the_paper_s(place):
    lines = summary_lines(summarise(place))
    with open_catalog(place) as catalog:
        members = catalog.value("select count(*) from survey.sample_members where sample = 'specz'")
        dropped = catalog.rows(
            "select cut, n_after from survey.cut_flow where sample = 'specz' order by step desc limit 1"
        )[0]
        candidates = catalog.value("select count(*) from model.candidates where aperture = 'disc' and sample = 'specz'")
    assert section(lines, "Table 1")[2].split()[:3] == ["test", "data", str(members)]
    assert "49319" in section(lines, "Table 1")[2]
    last_cut = section(lines, "Cut flow")[-1]
    assert dropped[0] in last_cut
    assert str(dropped[1]) in last_cut
    total = section(lines, "Table 2")[-1].split()
    assert (total[0], int(total[1])) == ("total", candidates)
    assert "5955" in total
    table4 = section(lines, "Table 4")
    assert table4[-1].split()[0] == "total"
    assert "938" in table4[-1]
    assert section(lines, "Best checkpoint")[0].strip().startswith("sample specz: default-")
    assert "train" in " ".join(section(lines, "Time"))
    assert str(place.database) in " ".join(section(lines, "Where"))


def test_a_summary_of_a_survey_on_its_way_says_what_is_missing(bare):
    lines = summary_lines(summarise(bare))
    assert section(lines, "Table 2") == ["  not made yet"]
    assert lines[0].startswith("SIMULATED")


def test_a_real_and_blind_survey_is_not_called_simulated(place):
    seen = summarise(place)
    best = {**seen.sections["best"][0], "rate_dr16q": None, "rate_xelg": None}
    best["rule"] = "min(validation_loss)"
    sections = {**seen.sections, "best": [best], "table4": []}
    blind = Summary("kids", "dr4", False, sections, seen.seconds, 0, seen.places, is_blind=True)
    lines = summary_lines(blind)
    assert lines[0] == "Survey: kids dr4"
    assert "SIMULATED" not in "".join(lines)
    assert "none: this survey has no labels for it" in section(lines, "Table 4")[0]
    assert "DR16Q" not in " ".join(section(lines, "Best"))
    assert "all galaxies train" in section(lines, "Table 1")[-1]


def test_a_survey_with_mpa_jhu_is_not_blind_and_one_without_is(demo):
    assert not summarise(demo).is_blind
    with publish(demo, "select") as publication:
        publication.bands = tuple("grizy")
        publication.connection.execute("update survey.classes set has_mpa_jhu = false")
        publication.connection.execute("update survey.classes set is_training = true")
    assert summarise(demo).is_blind


def test_cells_are_spread_into_columns_in_their_order():
    rows = [
        {"class": "a", "column_name": "g", "cell": "1"},
        {"class": "a", "column_name": "r", "cell": "2"},
        {"class": "b", "column_name": "r", "cell": "3"},
    ]
    assert spread(rows) == [{"class": "a", "g": "1", "r": "2"}, {"class": "b", "g": None, "r": "3"}]
    assert spread([]) == []
    assert spread(None) is None
    assert spread([{"x": 1}]) == [{"x": 1}]
