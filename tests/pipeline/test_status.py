"""`swimmy status` says what is up to date, and what has changed where it is not."""

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import NotReady
from swimmy_db.pipeline import status as module
from swimmy_db.pipeline.runner import STAGES, run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.pipeline.status import NEVER_RUN, OUT_OF_DATE, UP_TO_DATE, status
from swimmy_db.workspace import Workspace


def stages(place):
    return {stage.stage: stage for stage in status(place).stages}


def test_after_the_pipeline_all_is_up_to_date_and_counted(demo_survey):
    place = Workspace(demo_survey)
    seen = status(place)
    assert seen.is_simulated
    assert seen.changed_settings == []
    made = {stage.stage: stage for stage in seen.stages}
    assert [name for name in made if not name.startswith("ingest-")] == [stage.name for stage in STAGES]
    assert all(made[stage.name].state == UP_TO_DATE and not made[stage.name].why for stage in STAGES)
    assert made["ingest-hsc"].rows > 60
    with open_catalog(place) as catalog:
        for row in seen.tables:
            assert row["n_rows"] == catalog.value(f"select count(*) from {row['table']}"), row["table"]
        assert sum(row["n"] for row in seen.rejects) == catalog.value("select count(*) from meta.rejects")
        assert sum(row["bytes"] for row in seen.files) == catalog.value("select sum(bytes) from meta.files")
    assert {"cubes", "scores", "downloads/hsc"} <= {row["folder"] for row in seen.files}


def test_a_changed_setting_puts_out_of_date_what_reads_it(demo):
    change_settings(demo, {"xelg_ew_min": "1"})
    assert status(demo).changed_settings == ["xelg_ew_min: 100 -> 1"]
    seen = stages(demo)
    assert (seen["select"].state, seen["select"].why) == (OUT_OF_DATE, ("a setting that it reads",))
    assert (seen["cubes"].state, seen["stamps"].state) == (UP_TO_DATE, UP_TO_DATE)
    assert seen["train"].why == ("unless select gives another result",)
    for _ in run_stages(demo, ["select"]):
        pass
    seen = stages(demo)
    assert seen["select"].state == UP_TO_DATE
    assert seen["train"].state == OUT_OF_DATE
    assert "survey.classes" in seen["train"].why
    assert status(demo).changed_settings == []


def test_changed_code_and_sql_are_told_apart(demo_survey, monkeypatch):
    real = module.provenance

    def changed(stage, settings, runs):
        made = real(stage, settings, runs)
        values = {**made.__dict__}
        values["sql_hash" if stage.sql else "code_version"] = "other"
        return type(made)(**values)

    monkeypatch.setattr(module, "provenance", changed)
    seen = stages(Workspace(demo_survey))
    assert seen["select"].why == ("its SQL",)
    assert seen["cubes"].why == ("its code",)


def test_before_the_first_stage_all_have_never_run(bare):
    assert all(stages(bare)[stage.name].state == NEVER_RUN for stage in STAGES)


def test_a_fresh_workspace_says_which_command_comes_first(tmp_path):
    with pytest.raises(NotReady, match="swimmy ingest demo"):
        status(Workspace(tmp_path))
