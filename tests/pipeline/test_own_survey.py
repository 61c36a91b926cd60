"""A survey of one's own from survey.toml to candidates: three bands, text ids, other sizes than HSC's, blind."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from swimmy_db.catalog import open_catalog
from swimmy_db.cubes.store import CubeSet
from swimmy_db.errors import InputRefused, NotReady
from swimmy_db.pipeline.gallery import draw_gallery
from swimmy_db.pipeline.ingest import ingest_own
from swimmy_db.pipeline.report import write_report
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.report.gallery import anomaly_gallery
from swimmy_db.workspace import Workspace

N = 40
STAR, FAINT, FLAGGED, NO_MAGNITUDE, NO_STAMP, SMALL_STAMP, BLUE = 3, 5, 7, 9, 11, 13, 17
OUT = {STAR, FAINT, FLAGGED, NO_MAGNITUDE}
SURVEY = """
[survey]
name = "tiny"
[instrument]
pixel_scale = 0.3
target_fwhm = 1.2
aperture_diameter_arcsec = 1.8
[settings]
magnitude_band = "r"
magnitude_max = 20.0
extendedness_min = 0.1
stamp_size = 32
psf_margin = 8
runs = 1
epochs = 2
first_saved_epoch = 1
batch_size = 4
training_jobs = 1
fraction_2sigma = 0.1
fraction_3sigma = 0.05
not_applied = ["validation_loss_ratio_max"]
[catalogue]
file = "objects.csv"
missing_values = [-99]
[catalogue.columns]
object_id = "name"
ra = "ra"
dec = "dec"
flagged = "flags"
magnitude = "mag_{band}"
psf_magnitude = { r = "psf_r" }
[stamps]
format = "npy"
path = "stamps/{source_id}.npy"
"""


def galaxy(rng: np.random.Generator, blue_nucleus: bool) -> np.ndarray:
    """(band, y, x), counts of zero point 25: an exponential disc of 17 to 19 mag and sky noise."""
    y, x = np.mgrid[:48, :48] - 23.5
    disc = np.exp(-np.hypot(x, y * rng.uniform(1, 2)) / rng.uniform(2, 4))
    flux = 10 ** (0.4 * (25 - rng.uniform(17, 19) - np.array([0.0, -1.0, -1.7])))
    cube = disc / disc.sum() * flux[:, None, None] / 5
    if blue_nucleus:
        nucleus = np.exp(-(x**2 + y**2) / 4.0)
        cube[0] += nucleus / nucleus.sum() * cube.sum()
    return (cube + rng.normal(0, 0.5, cube.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def survey_file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    rng = np.random.default_rng(5)
    (folder / "stamps").mkdir()
    rows = ["name,ra,dec,flags,mag_u,mag_g,mag_r,psf_r"]
    for i in range(N):
        magnitude = -99 if i == NO_MAGNITUDE else 20.5 if i == FAINT else 18.5
        psf = magnitude + (0.0 if i == STAR else 0.5)
        rows.append(
            f"J{i:03d}+0,{359.9 + i * 0.004:.5f},{-0.1 + i * 0.005:.5f},{int(i == FLAGGED)},-99,19,{magnitude},{psf}"
        )
        cube = galaxy(rng, i == BLUE)
        if i != NO_STAMP:
            np.save(folder / f"stamps/J{i:03d}+0.npy", cube[:, 12:-12, 12:-12] if i == SMALL_STAMP else cube)
    # the footprint crosses RA 0
    fixed = [row.split(",") for row in rows[1:]]
    rows[1:] = [",".join([r[0], f"{float(r[1]) % 360:.5f}", *r[2:]]) for r in fixed]
    (folder / "objects.csv").write_text("\n".join(rows) + "\n")
    bands = "".join(
        f'[[bands]]\nband = "{band}"\nreference_wavelength = {wavelength}\nis_selection_band = {selects}\n'
        "zero_point = 25.0\nseeing_fwhm = 1.0\n"
        for band, wavelength, selects in (("u", 3550.0, "true"), ("g", 4770.0, "true"), ("r", 6200.0, "false"))
    )
    (folder / "survey.toml").write_text(bands + SURVEY)
    return folder / "survey.toml"


@pytest.fixture(scope="module")
def workspace(survey_file, tmp_path_factory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("workspace") / "w")
    ingest_own(workspace, survey_file)
    for _ in run_stages(workspace):
        pass
    return workspace


def rows(workspace: Workspace, sql: str) -> list[tuple]:
    with open_catalog(workspace) as catalog:
        return catalog.rows(sql)


def names(workspace: Workspace, sql: str) -> set[int]:
    """Numbers in the source ids of a query's object ids."""
    found = rows(workspace, f"select source_id from raw.own_objects where object_id in ({sql})")
    return {int(source_id[1:4]) for (source_id,) in found}


