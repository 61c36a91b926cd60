"""`swimmy report`: what the page holds is what the tables hold, and nothing in it points outside."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.table import Table

from swimmy_db.catalog import open_catalog, publish
from swimmy_db.errors import NotReady
from swimmy_db.pipeline.report import acknowledgements, write_report
from swimmy_db.pipeline.report_mark import PACKAGES
from swimmy_db.report.figures import FIGURES
from swimmy_db.workspace import Workspace


class Contents(HTMLParser):
    """Everything that a browser would fetch, links, and the JSON and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.links, self.data, self.ids, self.words = [], [], {}, [], []
        self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        else:
            self.fetched += [
                attributes[name] for name in ("src", "href", "poster", "data", "srcset") if name in attributes
            ]
        self._script = attributes.get("id", "script") if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._script = None

    def handle_data(self, data):
        if self._script is None:
            self.words.append(data)
        elif self._script not in ("script", "style"):
            self.data[self._script] = self.data.get(self._script, "") + data


@pytest.fixture(scope="module")
def report(demo_report):
    return demo_report, Contents(demo_report.page.read_text(encoding="utf-8"))


def test_it_is_one_file_that_fetches_nothing(report):
    written, contents = report
    assert written.page.name == "index.html"
    assert written.n_bytes == written.page.stat().st_size < 30e6
    assert all(url.startswith("data:") for url in contents.fetched)
    assert "default-src 'none'" in written.page.read_text(encoding="utf-8")
    assert len(contents.ids) == len(set(contents.ids))


def test_it_says_first_that_the_survey_is_simulated(report):
    words = " ".join(report[1].words)
    assert words.index("Simulated survey.") < words.index("Cut flow")


def test_every_figure_and_table_is_on_it_drawn_or_with_a_reason(report):
    written, contents = report
    assert set(FIGURES) == set(written.drawn) | set(written.missing)
    assert {*FIGURES, "table1", "table2", "table3", "table4", "table5", "table6", "cut-flow"} <= set(contents.ids)
    words = " ".join(contents.words)
    for reason in written.missing.values():
        assert reason in words


def test_what_the_survey_cannot_give_is_said_in_its_place(report, demo_survey):
    written, contents = report
    words = " ".join(contents.words)
    with open_catalog(Workspace(demo_survey)) as catalog:
        parts = catalog.rows("select item, reason from paper.availability where not is_available and item like '%, %'")
        numbers = catalog.rows("select distinct name, reason from paper.numbers where our_value is null")
    for item, reason in parts:
        figure, _, part = item.partition(", ")
        if figure.replace(" ", "") in written.drawn:
            assert f"{part}: {reason}" in words
    assert len(numbers) > 3
    for name, reason in numbers:
        assert name in words
        assert f"not here: {reason}" in words


def test_candidates_and_their_order_are_the_table_s(report, demo_survey):
    document = json.loads(report[1].data["table3-data"])
    names = [column["name"] for column in document["columns"]]
    with open_catalog(Workspace(demo_survey)) as catalog:
        expected = catalog.arrow(
            "select c.object_id, c.s_anom_g, c.bands from model.candidates c inner join model.best_checkpoint b "
            "using (sample, checkpoint_id, aperture) where sample = 'specz' and aperture = 'disc'"
        ).to_pylist()
    shown = [dict(zip(names, row, strict=True)) for row in document["rows"]]
    assert {row["object_id"] for row in shown} == {str(row["object_id"]) for row in expected}
    by_id = {row["object_id"]: row for row in shown}
    for row in expected:
        assert by_id[str(row["object_id"])]["s_anom_g"] == pytest.approx(row["s_anom_g"], rel=1e-5)
        assert by_id[str(row["object_id"])]["bands"] == row["bands"]
    sigmas = [row["max_sigma"] for row in shown]
    assert sigmas == sorted(sigmas, reverse=True)
    assert set(document["stamps"]) == set(by_id)
    assert document["simulated"] is True


