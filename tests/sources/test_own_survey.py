from pathlib import Path

import pytest

from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_survey import own_settings, read_survey, survey_files
from swimmy_db.workspace import Workspace, settings_document


def settings_of_a_workspace(survey, folder: Path):
    """By way of settings.toml, as ingest writes it."""
    workspace = Workspace(folder)
    workspace.settings_file.write_text(settings_document(own_settings(survey)))
    return workspace.settings()


def test_settings_apply_only_the_cuts_that_are_stated(make_survey, tmp_path):
    settings = settings_of_a_workspace(read_survey(make_survey()), tmp_path)

    assert (settings.survey, settings.release, settings.samples) == ("tiny", "one", "own")
    assert settings.band_names == ("g", "z")
    assert settings.selection_bands == ("g",)
    assert (settings.instrument.pixel_scale, settings.instrument.target_fwhm) == (0.3, 1.2)
    assert (settings.magnitude_band, settings.magnitude_max) == ("g", 22.0)
    assert settings.redshift_min is settings.redshift_max is settings.extendedness_min is settings.seeing_max is None
    assert not settings.apply_depth_cut


def test_a_setting_is_emptied_by_not_applied(make_survey, tmp_path):
    toml = make_survey(("magnitude_max = 22.0", 'not_applied = ["validation_loss_ratio_max"]\npreset = "demo"'))
    settings = settings_of_a_workspace(read_survey(toml), tmp_path)
    assert settings.validation_loss_ratio_max is None
    assert settings.magnitude_max is None
    assert settings.batch_size == 16


def test_redshift_cut_stated_is_applied(make_survey, tmp_path):
    settings = settings_of_a_workspace(
        read_survey(make_survey(("magnitude_max = 22.0", 'samples = "specz"\nredshift_min = 0.3'))), tmp_path
    )
    assert settings.samples == "specz"
    assert settings.redshift_min == 0.3
    assert settings.redshift_max is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pixel_scale = 0.3", "pixel_scael = 0.3", ["instrument.pixel_scael", "0.3"]),
        ("pixel_scale = 0.3", "pixel_scale = -1", ["instrument.pixel_scale", "greater than 0", "-1"]),
        ('name = "tiny"', "", ["survey.name", "expected a value"]),
        ("seeing_fwhm = 1.1", "", ["bands.z.seeing_fwhm", "found neither"]),
        ("target_fwhm = 1.2", "target_fwhm = 1.0", ["instrument.target_fwhm", "z: 1.1 arcsec", "found 1.0"]),
        ("is_selection_band = true", "", ["is_selection_band", "found none"]),
        ('band = "z"', 'band = "g"', ["bands", "['g', 'g']"]),
        ("magnitude_max", "magnitude_maximum", ["settings.magnitude_maximum", "name of a setting"]),
        ('magnitude_band = "g"', 'magnitude_band = "r"', ["settings.magnitude_band", "['g', 'z']", "'r'"]),
        ("magnitude_max = 22.0", 'magnitude_max = "faint"', ["magnitude_max", "'faint'"]),
        ('redshift = "Z_SPEC"\n', "redshft = 'Z'\n", ["catalogue.columns.redshft"]),
        ("magnitude_max = 22.0", "extendedness_min = 0.2", ["settings.extendedness_min", "not mapped"]),
        ("magnitude_max = 22.0", "redshift_min = 0.1", ["settings.samples", '"specz"', "found 'own'"]),
        ("MAG_{BAND}", "MAG_{FILTER}", ["catalogue.columns.magnitude", "{FILTER}"]),
        ("MAG_{BAND}", "MAG", ["catalogue.columns.magnitude", "'MAG'"]),
        ('ra = "RA"', "", ["expected ra and dec, or x and y", "['dec']"]),
        ("catalogue.fits", "catalogue.dat", ["catalogue.file", ".parquet", "catalogue.dat"]),
        ("catalogue.fits", "../catalogue.fits", ["catalogue.file", "below the folder"]),
        ("_{band}.fits", ".fits", ["stamps.path", "{band}"]),
        ("{object_id}_{band}", "all_{band}", ["stamps.path", "{object_id}"]),
        ("{object_id}", "{id}", ["stamps.path", "{id}"]),
        ('format = "fits"', 'format = "tiff"', ["stamps.format", "'tiff'"]),
        ('format = "fits"', 'format = "fits"\nband_order = ["g"]', ["stamps.band_order", "['g', 'z']", "found ['g']"]),
        ("magnitude_max", 'preset = "hsc"\nmagnitude_max', ["settings.preset", "'paper'", "'hsc'"]),
        ("[stamps]", "[stamps", ["TOML"]),
    ],
)
def test_a_wrong_survey_is_refused_with_file_key_expected_and_found(make_survey, old, new, said):
    toml = make_survey()
    text = toml.read_text()
    assert old in text
    toml.write_text(text.replace(old, new))
    with pytest.raises(InputRefused) as refused:
        read_survey(toml)
    for words in (str(toml), *said):
        assert words in str(refused.value)


def test_all_faults_are_told_at_once(make_survey):
    toml = make_survey(("seeing_fwhm = 1.1", ""), ("{object_id}", "{id}"), ("magnitude_max", "magnitude_limit"))
    with pytest.raises(InputRefused) as refused:
        read_survey(toml)
    assert all(key in str(refused.value) for key in ("bands.z.seeing_fwhm", "stamps.path", "settings.magnitude_limit"))


def test_the_survey_of_the_documentation_is_one(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "own-survey.md").read_text(encoding="utf-8")
    first, second = (part.split("```")[0] for part in guide.split("```toml\n")[1:])
    toml = tmp_path / "survey.toml"
    toml.write_text(first)
    settings = settings_of_a_workspace(read_survey(toml), tmp_path)
    assert settings.band_names == ("g", "r", "z")
    toml.write_text(first.replace('ra = "RA"', 'x = "X"').replace('dec = "DEC"', 'y = "Y"') + second)
    assert read_survey(toml).catalogue.tangent_point.x == 1299.5


def test_no_such_file(tmp_path: Path):
    with pytest.raises(InputRefused, match=r"survey.toml: expected a survey.toml, found no such file"):
        read_survey(tmp_path / "survey.toml")


def test_files_of_the_survey(make_survey, write_fits_stamps, tmp_path):
    write_fits_stamps()
    (tmp_path / "notes.txt").write_text("not a part of it")
    (tmp_path / "stamps" / "readme.txt").write_text("nor this")
    files = {path.relative_to(tmp_path).as_posix() for path in survey_files(read_survey(make_survey()))}
    assert len(files) == 2 + 3 * 2
    assert {"survey.toml", "catalogue.fits", "stamps/7_g.fits"} <= files
    assert "notes.txt" not in files
    assert "stamps/readme.txt" not in files
