"""A searched survey of known arrays: every figure's data can be counted from them again with numpy alone."""

from types import SimpleNamespace

import numpy as np
import pytest

BANDS = ("g", "r", "i", "z", "y")
SELECTION = ("g", "r", "i")
N, N_COLOUR = 700, 300
CLASSES = np.repeat(
    ["dr16q", "xelg", "agn_liner_composite", "training", "other_specz"], [20, 60, 60, 300, N - 440 + N_COLOUR]
)
RUNS, EPOCHS = (0, 1, 2), (10, 11)
FRACTIONS = {"2sigma": 0.05, "3sigma": 0.02, "3.5sigma": 0.01}
EW_DEFINITIONS = {
    "ew_max_eqw_observed": "eqw, observed frame",
    "ew_max_eqw_rest": "eqw, rest frame",
    "ew_max_flux_observed": "flux / continuum, observed frame",
    "ew_max_flux_rest": "flux / continuum, rest frame",
}
CURVE = {"g": (4000, 5500), "r": (5400, 7000), "i": (6900, 8500), "z": (8500, 9300), "y": (9300, 10100)}


def truth() -> SimpleNamespace:
    """The arrays: scores (checkpoint, band, object) and what is known of each object; the colour sample comes last."""
    random = np.random.default_rng(42)
    total = N + N_COLOUR
    has_mpa = np.isin(CLASSES, ["xelg", "agn_liner_composite", "training"])
    unusual = np.isin(CLASSES, ["dr16q", "xelg"])
    checkpoints = [f"default-r{run}-e{epoch}" for run in RUNS for epoch in EPOCHS]
    scores = random.lognormal(-4, 1, (len(checkpoints), 5, total)) * np.where(unusual, 6, 1)
    return SimpleNamespace(
        ids=np.array([10**17 + 3 * k for k in range(total)]),
        is_specz=np.arange(total) < N,
        classes=CLASSES,
        has_mpa=has_mpa,
        milliquas=np.array([("type_i", "quasar", None)[k % 3] if k % 7 == 0 else None for k in range(total)]),
        bptclass=np.where(has_mpa, random.integers(1, 6, total), 0),
        redshift=random.uniform(0.05, 0.2, total),
        magnitude=random.uniform(15, 20, (5, total)),
        ew_band=np.where(random.random((5, total)) < 0.1, 0.0, random.lognormal(3, 1.5, (5, total))),
        log_mass=np.where(random.random(total) < 0.05, np.nan, random.normal(10.3, 0.5, total)),
        log_sfr=random.normal(0.2, 0.6, total),
        gswlc_mass=np.where(random.random(total) < 0.1, -99.0, random.normal(10.2, 0.5, total)),
        in_gswlc=random.random(total) < 0.6,
        checkpoints=checkpoints,
        scores=scores,
        residuals=random.normal(0.4, 1, scores.shape),
        losses=random.uniform(0.1, 0.2, (len(checkpoints), 2)),
        ew_max=random.lognormal(4, 1, (len(EW_DEFINITIONS), total)),
    )


