"""`swimmy why`: a galaxy that failed one cut is explained by that cut, with its value and the limit."""

import pytest

from swimmy_db.catalog import open_catalog, publish
from swimmy_db.errors import NotReady, UsageError
from swimmy_db.pipeline.explain import SECTIONS, explain_object

MEMBER = 36411461425187990
FAINT, FAR, WITHOUT_I = MEMBER + 1, MEMBER + 2, MEMBER + 3


def explain(place, object_id):
    with open_catalog(place) as catalog:
        return explain_object(catalog, object_id)


def failed(explained):
    return [cut["cut"] for cut in explained["cuts"] if not cut["is_kept"]]


def test_a_member_is_explained_with_match_class_and_lines(selected):
    explained = explain(selected, MEMBER)
    assert explained["object"]["object_id"] == MEMBER
    assert explained["object"]["samples"] == "specz"
    assert explained["object"]["class"] == "training"
    assert failed(explained) == []
    assert [row["catalog"] for row in explained["matches"]] == ["mpa_jhu"]
    assert explained["matches"][0]["separation_arcsec"] == pytest.approx(0.3)
    assert explained["lines"][0]["xelg_ew_min"] == 100.0
    assert explained["scores"] is None, "nothing is scored yet"
    assert explained["verdict"] == "in sample specz, class training; not scored yet: `swimmy pipeline` goes on"


def test_a_galaxy_that_is_too_faint_is_explained_by_that_one_cut(selected):
    explained = explain(selected, FAINT)
    (cut,) = (cut for cut in explained["cuts"] if not cut["is_kept"])
    assert (cut["value"], cut["upper_limit"], cut["is_strict"], cut["section"]) == (20.5, 20.0, True, "2.2")
    assert explained["verdict"].startswith("not in any sample: sample specz drops it at step")
    assert "magnitude: 20.5 mag, kept where x < 20" in explained["verdict"]
    assert "section 2.2" in explained["verdict"]


def test_a_galaxy_that_is_too_far_is_explained_by_its_redshift(selected):
    assert "redshift: 0.3, kept where 0.05 < x < 0.2" in explain(selected, FAR)["verdict"]


def test_a_missing_value_is_called_missing(selected):
    explained = explain(selected, WITHOUT_I)
    assert len(failed(explained)) >= 1
    assert "missing" in failed(explained)[0]
    assert explained["object"]["samples"] is None


def test_a_rejected_cutout_is_named(selected):
    reject = {"stage": "stamps", "object_id": MEMBER, "band": "g", "reason": "truncated", "source_file": "a.tar"}
    with publish(selected, "stamps") as publication:
        publication.load_rows("meta.rejects", [reject])
    explained = explain(selected, MEMBER)
    assert explained["verdict"] == "in sample specz, class training; left out afterwards: stamps (g): truncated"
    assert explained["rejects"][0]["source_file"] == "a.tar"


def test_an_unknown_id_is_a_usage_error_that_says_where_to_look(selected):
    with pytest.raises(UsageError, match=r"no object 7 among the 4 .*swimmy match"):
        explain(selected, 7)


def test_before_the_selection_it_says_which_command_comes_first(bare):
    with pytest.raises(NotReady, match="swimmy select"):
        explain(bare, MEMBER)


def test_every_section_is_there_made_or_not(selected):
    explained = explain(selected, FAINT)
    assert set(SECTIONS) < explained.keys()
    assert explained["rejects"] == []
    assert explained["matches"] == []
