"""Settings: the paper's values, presets, refusals, and the rows of meta.settings."""

import re
from pathlib import Path

import pytest

from swimmy_db.config import (
    Settings,
    load_preset,
    make_settings,
    preset_names,
    preset_values,
    scalar_fields,
    setting_rows,
)
from swimmy_db.errors import InputRefused, UsageError
from swimmy_db.sources.registry import SOURCES


def test_the_paper_preset_has_the_paper_s_numbers():
    settings = load_preset("paper")
    assert settings.band_names == ("g", "r", "i", "z", "y")
    assert settings.selection_bands == ("g", "r", "i")
    assert [band.stretch_divisor for band in settings.bands] == [1, 1, 1, 1.2, 1.5]
    # sections 2.1, 2.2 and 3.2, appendix 1
    assert (settings.magnitude_max, settings.extendedness_min) == (20.0, 0.2)
    assert (settings.redshift_min, settings.redshift_max) == (0.05, 0.2)
    assert (settings.xelg_ew_min, settings.latent_dim, settings.noise_std) == (100.0, 8, 0.02)
    assert (settings.runs, settings.epochs, settings.first_saved_epoch) == (30, 25, 10)
    assert (settings.fraction_2sigma, settings.fraction_3sigma) == (0.05, 0.003)
    assert settings.runs * (settings.epochs - settings.first_saved_epoch + 1) == 480


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid(name):
    assert isinstance(load_preset(name), Settings)


def test_the_demo_preset_differs_from_the_paper_only_where_it_says():
    paper, demo = load_preset("paper").model_dump(), load_preset("demo").model_dump()
    text = (Path(__file__).parents[1] / "swimmy_db/presets/demo.toml").read_text()
    said = set(re.findall(r"^(\w+) =", text, re.MULTILINE)) - {"extends"}
    assert {name for name in demo if demo[name] != paper[name]} <= said


def test_an_unknown_preset_is_named_with_those_that_exist():
    with pytest.raises(UsageError, match="no preset named 'papers'; there are: demo, paper"):
        preset_values("papers")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"xelg_ew_frame": "airy"}, "xelg_ew_frame"),
        ({"stamp_size": 63}, "stamp_size"),
        ({"no_such_setting": 1}, "no_such_setting"),
        ({"bands": ()}, "bands"),
    ],
)
def test_a_wrong_value_is_refused_by_name(change, said):
    with pytest.raises(InputRefused, match=rf"(?s)here.toml: settings refused.*{said}: .*found"):
        make_settings({**preset_values("paper"), **change}, "here.toml")


def test_every_setting_says_its_section_and_what_it_decides():
    for name, field in scalar_fields().items():
        assert field.description, name
        assert field.json_schema_extra["section"], name


def test_setting_rows_hold_numbers_switches_words_and_what_is_not_applied():
    paper = load_preset("paper")
    changed = load_preset("paper", seeing_max=None, extinction_corrected=True, xelg_ew_frame="rest", runs=3)
    rows = {row["name"]: row for row in setting_rows(changed, paper)}
    assert rows.keys() == scalar_fields().keys()
    assert (rows["runs"]["value"], rows["runs"]["default_value"]) == (3.0, "30")
    assert (rows["extinction_corrected"]["value"], rows["extinction_corrected"]["text"]) == (1.0, None)
    assert (rows["xelg_ew_frame"]["value"], rows["xelg_ew_frame"]["text"]) == (None, "rest")
    assert (rows["seeing_max"]["value"], rows["seeing_max"]["default_value"]) == (None, "1.0")
    assert rows["seeing_max"]["unit"] == "arcsec"


# put together of parts: hsc_release.release_of
BY_PARTS = {"hsc_sql_url", "hsc_cutout_url", "hsc_psf_url"}


def test_every_setting_is_read_by_something():
    """By SQL as setting('name'), by a file's reader, by Python as an attribute; what a stage lists does not count."""
    root = Path(__file__).parents[1]
    sql = "\n".join(path.read_text(encoding="utf-8") for path in root.glob("sql/**/*.sql"))
    modules = [path for folder in ("swimmy_db", "cli") for path in (root / folder).rglob("*.py")]
    python = "\n".join(path.read_text(encoding="utf-8") for path in modules if path.name != "config.py")
    readers = {name for source in SOURCES.values() for kind in source.files.values() for name in kind.settings.values()}
    readers |= set(re.findall(r"\bsetting(?:_text)?\(\s*'([a-z0-9_]+)'", sql))
    readers |= set(re.findall(r"\.([a-z0-9_]+)\b", python))
    assert set(scalar_fields()) - readers - BY_PARTS == set()
