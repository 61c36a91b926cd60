"""swimmy report and swimmy cite, as typed."""

import json

from swimmy_db.pipeline.report_mark import Written
from swimmy_db.report.figures import FIGURES


def test_report_writes_a_page_into_the_workspace(swimmy, demo):
    done = swimmy("report", "--page-only", workspace=demo)
    assert (done.code, done.out) == (0, "")
    assert (demo.report / "index.html").stat().st_size > 1e6
    assert not (demo.report / "figures").exists()
    said = " ".join(done.err.split())
    assert "index.html" in said
    assert f"{sum(f'{name}: ' not in said for name in FIGURES)} figures" in said


def test_report_writes_where_it_is_told(swimmy, demo, tmp_path, monkeypatch):
    told = {}

    def write(workspace, folder, with_exports, progress, force):
        told.update(folder=folder, with_exports=with_exports, force=force)
        return Written(folder / "index.html", 5, (), {}, 1, is_new=False)

    monkeypatch.setattr("swimmy_db.pipeline.report.write_report", write)
    done = swimmy("report", "--to", tmp_path / "search", "--force", workspace=demo)
    assert done.code == 0
    assert "up to date, --force writes it again" in done.err
    assert told == {"folder": tmp_path / "search", "with_exports": True, "force": True}


def test_report_before_the_pipeline_says_what_comes_first(swimmy, bare):
    done = swimmy("report", workspace=bare)
    assert (done.code, done.out) == (1, "")
    assert "swimmy pipeline" in done.err


def test_cite_prints_the_words_of_the_archives(swimmy, demo):
    done = swimmy("cite", workspace=demo)
    assert done.code == 0
    assert "hsc: The Hyper Suprime-Cam (HSC) collaboration" in done.out
    assert "Tanaka et al." in done.out
    rows = json.loads(swimmy("cite", "--json", workspace=demo).out)
    assert {"hsc", "dr16q"} <= {row["archive"] for row in rows}
    assert all(row["acknowledgement"] for row in rows)


def test_cite_of_an_empty_survey_names_only_the_method(swimmy, bare):
    done = swimmy("cite", workspace=bare)
    assert done.code == 0
    assert "hsc" not in done.out.replace("CITATION", "")
