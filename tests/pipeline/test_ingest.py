"""Ingest: files brought by hand go through; a wrong one is refused by name and nothing is changed."""

import hashlib
import shutil
from pathlib import Path

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import InputRefused, SwimmyError, UsageError
from swimmy_db.pipeline.ingest import ingest_archives, ingest_demo
from swimmy_db.workspace import Workspace

ARCHIVES = ["hsc", "mpa-jhu", "dr16q", "milliquas", "gswlc", "sdss-spectra"]


@pytest.fixture
def files(demo_survey, tmp_path) -> Path:
    """The archives' files in a folder, as one would have them after downloading."""
    shutil.copytree(demo_survey / "downloads", tmp_path / "files")
    return tmp_path / "files"


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def counts(workspace: Workspace) -> dict[str, int]:
    with open_catalog(workspace) as catalog:
        return {
            table: catalog.value(f"select count(*) from raw.{table}")
            for (table,) in catalog.rows("select table_name from information_schema.tables where table_schema = 'raw'")
        }


def test_files_brought_by_hand_are_the_same_tables(files, demo_survey, tmp_path):
    place = Workspace(tmp_path / "by_hand")
    ingest_archives(place, ARCHIVES, files)
    assert counts(place) == counts(Workspace(demo_survey))
    with open_catalog(place) as catalog:
        assert catalog.value("select is_simulated from meta.workspace") is False
        assert catalog.value("select count(*) from information_schema.schemata where schema_name = 'truth'") == 0
        listed = dict(catalog.rows("select path, sha256 from meta.files where path like 'downloads/%'"))
    assert listed == {f"downloads/{name}": mark for name, mark in contents(place.downloads).items()}
    assert all(contents(files)[name.removeprefix("downloads/")] == mark for name, mark in listed.items())


def test_archives_can_come_one_after_the_other(files, tmp_path):
    place = Workspace(tmp_path / "one_by_one")
    ingest_archives(place, ["hsc"], files)
    assert counts(place)["dr16q"] == 0
    objects = counts(place)["hsc_objects"]
    ingest_archives(place, ["dr16q"], files / "dr16q")
    assert counts(place)["dr16q"] > 0
    assert counts(place)["hsc_objects"] == objects


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("i_cmodel_mag", "i_cmodelmag", ["i_cmodel_mag", "no such column"]),
        ("True", "maybe", ["isprimary", "maybe"]),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_changes(demo, files, old, new, said):
    objects = files / "hsc" / "objects.csv"
    objects.write_text(objects.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    before = contents(demo.folder)
    with pytest.raises(InputRefused) as refused:
        ingest_archives(Workspace(demo.folder.parent / "other"), ARCHIVES, files)
    assert "objects.csv" in str(refused.value)
    assert all(word in str(refused.value) for word in said), str(refused.value)
    assert not Workspace(demo.folder.parent / "other").database.exists()
    assert contents(demo.folder) == before


def test_an_id_that_went_through_a_float_is_refused(files, tmp_path):
    objects = files / "hsc" / "objects.csv"
    lines = objects.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    object_id, rest = lines[first].split(",", 1)
    lines[first] = f"{float(object_id)!r},{rest}"
    objects.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"object_id"):
        ingest_archives(Workspace(tmp_path / "floats"), ["hsc"], files)


def test_a_missing_file_is_named(files, tmp_path):
    (files / "hsc" / "patch_qa.csv").unlink()
    with pytest.raises(InputRefused, match=r"patch_qa"):
        ingest_archives(Workspace(tmp_path / "missing"), ["hsc"], files)


def test_galspec_files_of_different_length_are_refused(files, tmp_path):
    from astropy.io import fits

    path = files / "mpa-jhu" / "galSpecExtra-dr8.fits"
    with fits.open(path) as opened:
        shorter = fits.BinTableHDU(opened[1].data[:-1])
        fits.HDUList([fits.PrimaryHDU(), shorter]).writeto(files / "short.fits")
    (files / "short.fits").replace(path)
    with pytest.raises(InputRefused, match=r"rows"):
        ingest_archives(Workspace(tmp_path / "rows"), ["mpa-jhu"], files)


def test_a_second_survey_is_refused(demo, files):
    with pytest.raises(SwimmyError, match="workspace of its own"):
        ingest_archives(demo, ["hsc"], files)


def test_the_same_embedded_survey_is_not_made_again(demo):
    assert ingest_demo(demo, {"n": 60, "seed": 3}) == {}


def test_an_unknown_archive_lists_those_that_there_are(tmp_path):
    with pytest.raises(UsageError, match="mpa-jhu"):
        ingest_archives(Workspace(tmp_path), ["sdss9"], tmp_path)
