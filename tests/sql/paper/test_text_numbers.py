"""Every number of paper.numbers counted again with numpy; and what it says where nothing can be counted."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

SELECTION = ("g", "r", "i")
DEFINITIONS = (
    "eqw, observed frame",
    "eqw, rest frame",
    "flux / continuum, observed frame",
    "flux / continuum, rest frame",
)
MILLIQUAS = {"quasar": "quasar", "type_i": "Type-I AGN", "type_ii": "Type-II AGN", "others": "Others"}


def plain(drawn) -> SimpleNamespace:
    """The arrays of sample specz alone, and who is what."""
    t, verdict = drawn.t, drawn.specz
    n = int(t.is_specz.sum())
    fitted = t.in_gswlc[:n] & (t.gswlc_mass[:n] > -99)
    return SimpleNamespace(
        n=n,
        verdict=verdict,
        classes=t.classes[:n],
        milliquas=t.milliquas[:n],
        mpa=t.has_mpa[:n],
        agn=(t.classes == "dr16q")[:n]
        | np.array([m is not None for m in t.milliquas[:n]])
        | (t.has_mpa & (t.bptclass >= 4))[:n],
        candidates=verdict.selected.any(axis=0),
        most=verdict.selected & np.isin(verdict.level, ["3sigma", "3.5sigma"]),
        over=verdict.level != "",
        in_gswlc=t.in_gswlc[:n],
        fitted=fitted,
        ew=t.ew_band[:, :n],
        magnitude=t.magnitude[:, :n],
        mass=np.where(t.has_mpa, t.log_mass, np.nan)[:n],
        sfr=t.log_sfr[:n],
    )


def chosen_at(drawn, number: int) -> np.ndarray:
    """Who of specz is selected in any band at a checkpoint, by rank."""
    t, members = drawn.t, drawn.t.is_specz
    scores, residuals = t.scores[number][:3, members], t.residuals[number][:3, members]
    limits = np.sort(scores, axis=1)[:, -round(0.05 * members.sum())][:, None]
    return ((scores >= limits) & (residuals > 0)).any(axis=0)


def fractions_of_specz(drawn) -> dict[str, tuple]:
    """(who counts, among whom) of the paper's fractions, with the paper's value; section 2.2 to 4.4."""
    t, p = drawn.t, plain(drawn)
    dr16q, xelg = p.classes == "dr16q", p.classes == "xelg"
    known = np.array([m is not None for m in p.milliquas])
    everyone = np.ones(p.n, bool)
    failed = p.in_gswlc & ~p.fitted
    most_of_all = p.most.any(axis=0)
    found = {
        "candidates": (p.candidates, everyone, 0.1207),
        "DR16Q quasars selected": (p.candidates, dr16q, 0.6087),
        "XELGs selected": (p.candidates, xelg, 0.6320),
        "DR16Q quasars selected in g": (p.verdict.selected[0], dr16q, 0.3043),
        "candidates that are in DR16Q or Milliquas": (dr16q | known, p.candidates, 0.0416),
        "failed SED fits in GSWLC-2, all galaxies": (failed, p.in_gswlc, 0.0067),
        "failed SED fits in GSWLC-2, most anomalous galaxies": (failed, p.in_gswlc & most_of_all, 0.16),
        "Milliquas total selected": (p.candidates, known & ~dr16q, 0.2495),
    }
    for place, definition in enumerate(DEFINITIONS):
        name = f"XELGs among MPA-JHU galaxies, EW by {definition}"
        found[name] = (t.ew_max[place, : p.n] > 100, p.mpa & ~dr16q, 0.02726)
    for (kind, label), paper in zip(MILLIQUAS.items(), (0.6957, 0.4545, 0.1276, 0.2857), strict=True):
        found[f"Milliquas {label} selected"] = (p.candidates, (p.milliquas == kind) & ~dr16q, paper)
    papers = {
        "negative": (0.00324, 0.13042, 0.00567),
        "strong": (0.907, 0.844, 0.644),
        "unfitted": (None, 0.78, None),
        "most": (0.71, 0.48, 0.65),
    }
    settled = np.isfinite(p.mass) & ~p.agn
    median = np.median(p.mass[p.mpa & np.isfinite(p.mass)])
    for k, band in enumerate(SELECTION):
        chosen, most, over = p.verdict.selected[k], p.most[k], p.over[k]
        lacks_light = p.verdict.residuals[k] <= 0
        bright = p.magnitude[k] < 16.5
        found |= {
            f"negative residuals over the threshold in {band}": (lacks_light, over, papers["negative"][k]),
            f"XELGs with EW_{band} > 100 A selected in {band}": (chosen, xelg & (p.ew[k] > 100), papers["strong"][k]),
            f"galaxies selected in {band} without mass and rate in GSWLC-2": (~p.fitted, chosen, papers["unfitted"][k]),
            f"XELGs of the MPA-JHU galaxies above 3 sigma in {band}": (xelg, most & p.mpa, papers["most"][k]),
            f"galaxies with EW_{band} > 50 A selected in {band}": (chosen, p.mpa & (p.ew[k] > 50), None),
            f"galaxies above 3 sigma with EW_{band} < 1 A in {band}": (p.ew[k] < 1, most & p.mpa, None),
            f"negative residuals over the threshold, brighter than 16.5 mag in {band}": (
                lacks_light,
                over & bright,
                None,
            ),
            f"most anomalous galaxies above the main sequence in {band}": (
                p.sfr > 0.76 * p.mass - 7.64,
                most & settled,
                None,
            ),
            f"most anomalous galaxies below the median mass of all in {band}": (p.mass < median, most & settled, None),
            f"strongest negative residuals in {band} that are positive in all other bands": (
                (p.verdict.residuals > 0).sum(axis=0) == 4,
                strongest(over & lacks_light, p.verdict.scores[k]),
                None,
            ),
        }
    return found


def strongest(among: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The 25 highest scores of some."""
    shown = sorted(np.flatnonzero(among), key=lambda place: -scores[place])[:25]
    return np.isin(np.arange(len(scores)), shown)