def test_the_sample_is_what_the_cuts_leave(workspace):
    assert names(workspace, "select object_id from survey.sample_members where sample = 'own'") == set(range(N)) - OUT
    cuts = dict(rows(workspace, "select object_id - 1, first_failed_cut from survey.cut_results"))
    assert cuts[FAINT] == "magnitude"
    assert cuts[STAR] == "point source"
    assert cuts[FLAGGED] == "flagged"
    assert cuts[NO_MAGNITUDE] == "magnitude missing"
    assert cuts[0] is None


def test_bad_stamps_are_rejected_with_their_reason_and_the_rest_goes_on(workspace):
    cubes = names(workspace, "select object_id from survey.cubes")
    assert cubes == set(range(N)) - OUT - {NO_STAMP, SMALL_STAMP}
    rejects = rows(workspace, "select object_id - 1, reason from meta.rejects where object_id is not null")
    assert {object_id for object_id, _ in rejects} == {NO_STAMP, SMALL_STAMP}
    reasons = dict(rejects)
    assert reasons[NO_STAMP] == "no such file"
    assert "too small" in reasons[SMALL_STAMP]


def test_the_search_is_blind_and_complete(workspace):
    assert rows(workspace, "select count(*) from survey.classes where is_training") == [(N - len(OUT),)]
    scored = rows(
        workspace, "select count(distinct object_id), count(distinct band), min(s_anom) > 0 from model.scores"
    )
    assert scored == [(N - len(OUT) - 2, 3, True)]
    assert rows(workspace, "select count(*) > 0 from model.candidates where sample = 'own'") == [(True,)]
    best, least = rows(
        workspace,
        "select checkpoint_id, validation_loss from model.checkpoints join model.epochs using (run_id, epoch) "
        "order by validation_loss limit 1",
    )[0]
    assert least > 0
    assert rows(workspace, "select distinct checkpoint_id from model.best_checkpoint where aperture = 'disc'") == [
        (best,)
    ]


def test_the_blue_nucleus_stands_out_in_u(workspace):
    ranks = rows(
        workspace,
        "select object_id - 1 from model.scores join model.best_checkpoint using (checkpoint_id, aperture) "
        "where aperture = 'disc' and band = 'u' order by s_anom desc limit 3",
    )
    assert BLUE in {object_id for (object_id,) in ranks}


def test_the_gallery_shows_the_ranking(workspace, tmp_path, monkeypatch):
    drawn = {}

    def keep(path, anomalies, ordinary, **how):
        drawn.update(anomalies=anomalies, ordinary=ordinary, **how)
        return anomaly_gallery(path, anomalies, ordinary, **how)

    monkeypatch.setattr("swimmy_db.report.gallery.anomaly_gallery", keep)
    path = draw_gallery(workspace, tmp_path / "report" / "a.png", "own", number=5)
    assert imread(path).shape[2] == 4
    assert drawn["rgb"] == (2, 1, 0)
    assert drawn["aperture_radius"] == pytest.approx(3.0)
    # independently: score over threshold in u and g, where there is excess light
    scores = rows(
        workspace,
        "select s.object_id, max(case when residual_flux > 0 then s_anom / s_anom_min else 0 end) as excess "
        "from model.scores s join model.thresholds t using (checkpoint_id, aperture, band) "
        "join model.best_checkpoint b using (checkpoint_id, aperture) "
        "where aperture = 'disc' and band in ('u', 'g') and t.level = '2sigma' group by all order by excess desc, 1",
    )
    assert list(drawn["anomalies"].object_ids) == [object_id for object_id, _ in scores[:5]]
    below = {object_id for object_id, excess in scores if excess < 1}
    assert set(drawn["ordinary"].object_ids) <= below
    assert len(set(drawn["ordinary"].object_ids)) == 5
    # each cube stands by its own id
    for half in (drawn["anomalies"], drawn["ordinary"]):
        assert half.cubes.shape == half.reconstructions.shape == (5, 3, 32, 32)
    ids, cubes = CubeSet(workspace.cubes / workspace.settings().cube_set).load(np.array(drawn["anomalies"].object_ids))
    expected = {int(i): cube / 65535 for i, cube in zip(ids, cubes, strict=True)}
    for object_id, cube in zip(drawn["anomalies"].object_ids, drawn["anomalies"].cubes, strict=True):
        assert np.allclose(cube, expected[object_id], atol=1e-6)


