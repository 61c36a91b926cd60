"""Three bands: 454 real objects in HSC g, r, i (hsc_deepdisc) through the same SQL and code as five.

The images are in ../shared/data; tests/pipeline/test_own_survey.py does the same on drawn ones.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.cubes.store import CubeSet
from swimmy_db.pipeline.ingest import ingest_own
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.sql_models import load_examples, run_checks
from swimmy_db.workspace import Workspace

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
QUICK = """runs = 1
epochs = 2
first_saved_epoch = 1
batch_size = 16
training_jobs = 1
training_precision = "float32"
not_applied = ["validation_loss_ratio_max"]
"""


@pytest.fixture(scope="module")
def survey():
    pytest.importorskip("galsim")
    if not (DATA / "hsc_deepdisc").is_dir():
        pytest.skip("../shared/data/hsc_deepdisc is absent")
    sys.path.insert(0, str(ROOT / "experiments"))
    yield importlib.import_module("real_sky_three_bands")
    sys.path.remove(str(ROOT / "experiments"))


@pytest.fixture(scope="module")
def place(survey, tmp_path_factory) -> Workspace:
    folder = tmp_path_factory.mktemp("deepdisc")
    file = survey.write_survey(DATA, folder / "survey", settings=QUICK, magnitude_max=22.5)
    workspace = Workspace(folder / "workspace")
    ingest_own(workspace, file)
    for _ in run_stages(workspace):
        pass
    return workspace


def rows(place: Workspace, query: str) -> list[tuple]:
    with open_catalog(place) as catalog:
        return catalog.rows(query)


def test_the_sample_is_the_galaxies_brighter_than_22_5(survey, place):
    objects = survey.read_objects(DATA)
    assert len(objects) == 454
    wanted = {item["number"] for item in objects if item["imag"] < 22.5 and not item["is_star"]}
    assert {number for (number,) in rows(place, "select object_id from survey.sample_members")} == wanted
    assert len(wanted) > 50
    assert rows(place, "select count(*) from raw.own_objects") == [(454,)]


def test_everything_is_of_three_bands(place):
    assert rows(place, "select band from survey.bands order by position") == [("g",), ("r",), ("i",)]
    for table in ("survey.stamps", "model.scores", "survey.photometry"):
        assert rows(place, f"select distinct band from {table} order by band") == [("g",), ("i",), ("r",)]
    n_members, n_cubes = (
        rows(place, f"select count(*) from {table}")[0][0] for table in ("survey.sample_members", "survey.cubes")
    )
    (n_rejected,) = rows(
        place, "select count(distinct object_id) from meta.rejects where stage in ('stamps', 'cubes')"
    )[0]
    assert n_members == n_cubes + n_rejected
    assert n_cubes > 50
    (name,) = rows(place, "select distinct cube_set from survey.cubes")[0]
    cubes = CubeSet(place.cubes / name)
    assert cubes.recipe.shape == (3, 64, 64)
    scored = rows(place, "select aperture, band, count(*) from model.best_scores group by all")
    assert all(count == n_cubes for _, _, count in scored)


def test_candidates_are_what_the_scores_say(place):
    with open_catalog(place) as catalog:
        fraction = catalog.value("select value from meta.settings where name = 'fraction_2sigma'")
        chosen = catalog.value("select distinct checkpoint_id from model.best_checkpoint")
        scores = catalog.rows(
            "select object_id, band, s_anom, residual_flux from model.selection_scores where checkpoint_id = ?",
            [chosen],
        )
        found = dict(catalog.rows("select object_id, bands from model.candidates where aperture = 'disc'"))
    expected: dict[int, list[str]] = {}
    for band in "gri":
        mine = [(score, number, residual) for number, b, score, residual in scores if b == band]
        threshold = sorted((score for score, _, _ in mine), reverse=True)[round(fraction * len(mine)) - 1]
        for score, number, residual in mine:
            if score >= threshold and residual > 0:
                expected.setdefault(number, []).append(band)
    assert found == {number: "&".join(bands) for number, bands in expected.items()}
    assert found


def test_the_same_tables_checks_and_queries_as_with_five_bands(place, demo_survey):
    """Whatever the SQL makes of five bands it makes of three: only columns named by a band differ."""
    query = (
        "select table_schema || '.' || table_name, column_name from information_schema.columns "
        "where table_schema in ('survey', 'model', 'paper') order by all"
    )
    three, five = rows(place, query), rows(Workspace(demo_survey), query)
    assert set(three) <= set(five)
    assert all(column.endswith(("_z", "_y")) or column[:2] in ("z_", "y_") for _, column in set(five) - set(three))
    with open_catalog(place) as catalog:
        assert run_checks(catalog.connection) == []
        for name, text in load_examples():
            assert catalog.connection.execute(text).description, name


def test_nan_beyond_the_image_is_counted_and_the_object_kept(survey, place):
    objects = {item["number"]: item for item in survey.read_objects(DATA)}
    n_bad = dict(rows(place, "select object_id, n_bad from survey.cubes"))
    for number, count in n_bad.items():
        x, y = objects[number]["x"], objects[number]["y"]
        is_inside = 31 <= x < 1025 - 32 and 31 <= y < 1050 - 32
        assert (count == 0) == is_inside, number
    assert np.count_nonzero(list(n_bad.values())) > 0