def test_every_fraction_of_the_sample_with_redshifts_is_numpys(drawn):
    survey, t, p = drawn.survey, drawn.t, plain(drawn)
    rows = {row["name"]: row for row in survey.records("from paper.numbers where sample = 'specz'")}
    counted = {
        name: (int((who & among).sum()), int(among.sum()), paper)
        for name, (who, among, paper) in fractions_of_specz(drawn).items()
    }
    # a galaxy counts once for each band whose threshold it does not reach
    missed = p.mpa & (p.ew[:3] > 100) & ~p.over[:3]
    counted["galaxies with EW_band > 100 A below the threshold there that another band selects"] = (
        int((missed & p.candidates).sum()),
        int(missed.sum()),
        0.7,
    )
    votes = np.sum([chosen_at(drawn, number) for number in range(len(t.checkpoints))], axis=0)
    counted["candidates that at least half of the checkpoints select"] = (
        int((votes[p.candidates] >= len(t.checkpoints) / 2).sum()),
        int(p.candidates.sum()),
        None,
    )
    (median,) = {row[0] for row in survey.rows("select median_checkpoint_id from model.published where sample='specz'")}
    at_median = chosen_at(drawn, t.checkpoints.index(median))
    xelg = p.classes == "xelg"
    counted["candidates of the median checkpoint"] = (int(at_median.sum()), p.n, None)
    counted["XELGs selected by the median checkpoint"] = (int(at_median[xelg].sum()), int(xelg.sum()), None)

    assert {name for name, row in rows.items() if row["kind"] == "fraction"} == set(counted)
    for name, (k, total, paper) in counted.items():
        assert (rows[name]["our_n"], rows[name]["our_total"]) == (k, total), name
        assert rows[name]["our_value"] == (pytest.approx(k / total) if total else None), name
        assert rows[name]["paper_value"] == (None if paper is None else pytest.approx(paper, rel=2e-3)), name
        assert (rows[name]["reason"] is None) == (total > 0), name
    # a number of nobody proves nothing
    assert sum(total > 3 for _, total, _ in counted.values()) > 0.9 * len(counted)


