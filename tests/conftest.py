"""Workspaces that tests share: a bare one made by hand, and one tiny embedded survey that went through everything."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.hsc import PASSWORD, USER, HscServer

from swimmy_db.catalog import publish
from swimmy_db.config import load_preset
from swimmy_db.pipeline.setup import claim_workspace, publish_settings
from swimmy_db.workspace import Workspace, default_settings, settings_document


@pytest.fixture(scope="session")
def bare_survey(tmp_path_factory) -> Path:
    """A workspace with settings and empty tables, as ingest begins one; only to read or to copy."""
    place = Workspace(tmp_path_factory.mktemp("bare") / "workspace")
    settings = load_preset("demo", samples="specz")
    with publish(place, "ingest") as publication:
        publication.bands = settings.band_names
        claim_workspace(publication, settings, simulated=True)
        (publication.staging / "settings.toml").write_text(
            settings_document({"preset": "demo", "samples": "specz"}), encoding="utf-8"
        )
        publish_settings(publication, settings, default_settings(settings))
    return place.folder


def typed_rows() -> dict[str, list[dict]]:
    """Four objects of one HSC patch, 36" apart: the first is a member, the others too faint, too far, without i."""
    bands, first = "grizy", 36411461425187990
    flags = ("edge", "interpolatedcenter", "saturatedcenter", "crcenter", "bad", "bright_objectcenter")
    masks = ("halo", "ghost", "blooming")
    objects, masked, redshifts = [], [], []
    for number, (i_mag, redshift) in enumerate([(19.0, 0.1), (20.5, 0.1), (19.0, 0.3), (None, 0.1)]):
        row = {"object_id": first + number, "ra": 30.0, "dec": -6.0 + 0.01 * number, "tract": 8279, "patch": 8}
        row |= {f"{band}_cmodel_mag": 19.0 for band in bands} | {"i_cmodel_mag": i_mag, "i_psfflux_mag": 21.5}
        row |= {f"a_{band}": 0.1 for band in bands} | {f"{band}_sdssshape_flag": False for band in bands}
        row |= {f"{band}_pixelflags_{flag}": False for band in bands for flag in flags}
        objects.append(row | {"skymap_id": 82790008, "isprimary": True})
        masked.append(
            {"object_id": first + number}
            | {f"{band}_mask_brightstar_{mask}": False for band in bands for mask in masks}
        )
        redshifts.append(
            {"object_id": first + number, "specz_name": f"SDSS-DR15-{number}", "specz_redshift": redshift}
            | {"specz_flag_homogeneous": True, "specz_flag_sdss_dr15": True, "specz_flag_gama_dr3": False, "d_pos": 0.1}
        )
    patch = {"skymap_id": 82790008, "tract": 8279, "patch": 8}
    patch |= {f"{band}seeing": 0.7 for band in bands} | {f"{band}mag_psf_depth": 27.0 for band in bands}
    line = {
        "specobjid": "299491051364706304",
        "plateid": 266,
        "ra": 30.0,
        "dec": -6.0 + 0.3 / 3600,
        "z": 0.1,
        "reliable": 1,
        "z_warning": 0,
    }
    tables = {
        "raw.hsc_objects": objects,
        "raw.hsc_masks": masked,
        "raw.specz": redshifts,
        "raw.hsc_patches": [patch],
        "raw.galspec_info": [line],
        "raw.galspec_extra": [{"bptclass": 1}],
        "raw.galspec_line": [{}],
    }
    for table, rows in tables.items():
        for number, row in enumerate(rows):
            row |= {"source_file": f"typed/{table}", "file_row": number}
    return tables


@pytest.fixture(scope="session")
def selected_survey(bare_survey, tmp_path_factory) -> Path:
    """The bare workspace with typed_rows, after stage `select`; only to read or to copy."""
    folder = tmp_path_factory.mktemp("selected") / "workspace"
    shutil.copytree(bare_survey, folder)
    with publish(Workspace(folder), "select") as publication:
        publication.bands = tuple("grizy")
        for table, rows in typed_rows().items():
            publication.load_rows(table, rows)
        publication.run_models("select")
    return folder


@pytest.fixture
def selected(selected_survey, tmp_path) -> Workspace:
    """A copy of the selected workspace that a test may change. The objects are 36411461425187990 and the next three."""
    shutil.copytree(selected_survey, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def bare(bare_survey, tmp_path) -> Workspace:
    """A copy of the bare workspace that a test may change."""
    shutil.copytree(bare_survey, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def demo_survey(tmp_path_factory) -> Path:
    """A tiny embedded survey, from ingest to candidates: one run of two epochs; only to read or to copy."""
    pytest.importorskip("galsim")
    pytest.importorskip("kcorrect")
    from swimmy_db.pipeline.ingest import ingest_demo
    from swimmy_db.pipeline.runner import run_stages
    from swimmy_db.pipeline.settings import change_settings

    place = Workspace(tmp_path_factory.mktemp("demo") / "workspace")
    ingest_demo(place, {"n": 60, "seed": 3})
    change_settings(
        place,
        {
            "runs": "1",
            "epochs": "2",
            "first_saved_epoch": "1",
            "training_jobs": "1",
            "training_precision": "float32",
            # two epochs do not settle BatchNorm's statistics
            "validation_loss_ratio_max": "none",
        },
    )
    for _ in run_stages(place):
        pass
    return place.folder


@pytest.fixture(scope="session")
def demo_report(demo_survey, tmp_path_factory):
    """The report of the tiny embedded survey with all that lies beside it: pipeline.report.Written; only to read."""
    from swimmy_db.pipeline.report import write_report

    return write_report(Workspace(demo_survey), tmp_path_factory.mktemp("report") / "report")


@pytest.fixture
def demo(demo_survey, tmp_path) -> Workspace:
    """A copy of the tiny embedded survey that a test may change."""
    shutil.copytree(demo_survey, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def hsc_server(demo_survey, monkeypatch) -> Iterator[HscServer]:
    """The HSC services on a loopback port with the embedded survey's data, and the account that they know."""
    monkeypatch.setenv("HSC_SSP_USER", USER)
    monkeypatch.setenv("HSC_SSP_PASSWORD", PASSWORD)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HscServer(demo_survey / "downloads" / "hsc") as server:
        yield server
