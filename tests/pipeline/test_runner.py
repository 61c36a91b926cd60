"""Which stages run again: none after a whole run, and after a changed setting only those that depend on it."""

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import NotReady, UsageError
from swimmy_db.pipeline.runner import STAGES, run_stages, stages_of_command
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.workspace import Workspace

NAMES = [stage.name for stage in STAGES]


def ran(workspace: Workspace, **changes: str) -> list[str]:
    if changes:
        change_settings(workspace, changes)
    return [stage.name for stage, seconds in run_stages(workspace) if seconds is not None]


def test_a_second_run_does_nothing(demo):
    before = demo.database.stat().st_mtime_ns
    assert ran(demo) == []
    assert demo.database.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("change", "again"),
    [
        # a limit that no galaxy of the sample meets changes no table after the selection
        ({"magnitude_max": "19.9999"}, {"select"}),
        ({"fraction_2sigma": "0.08"}, {"choose", "candidates"}),
        ({"score_epsilon": "1e-5"}, {"score", "score_best"}),
        ({"stretch_beta": "0.06"}, {"cubes", "train", "score"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_changed_setting_reruns_what_depends_on_it(demo, change, again):
    stages = set(ran(demo, **change))
    assert again <= stages
    assert stages <= again | {"choose", "score_best", "candidates", "analyse", "paper"}
    assert ran(demo) == []


def test_a_stage_can_be_forced(demo):
    forced = [
        stage.name for stage, seconds in run_stages(demo, ["select", "stamps"], force=True) if seconds is not None
    ]
    assert forced == ["stamps"]


def test_each_command_runs_what_comes_before_it():
    assert stages_of_command("cubes") == ["select", "stamps", "cubes"]
    assert stages_of_command("score") == NAMES[: NAMES.index("score_best") + 1]
    assert stages_of_command("candidates") == NAMES[: NAMES.index("candidates") + 1]
    assert stages_of_command("paper") == NAMES
    with pytest.raises(UsageError, match="no stage named"):
        stages_of_command("nonsense")


def test_an_empty_workspace_says_what_comes_first(tmp_path):
    with pytest.raises(NotReady, match="swimmy ingest demo"):
        list(run_stages(Workspace(tmp_path / "nothing")))


def test_every_stage_says_what_it_was_made_from(demo_survey):
    with open_catalog(Workspace(demo_survey)) as catalog:
        rows = catalog.arrow("from meta.stages").to_pylist()
    assert {row["stage"] for row in rows} >= set(NAMES) | {"settings", "ingest-hsc", "ingest-mpa-jhu"}
    assert all(row["fingerprint"] and row["code_version"] and row["outputs"] for row in rows)