def test_every_other_number_is_numpys(drawn):
    survey, t, p = drawn.survey, drawn.t, plain(drawn)
    rows = {
        row["name"]: row
        for row in survey.records("from paper.numbers where sample = 'specz'")
        if row["kind"] == "value"
    }
    expected = {"weights compared": (len(t.checkpoints), 480)}
    runs = [chosen_at(drawn, 2 * run + 1) for run in range(3)]
    overlaps = [(a & b).sum() / (a | b).sum() for a, b in combinations(runs, 2)]
    expected["mean overlap of two runs' candidates (Jaccard)"] = (np.mean(overlaps), None)
    papers = {"quasar": (5, 3.5), "type_i": (3.1, 4.35), "type_ii": (35 / 11, 40 / 11)}
    for kind, of_paper in papers.items():
        members = (p.milliquas == kind) & (p.classes != "dr16q")
        in_r = p.verdict.selected[1][members].sum()
        for band, paper in zip(("g", "i"), of_paper, strict=True):
            chosen = p.verdict.selected["gri".index(band)][members].sum()
            name = f"Milliquas {MILLIQUAS[kind]}: rate over that of r, selected in {band}"
            expected[name] = (chosen / in_r if in_r else None, paper)
    expected["scatter of the validation loss, runs of a setting over settings"] = (None, None)
    assert set(rows) == set(expected)
    for name, (value, paper) in expected.items():
        assert rows[name]["our_value"] == (None if value is None else pytest.approx(value)), name
        assert rows[name]["paper_value"] == (None if paper is None else pytest.approx(paper)), name
    assert rows["scatter of the validation loss, runs of a setting over settings"]["reason"] == (
        "only one setting of the network is trained"
    )
    assert sum((rows[name]["our_value"] or 0) > 0 for name in rows if name.startswith("Milliquas")) > 1
    names = drawn.survey.rows("select name, count(*) from paper.numbers group by sample, checkpoint_id, name")
    assert {number for _, number in names} == {1}


def test_the_colour_sample_at_3_5_sigma_is_counted_band_by_band(drawn):
    verdict = drawn.colour
    for position, band in enumerate(SELECTION):
        most = verdict.selected[position] & (verdict.level[position] == "3.5sigma")
        ((k, total, paper),) = drawn.survey.rows(
            "select our_n, our_total, paper_value from paper.numbers where sample = 'colour' "
            f"and name = 'colour sample selected at 3.5 sigma in {band}'"
        )
        assert (k, total) == (most.sum(), len(most))
        assert paper == pytest.approx(225 / 487152)


def test_numbers_stand_in_the_order_of_the_bands(drawn):
    names = [
        name
        for (name,) in drawn.survey.rows("select name from paper.numbers where sample = 'specz'")
        if "A sel" in name
    ]
    assert names == [
        *(f"XELGs with EW_{band} > 100 A selected in {band}" for band in SELECTION),
        *(f"galaxies with EW_{band} > 50 A selected in {band}" for band in SELECTION),
    ]
    names = drawn.survey.rows("select name from paper.numbers where sample = 'specz' and name like '%without mass%'")
    assert names == [(f"galaxies selected in {band} without mass and rate in GSWLC-2",) for band in SELECTION]


