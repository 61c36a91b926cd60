"""`swimmy why | status | verify | rebuild | stamp | match` on the tiny embedded survey."""

import json
import re

import numpy as np
import pytest
from matplotlib.image import imread

from swimmy_db.catalog import open_catalog
from swimmy_db.pipeline.runner import STAGES
from swimmy_db.workspace import Workspace


@pytest.fixture
def place(demo_survey):
    return Workspace(demo_survey)


IN_NO_SAMPLE = """
    select min(object_id)
    from survey.cut_results
    anti join survey.sample_members using (object_id)
    where first_failed_cut is not null
"""


def value(place, sql):
    with open_catalog(place) as catalog:
        return catalog.value(sql)


def test_why_explains_a_candidate_for_people_and_programs(swimmy, place):
    object_id = value(place, "select min(object_id) from model.candidates where aperture = 'disc'")
    done = swimmy("why", object_id, workspace=place)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"object {object_id}: in sample ")
    assert "CANDIDATE in" in done.out
    explained = json.loads(swimmy("why", object_id, "--json", workspace=place).out)
    assert explained["object"]["object_id"] == object_id
    selected = {row["band"] for row in explained["scores"] if row["judgement"].startswith("selected")}
    for row in explained["scores"]:
        above = row["s_anom"] >= row["s_anom_2sigma"] and row["residual_flux"] > 0
        assert (row["band"] in "gri" and above) == row["judgement"].startswith("selected"), row
    assert selected


def test_why_knows_who_was_cut_and_who_is_unknown(swimmy, place):
    cut = value(place, IN_NO_SAMPLE)
    done = swimmy("why", cut, workspace=place)
    assert "not in any sample: sample " in done.out
    assert "sample specz drops it at step" in done.out
    unknown = swimmy("why", 7, workspace=place)
    assert (unknown.code, unknown.out) == (2, "")
    assert "no object 7" in unknown.err


def test_why_explains_a_rejected_cutout(swimmy, place):
    rejected = value(place, "select min(object_id) from meta.rejects inner join survey.galaxies using (object_id)")
    if rejected is None:
        pytest.skip("no cutout of a member was rejected in this survey")
    assert "left out afterwards" in swimmy("why", rejected, workspace=place).out


def test_status_for_people_and_programs(swimmy, place):
    done = swimmy("status", workspace=place)
    assert (done.code, done.err) == (0, "")
    assert "SIMULATED survey" in done.out.splitlines()[0]
    assert re.search(r"^ +candidates +up to date", done.out, re.MULTILINE)
    seen = json.loads(swimmy("status", "--json", workspace=place).out)
    assert {stage.name for stage in STAGES} <= {row["stage"] for row in seen["stages"]}


def test_verify_exits_with_1_and_a_list(swimmy, demo):
    assert swimmy("verify", workspace=demo).code == 0
    name = value(demo, "select min(path) from meta.files where source = 'cubes'")
    with open(demo.folder / name, "r+b") as handle:
        handle.seek(100)
        byte = handle.read(1)
        handle.seek(100)
        handle.write(bytes([byte[0] ^ 1]))
    done = swimmy("verify", workspace=demo)
    assert done.code == 1
    assert done.out.startswith(f"file: {name}: expected sha256")
    assert "1 faults" in done.err
    seen = json.loads(swimmy("verify", "--json", workspace=demo).out)
    assert [fault["where"] for fault in seen["faults"]] == [name]


def test_rebuild_says_how_many_tables_came_back(swimmy, demo):
    demo.database.unlink()
    done = swimmy("rebuild", workspace=demo)
    assert (done.code, done.out) == (0, "")
    assert "tables made again" in done.err
    assert swimmy("sql", "select count(*) > 0 as there from model.candidates", workspace=demo).out == '"there"\ntrue\n'


def test_stamp_draws_bands_reconstruction_and_residual(swimmy, place, tmp_path):
    object_id = value(place, "select min(object_id) from survey.cubes")
    done = swimmy("stamp", object_id, "--to", "x.png", workspace=place)
    assert (done.code, done.out) == (0, "")
    assert "reconstruction and residual" in done.err
    picture = imread(tmp_path / "x.png")
    assert picture.shape[1] > picture.shape[0] > 400
    assert np.unique(picture[..., :3].reshape(-1, 3), axis=0).shape[0] > 100
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_stamp_says_why_there_is_no_cube(swimmy, place):
    cut = value(place, IN_NO_SAMPLE)
    done = swimmy("stamp", cut, workspace=place)
    assert done.code == 1
    assert "has no cube: not in any sample" in done.err
    assert swimmy("stamp", cut, "--to", "x.jpeg", workspace=place).code == 2


def test_match_finds_a_candidate_and_writes_files(swimmy, place, tmp_path):
    with open_catalog(place) as catalog:
        (row,) = catalog.arrow("from model.candidates where aperture = 'disc' order by object_id limit 1").to_pylist()
    (tmp_path / "mine.csv").write_text(f"name,ra,dec\nx,{row['ra']!r},{row['dec']!r}\ny,359,89\n")
    done = swimmy("match", "mine.csv", "--json", workspace=place)
    first, second = json.loads(done.out)
    assert (first["object_id"], first["outcome"], first["my_name"]) == (row["object_id"], "candidate", "x")
    assert f"disc {row['bands']}" in first["selections"]
    assert second["outcome"] == "nothing here"
    assert swimmy("match", "mine.csv", "--to", "out.vot", workspace=place).code == 0
    assert (tmp_path / "out.vot").exists()
    assert swimmy("match", "none.csv", workspace=place).code == 3


def test_candidates_export_as_regions(swimmy, place, tmp_path):
    assert swimmy("export", "model.candidates", "--to", "x.reg", workspace=place).code == 0
    regions = [line for line in (tmp_path / "x.reg").read_text().splitlines() if line.startswith("circle")]
    assert len(regions) == value(place, "select count(*) from model.candidates")