def fill(survey, t: SimpleNamespace) -> None:
    survey.run("select")
    ids = t.ids.tolist()
    for sample, members in (("specz", t.is_specz), ("colour", ~t.is_specz)):
        survey.add_columns("survey.sample_members", sample=sample, object_id=t.ids[members].tolist())
    survey.add_columns(
        "survey.galaxies",
        object_id=ids,
        ra=(np.arange(len(ids)) / 100).tolist(),
        dec=-1.0,
        redshift=[z if known else None for z, known in zip(t.redshift.tolist(), t.is_specz, strict=True)],
    )
    survey.add_columns(
        "survey.classes",
        object_id=ids,
        **{"class": t.classes.tolist()},
        is_training=(t.classes == "training").tolist(),
        milliquas_class=t.milliquas.tolist(),
        has_mpa_jhu=t.has_mpa.tolist(),
    )
    mpa = np.flatnonzero(t.has_mpa)
    masses = [None if np.isnan(mass) else float(mass) for mass in t.log_mass[mpa]]
    survey.add_columns(
        "survey.line_strengths",
        object_id=t.ids[mpa].tolist(),
        specobjid="1",
        bptclass=t.bptclass[mpa].tolist(),
        log_mass=masses,
        log_sfr=t.log_sfr[mpa].tolist(),
        **{name: t.ew_max[place, mpa].tolist() for place, name in enumerate(EW_DEFINITIONS)},
    )
    survey.add("raw.galspec_info", {"ra": 0.0, "dec": 0.0})
    survey.add("raw.milliquas", {"ra": 0.0, "dec": 0.0})
    survey.add("raw.dr16q", {"ra": 0.0, "dec": 0.0})
    gswlc = np.flatnonzero(t.in_gswlc)
    survey.add_columns(
        "raw.gswlc",
        objid=t.ids[gswlc].tolist(),
        ra=0.0,
        dec=0.0,
        logmstar=t.gswlc_mass[gswlc].tolist(),
        logsfr_sed=t.log_sfr[gswlc].tolist(),
        flag_sed=0,
        source_file="gswlc",
        file_row=gswlc.tolist(),
    )
    survey.add_columns(
        "survey.matches",
        object_id=t.ids[gswlc].tolist(),
        catalog="gswlc",
        source_id="1",
        rank=1,
        source_file="gswlc",
        file_row=gswlc.tolist(),
    )
    for position, band in enumerate(BANDS):
        survey.add_columns("survey.photometry", object_id=ids, band=band, cmodel_mag=t.magnitude[position].tolist())
        survey.add_columns(
            "survey.band_line_strengths",
            object_id=t.ids[mpa].tolist(),
            band=band,
            ew_band=t.ew_band[position, mpa].tolist(),
        )
        low, high = CURVE[band]
        survey.add_columns(
            "raw.filter_curves", band=band, wavelength=[low, (low + high) / 2, high], response=[0.0, 0.5, 0.1]
        )
    for run in RUNS:
        survey.add(
            "model.runs",
            {"run_id": f"default-r{run}", "experiment": "default", "run": run, "latent_dim": 8, "noise_std": 0.02},
        )
    for number, checkpoint in enumerate(t.checkpoints):
        run_id, epoch = checkpoint.rsplit("-e", 1)
        survey.add("model.checkpoints", {"checkpoint_id": checkpoint, "run_id": run_id, "epoch": int(epoch)})
        losses = dict(zip(("train_loss", "validation_loss"), t.losses[number].tolist(), strict=True))
        survey.add("model.epochs", {"run_id": run_id, "epoch": int(epoch), **losses})
        add_scores(survey, t, "model.selection_scores", number, range(3))


def add_scores(survey, t: SimpleNamespace, table: str, number: int, bands: range) -> None:
    for position in bands:
        survey.add_columns(
            table,
            checkpoint_id=t.checkpoints[number],
            aperture="disc",
            object_id=t.ids.tolist(),
            band=BANDS[position],
            s_anom=t.scores[number, position].tolist(),
            residual_flux=t.residuals[number, position].tolist(),
            n_pixels=32,
            n_clipped=0,
            n_guarded=0,
        )


def verdicts(t: SimpleNamespace, number: int, members: np.ndarray) -> SimpleNamespace:
    """Of a sample's members at a checkpoint, by rank: limits {level: (band,)}, level and selected (band, object)."""
    scores, residuals = t.scores[number][:, members], t.residuals[number][:, members]
    limits = {
        level: np.sort(scores, axis=1)[:, -round(fraction * members.sum())] for level, fraction in FRACTIONS.items()
    }
    level = np.full(scores.shape, "", object)
    for name, limit in limits.items():
        level[scores >= limit[:, None]] = name
    selected = (level != "") & (residuals > 0)
    selected[3:] = False
    return SimpleNamespace(scores=scores, residuals=residuals, limits=limits, level=level, selected=selected)


@pytest.fixture(scope="module")
def searched(make_survey):
    """The survey after all SQL stages, the truth `t`, the published checkpoint's number, verdicts of both samples."""
    t = truth()
    survey = make_survey(
        samples="specz,colour", fraction_3sigma=FRACTIONS["3sigma"], fraction_3_5sigma=FRACTIONS["3.5sigma"]
    )
    fill(survey, t)
    survey.run("choose")
    ((published,),) = survey.rows("select distinct checkpoint_id from model.published")
    number = t.checkpoints.index(published)
    add_scores(survey, t, "model.best_scores", number, range(3, 5))
    survey.run("candidates")
    return SimpleNamespace(
        survey=survey,
        t=t,
        number=number,
        specz=verdicts(t, number, t.is_specz),
        colour=verdicts(t, number, ~t.is_specz),
    )


@pytest.fixture(scope="module")
def drawn(searched):
    """The same after stage `paper`; tests put their own rows into what stage `analyse` makes before they ask for it."""
    searched.survey.run("paper")
    return searched