def test_tests_by_rank_and_two_settings_become_numbers(drawn):
    survey, t = drawn.survey, drawn.t
    checkpoint = t.checkpoints[drawn.number]
    survey.add(
        "model.rank_correlations",
        {"sample": "specz", "checkpoint_id": checkpoint, "band": "r", "quantity": "magnitude", "n": 7, "rho": -0.25}
        | {"p_value": 0.03},
    )
    survey.add(
        "model.ks_tests",
        *(
            {"sample": "specz", "checkpoint_id": checkpoint, "band": "i", "catalog": "gswlc", "quantity": "log_mass"}
            | {"compared_with": others, "n_selected": 5, "n_compared": 50, "statistic": 0.4, "p_value": p_value}
            for others, p_value in (("all", 0.002), ("not selected", 0.001))
        ),
    )
    survey.add("model.runs", {"run_id": "d4-r0", "experiment": "d4", "run": 0, "latent_dim": 4, "noise_std": 0.02})
    survey.add("model.checkpoints", {"checkpoint_id": "d4-r0-e10", "run_id": "d4-r0", "epoch": 10})
    survey.add("model.epochs", {"run_id": "d4-r0", "epoch": 10, "train_loss": 0.3, "validation_loss": 0.4})
    survey.run("paper")
    rows = {row["name"]: row for row in survey.records("from paper.numbers where sample = 'specz'")}
    spearman = rows["Spearman coefficient of score and magnitude in r"]
    assert (spearman["our_value"], spearman["our_n"]) == (-0.25, 7)
    assert spearman["note"].startswith("p = 0.03;")
    ks = rows["KS p-value of mass of galaxies selected in i, GSWLC-2"]
    assert (ks["our_value"], ks["our_n"]) == (0.002, 5)
    by_run = t.losses[:, 1].reshape(3, 2).mean(axis=1)
    scatter = rows["scatter of the validation loss, runs of a setting over settings"]
    assert scatter["our_value"] == pytest.approx(by_run.std(ddof=1) / np.std([by_run.mean(), 0.4], ddof=1))
    assert (scatter["our_n"], scatter["reason"]) == (2, None)


def test_numbers_that_cannot_be_counted_keep_their_rows_and_say_why(make_survey, drawn):
    """Without catalogues beside the images: the same names as with them, each with the reason."""
    survey, t = make_survey(), drawn.t
    survey.run("select")
    ids = t.ids[:40].tolist()
    survey.add_columns("survey.sample_members", sample="specz", object_id=ids)
    survey.add_columns("survey.galaxies", object_id=ids, ra=0.0, dec=0.0, redshift=0.1)
    survey.add_columns("survey.classes", object_id=ids, **{"class": "training"}, is_training=True, has_mpa_jhu=False)
    survey.add("model.runs", {"run_id": "a-r0", "experiment": "default", "run": 0, "latent_dim": 8, "noise_std": 0.02})
    survey.add("model.checkpoints", {"checkpoint_id": "a-r0-e10", "run_id": "a-r0", "epoch": 10})
    survey.add("model.epochs", {"run_id": "a-r0", "epoch": 10, "train_loss": 0.3, "validation_loss": 0.4})
    scores = {"checkpoint_id": "a-r0-e10", "aperture": "disc", "object_id": ids, "n_pixels": 32}
    scores |= {"n_clipped": 0, "n_guarded": 0, "residual_flux": 1.0, "s_anom": list(range(1, 41))}
    for table, bands in (("model.selection_scores", "gri"), ("model.best_scores", "zy")):
        for band in bands:
            survey.add_columns(table, band=band, **scores)
    for stage in ("choose", "candidates", "paper"):
        survey.run(stage)
    full = {
        name
        for name, kind in drawn.survey.rows("select name, kind from paper.numbers where sample = 'specz'")
        if kind == "fraction" and "strongest negative" not in name
    }
    rows = {row["name"]: row for row in survey.records("from paper.numbers where sample = 'specz'")}
    assert full <= set(rows)
    reasons = {name: row["reason"] for name, row in rows.items() if row["our_value"] is None}
    assert reasons["XELGs with EW_g > 100 A selected in g"] == "no MPA-JHU catalogue"
    assert reasons["XELGs among MPA-JHU galaxies, EW by eqw, rest frame"] == "no MPA-JHU catalogue"
    assert reasons["DR16Q quasars selected"] == "no DR16Q catalogue"
    assert reasons["Milliquas Type-I AGN selected"] == "no Milliquas catalogue"
    assert reasons["failed SED fits in GSWLC-2, all galaxies"] == "no GSWLC-2 catalogue"
    assert all(reasons.values())
    assert rows["candidates"]["our_n"] == 2