def test_the_sql_of_every_table_is_on_it(report):
    words = "".join(report[1].words)
    for name in ("paper/table2", "paper/figure5", "survey/cut_flow"):
        assert f"sql/{name}.sql" in words
    assert "create or replace table paper.table2" in words


def test_run_settings_and_versions_are_at_its_end(report):
    words = " ".join(report[1].words)
    end = words[words.index("Run, settings, versions", words.index("Cut flow")) :]
    assert all(package in end for package in PACKAGES)
    assert "first_saved_epoch" in end
    assert "cite Lyke et al. 2020" in end


def test_figures_and_catalogues_lie_beside_it(report):
    written, contents = report
    folder = written.page.parent
    for name in written.drawn:
        assert (folder / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    tables = {path: Table.read(folder / "tables" / f"table3.{path}", format=form) for path, form in
              (("fits", "fits"), ("vot", "votable"), ("mrt", "ascii.mrt"), ("csv", "ascii.csv"))}  # fmt: skip
    for table in tables.values():
        np.testing.assert_array_equal(table["object_id"], tables["fits"]["object_id"])
        np.testing.assert_allclose(table["ra"], tables["fits"]["ra"])
    assert set(tables["csv"]["is_simulated"]) == {"true"}
    local = [link for link in contents.links if re.match(r"(figures|tables)/", link)]
    assert local
    assert all((folder / link).is_file() for link in local)


def test_links_lead_to_the_object_s_position(report, demo_survey):
    with open_catalog(Workspace(demo_survey)) as catalog:
        ra, dec = catalog.rows("select g.ra, g.dec from paper.figure2 inner join survey.galaxies g using (object_id)")[
            0
        ]
    views = [link for link in report[1].links if "hscMap" in link]
    wanted = f"%22a%22%3A{np.deg2rad(ra):.9f},%22d%22%3A{np.deg2rad(dec):.9f}"
    assert any(wanted in link for link in views)


def test_it_replaces_an_older_one_whole_or_not_at_all(demo_survey, tmp_path, monkeypatch):
    folder = tmp_path / "report"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "old.pdf").write_text("old")
    written = write_report(Workspace(demo_survey), folder, with_exports=False)
    assert sorted(path.name for path in folder.iterdir()) == [".made_from.json", "index.html"]
    assert written.n_files == 1
    before = written.page.read_bytes()

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr("swimmy_db.report.page.render", full)
    with pytest.raises(OSError, match="disk full"):
        write_report(Workspace(demo_survey), folder, with_exports=False, force=True)
    assert written.page.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_survey_without_scores_says_what_comes_first(bare, tmp_path):
    with pytest.raises(NotReady, match="swimmy pipeline"):
        write_report(bare, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_only_archives_that_were_used_ask_for_words(demo_survey, bare):
    named = {row["archive"] for row in acknowledgements(Workspace(demo_survey))}
    assert {"hsc", "mpa-jhu", "dr16q", "milliquas"} <= named
    assert acknowledgements(bare) == []


def test_a_report_is_written_again_only_where_something_changed(demo, tmp_path):
    first = write_report(demo, tmp_path / "r", with_exports=False)
    assert first.is_new
    page = first.page.read_bytes()
    again = write_report(demo, tmp_path / "r", with_exports=False)
    assert not again.is_new
    assert (again.drawn, again.missing, again.n_bytes, again.n_files) == (
        first.drawn, first.missing, first.n_bytes, first.n_files,
    )  # fmt: skip
    assert again.page.read_bytes() == page
    assert write_report(demo, tmp_path / "r", with_exports=False, force=True).is_new
    with publish(demo, "test") as publication:
        publication.connection.execute("update meta.settings set value = 7 where name = 'runs'")
    changed = write_report(demo, tmp_path / "r", with_exports=False)
    assert changed.is_new
