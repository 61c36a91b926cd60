"""The workspace: where it is, and its settings.toml."""

import pytest

from swimmy_db.config import load_preset
from swimmy_db.errors import InputRefused, NotReady
from swimmy_db.workspace import ENVIRONMENT_VARIABLE, Workspace, default_settings, resolve, settings_document


def test_the_option_wins_over_the_environment_and_that_over_the_default(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    assert Workspace.locate().folder == tmp_path / "workspace"
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "a"))
    assert Workspace.locate().folder == tmp_path / "a"
    assert Workspace.locate(tmp_path / "b").folder == tmp_path / "b"


def test_paths_in_tables_are_relative_with_forward_slashes(tmp_path):
    place = Workspace(tmp_path)
    assert place.relative(place.cubes / "psf1p0" / "index.parquet") == "cubes/psf1p0/index.parquet"


def test_an_empty_workspace_says_which_command_comes_first(tmp_path):
    place = Workspace(tmp_path)
    with pytest.raises(NotReady, match="swimmy ingest demo"):
        place.require_survey()
    with pytest.raises(NotReady, match="swimmy ingest demo"):
        place.settings()


def test_settings_file_is_the_preset_with_its_changes(tmp_path):
    place = Workspace(tmp_path)
    place.settings_file.write_text(
        settings_document({"preset": "demo", "runs": 2, "not_applied": ["seeing_max"]}), encoding="utf-8"
    )
    settings = place.settings()
    assert (settings.runs, settings.seeing_max) == (2, None)
    assert settings.epochs == load_preset("demo").epochs


def test_a_broken_settings_file_is_refused_with_its_name(tmp_path):
    place = Workspace(tmp_path)
    place.settings_file.write_text("runs = = 2", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"settings\.toml: not TOML"):
        place.settings()
    place.settings_file.write_text("preset = 'paper'\nruns = 'many'\n", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"(?s)settings\.toml: settings refused.*runs"):
        place.settings()


def test_defaults_are_the_paper_s_for_the_survey_s_own_bands():
    bands = load_preset("paper").model_dump()["bands"][:2]
    settings = resolve({"preset": "demo", "survey": "mine", "bands": bands, "runs": 1}, "x")
    defaults = default_settings(settings)
    assert (defaults.survey, defaults.band_names) == ("mine", ("g", "r"))
    assert defaults.runs == 30
