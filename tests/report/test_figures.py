"""The figures' charts hold the tables' numbers, and what cannot be drawn says why."""

import json

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import vl_convert

from swimmy_db.catalog import Catalog
from swimmy_db.report.figure import Figure, draw_figure
from swimmy_db.report.figures import FIGURES
from swimmy_db.report.stamp_strips import StampSheet
from swimmy_db.report.style import BAND_COLOURS, band_colour, values


def data_of(document: dict) -> list[dict]:
    """All rows of all datasets of a chart."""
    return [row for rows in document.get("datasets", {}).values() for row in rows]


def test_every_figure_of_the_paper_is_registered_once_and_in_order():
    assert list(FIGURES) == [f"figure{number}" for number in range(1, 20)]
    for figure in FIGURES.values():
        assert figure.tables
        assert figure.caption.endswith(".")
        assert figure.absent.endswith(".")


@pytest.fixture(scope="module")
def drawn(report_material):
    return {name: draw_figure(figure, report_material) for name, figure in FIGURES.items()}


@pytest.mark.parametrize("name", list(FIGURES))
def test_every_figure_is_drawn_or_says_why(drawn, name):
    figure = drawn[name]
    assert bool(figure.reason) != (figure.chart is not None or figure.sheet is not None)
    if figure.chart is not None:
        document = figure.specification
        assert vl_convert.vegalite_to_svg(json.dumps(document)).startswith("<svg")
        assert data_of(document)
    elif figure.sheet is not None:
        assert isinstance(figure.sheet, StampSheet)
        assert all(strips for _, strips in figure.sheet.groups)
    else:
        assert len(figure.reason.split()) > 3


def test_most_figures_can_be_drawn_of_the_tiny_survey(drawn):
    missing = {name for name, figure in drawn.items() if figure.reason}
    # 60 galaxies have no top 0.3 %, and need not have a quasar
    assert missing <= {"figure8", "figure14", "figure15", "figure17", "figure18", "figure19"}


def test_a_figure_of_a_simulated_survey_says_so_also_where_it_is_pasted(drawn):
    from dataclasses import replace

    for name in ("figure1", "figure5", "figure6"):
        assert "simulated survey" in vl_convert.vegalite_to_svg(json.dumps(drawn[name].specification))
        real = replace(drawn[name], is_simulated=False)
        assert "simulated" not in vl_convert.vegalite_to_svg(json.dumps(real.specification))


def test_the_counts_of_figure_1_are_the_table_s(drawn, report_material):
    rows = report_material.rows("paper.figure1")
    shown = data_of(drawn["figure1"].specification)
    key = lambda row: (row["population"], round(row["z_lower"], 4))  # noqa: E731
    assert {key(row): row["n"] for row in shown} == {key(row): row["n"] for row in rows}


def test_ids_stay_whole_in_the_charts(drawn, report_material):
    """A JavaScript number ends at 2^53: ids are text."""
    wanted = {str(row["object_id"]) for row in report_material.rows("paper.figure12")}
    shown = {row["object_id"] for row in data_of(drawn["figure12"].specification) if "object_id" in row}
    assert shown == wanted
    assert all(isinstance(object_id, str) for object_id in shown)


def test_values_keep_six_digits_and_know_no_nan():
    rows = [{"object_id": 36411461425187990, "x": float("nan"), "y": 1 / 3, "z": float("inf"), "n": 2**40, "b": True}]
    assert json.loads(values(rows).to_dict()["values"]) == [
        {"object_id": "36411461425187990", "x": None, "y": 0.333333, "z": None, "n": 2**40, "b": True}
    ]


def test_bands_keep_their_colours_and_no_two_of_nine_share_one():
    assert [band_colour(band, tuple("grizy")) for band in "grizy"] == list(BAND_COLOURS[:5])
    assert len(set(BAND_COLOURS)) == len(BAND_COLOURS) == 9


class Absent:
    """A catalogue without tables."""

    def has(self, table):
        return False


class Empty:
    """A catalogue whose tables have no rows of any sample, with or without a word why."""

    def __init__(self, reason=None):
        self.reason = reason

    def has(self, table):
        return True

    def value(self, sql, parameters=()):
        assert parameters == ["paper.figure8"]
        return self.reason

    def rows(self, sql, parameters=()):
        return [("sample",)]

    def arrow(self, sql, parameters=()):
        return pa.table({"sample": pa.array([], pa.string())})


@pytest.mark.parametrize(
    ("catalog", "said"),
    [
        (Absent(), "is not made"),
        (Empty(), "no quasar is known."),
        (Empty("no DR16Q catalogue"), "no DR16Q catalogue."),
    ],
)
def test_a_figure_without_data_is_never_an_empty_axis(report_material, catalog, said):
    from dataclasses import replace

    def never(material):
        raise AssertionError("drawn although there is nothing to draw")

    figure = Figure("figure8", "title", "4.1", "caption.", ("paper.figure8",), never, "no quasar is known.")
    result = draw_figure(figure, replace(report_material, catalog=catalog, _columns={}))
    assert said in result.reason
    assert result.chart is None


def test_a_figure_says_which_of_its_parts_the_survey_lacks(report_material):
    from dataclasses import replace

    with duckdb.connect() as connection:
        connection.execute("create schema paper")
        connection.execute(
            "create table paper.availability as from (values "
            "('figure 1', 'no galaxy', false), ('figure 13', null, true), ('figure 13, by GSWLC-2', 'no file', false), "
            "('figure 13, KS tests', null, true)) rows(item, reason, is_available)"
        )
        material = replace(report_material, catalog=Catalog(connection))
        assert material.lacking("figure 13") == [("by GSWLC-2", "no file")]
        assert material.lacking("figure 1") == []


def test_strips_show_north_up_and_residuals_by_their_sign():
    from swimmy_db.report.stamp_strips import GAP, residual_picture, strip_of

    cube = np.zeros((3, 8, 8), np.float32)
    cube[:, 7, 0] = 1.0  # the top left of the sky
    strip = strip_of(cube, np.zeros_like(cube), (2, 1, 0), (0,), 1.0, title="x")
    assert strip.pixels.shape == (3 * 8 + 2 * GAP, 8, 3)
    assert strip.pixels[0, 0].tolist() == [255, 255, 255]
    assert strip.pixels[7, 7].tolist() == [0, 0, 0]
    red, blue = residual_picture(np.array([[0.5, -0.5]]), 1.0)[0]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