def test_no_gallery_without_scores(workspace, tmp_path):
    with pytest.raises(NotReady, match="'colour' has a score"):
        draw_gallery(workspace, tmp_path / "a.png", "colour")
    assert not list(tmp_path.iterdir())


def test_a_sample_with_redshifts(survey_file, tmp_path):
    """`samples = "specz"`: of a catalogue with redshifts those within the limits, strictly, and no others."""
    lines = survey_file.with_name("objects.csv").read_text().splitlines()
    redshifts = ["", "0.05", "0.06", "0.15", "0.2", "-99"] * N
    table = [f"{line},{z}" for line, z in zip(lines[1:], redshifts, strict=False)]
    survey_file.with_name("redshifts.csv").write_text("\n".join([f"{lines[0]},z", *table]) + "\n")
    text = survey_file.read_text().replace("objects.csv", "redshifts.csv")
    text = text.replace('dec = "dec"', 'dec = "dec"\nredshift = "z"').replace("mag_{band}", "mag_r")
    text = text.replace("[settings]", '[settings]\nsamples = "specz"\nredshift_min = 0.05\nredshift_max = 0.2')
    toml = survey_file.with_name("redshifts.toml")
    toml.write_text(text.replace('magnitude = "mag_r"', 'magnitude = { u = "mag_r", g = "mag_r", r = "mag_r" }'))
    workspace = Workspace(tmp_path / "w")
    ingest_own(workspace, toml)
    list(run_stages(workspace, ["select"]))
    expected = {i for i in set(range(N)) - OUT if redshifts[i] in ("0.06", "0.15")}
    assert names(workspace, "select object_id from survey.sample_members where sample = 'specz'") == expected


def test_a_second_run_does_nothing(workspace):
    assert [stage.name for stage, seconds in run_stages(workspace) if seconds is not None] == []


def test_a_wrong_survey_leaves_nothing_behind(survey_file, tmp_path):
    text = survey_file.read_text()
    survey_file.with_name("wrong.toml").write_text(text.replace('dec = "dec"', 'dec = "declination"'))
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(InputRefused, match=r"objects\.csv: columns missing\n  column declination"):
        ingest_own(workspace, survey_file.with_name("wrong.toml"))
    assert not workspace.database.exists()
    assert not list(workspace.folder.rglob("*.csv"))


def test_its_report_says_what_it_lacks_and_is_not_called_simulated(workspace, tmp_path):
    written = write_report(workspace, tmp_path / "report")
    assert {"figure2", "figure3", "figure5", "figure7", "figure12", "figure16"} <= set(written.drawn)
    assert {"figure1", "figure8", "figure9", "figure10", "figure13", "figure15", "figure18"} <= set(written.missing)
    # its u magnitudes are all missing, so there is no colour to choose examples by
    assert written.missing["figure4"] == "Not shown: no training galaxy has magnitudes in the selection bands."
    assert written.missing["figure9"] == "Not shown: no MPA-JHU catalogue."
    page = written.page.read_text(encoding="utf-8")
    text = page[: page.index("<script>")]
    assert "Simulated survey" not in text
    assert "simulated survey" not in text
    assert "all galaxies train" in text
    assert all((written.page.parent / "figures" / f"{name}.pdf").exists() for name in written.drawn)
    table = (written.page.parent / "tables" / "table3.csv").read_text()
    assert "is_simulated" not in table
