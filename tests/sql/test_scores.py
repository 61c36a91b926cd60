"""Thresholds, the best checkpoint, candidates and the paper's tables from synthetic scores, against numpy and scipy."""

import numpy as np
import pytest
from scipy import stats

from swimmy_db.sql_models import load_examples, run_checks

N = 400
SELECTION = ("g", "r", "i")
BANDS = ("g", "r", "i", "z", "y")
CLASSES = ["dr16q"] * 8 + ["xelg"] * 20 + ["agn_liner_composite"] * 30 + ["training"] * 160 + ["other_specz"] * 182
CHECKPOINTS = [f"default-r{run:02d}-e{epoch:02d}" for run in (1, 2) for epoch in (10, 11, 12)]
FRACTIONS = {"2sigma": 0.05, "3sigma": 0.01, "3.5sigma": 0.001}


def fill(survey, n=N, bands=BANDS, classes=CLASSES, validation_losses=(0.6, 0.2, 0.3, 0.5, 0.4, 0.1)):
    """A selected survey with checkpoints and scores. Returns scores and residuals, (checkpoint, band, object)."""
    random = np.random.default_rng(11)
    survey.run("select")
    ids = [10**17 + k for k in range(n)]
    survey.add("survey.sample_members", *({"sample": "specz", "object_id": i} for i in ids))
    survey.add(
        "survey.galaxies",
        *({"object_id": i, "ra": k / 100, "dec": -1.0, "redshift": 0.1, "samples": "specz"} for k, i in enumerate(ids)),
    )
    milliquas = [("quasar", "type_i", "type_ii", "others", None)[k % 5] if k % 3 == 0 else None for k in range(n)]
    survey.add(
        "survey.classes",
        *(
            {"object_id": i, "class": c, "is_training": c == "training", "milliquas_class": m, "has_mpa_jhu": True}
            for i, c, m in zip(ids, classes, milliquas, strict=True)
        ),
    )
    for run in (1, 2):
        survey.add("model.runs", {"run_id": f"default-r{run:02d}", "experiment": "default", "run": run})
    # few digits: ties at every threshold
    scores = np.round(random.exponential(size=(len(CHECKPOINTS), len(bands), n)), 1)
    # labelled objects score higher, most of all at the fourth checkpoint
    uncommon = np.isin(classes, ["dr16q", "xelg"])
    scores += np.round(uncommon * random.uniform(0, 1, scores.shape) * np.arange(6).reshape(-1, 1, 1) % 4, 1)
    residuals = random.normal(0.3, 1, scores.shape)
    residuals[:, :, ::50] = 0.0
    for number, (checkpoint, loss) in enumerate(zip(CHECKPOINTS, validation_losses, strict=True)):
        run_id, epoch = checkpoint.rsplit("-e", 1)
        survey.add("model.checkpoints", {"checkpoint_id": checkpoint, "run_id": run_id, "epoch": int(epoch)})
        survey.add("model.epochs", {"run_id": run_id, "epoch": int(epoch), "validation_loss": loss})
        add_scores(
            survey, "model.selection_scores", checkpoint, "disc", ids, bands[:3], scores[number], residuals[number]
        )
    return ids, scores, residuals


def add_scores(survey, table, checkpoint, aperture, ids, bands, scores, residuals):
    for position, band in enumerate(bands):
        survey.add_columns(
            table,
            checkpoint_id=checkpoint,
            aperture=aperture,
            object_id=ids,
            band=band,
            s_anom=scores[position].tolist(),
            residual_flux=residuals[position].tolist(),
            n_pixels=32,
            n_clipped=0,
            n_guarded=0,
        )


def over_threshold(scores, residuals, fraction):
    """By rank, per selection band: the threshold, who is above, who is selected; arrays (band, object)."""
    wanted = round(fraction * scores.shape[-1])
    limits = np.sort(scores, axis=-1)[:, -wanted][:, None]
    above = scores >= limits
    return limits[:, 0], above, above & (residuals > 0)


def search(survey):
    """Search a filled survey to the end. Returns it with the truth's arrays and the number of the best checkpoint."""
    ids, scores, residuals = fill(survey)
    survey.run("choose")
    (best,) = survey.rows("select distinct checkpoint_id from model.best_checkpoint")[0]
    number = CHECKPOINTS.index(best)
    add_scores(survey, "model.best_scores", best, "disc", ids, BANDS[3:], scores[number, 3:], residuals[number, 3:])
    add_scores(survey, "model.best_scores", best, "stamp", ids, BANDS, scores[number, ::-1], residuals[number, ::-1])
    survey.run("candidates")
    survey.run("paper")
    return survey, ids, scores, residuals, number


@pytest.fixture(scope="module")
def searched(make_survey):
    return search(make_survey(fraction_3sigma=0.01, fraction_3_5sigma=0.001))


def test_thresholds_are_ranks_with_ties_counted(searched):
    survey, _, scores, _, best = searched
    for level, fraction in FRACTIONS.items():
        for number, checkpoint in enumerate(CHECKPOINTS):
            found = survey.rows(
                "select band, n_scored, n_wanted, s_anom_min, n_above from model.thresholds "
                f"where checkpoint_id = '{checkpoint}' and aperture = 'disc' and level = '{level}'"
            )
            assert {row[0] for row in found} == set(BANDS if number == best else SELECTION)
            wanted = round(fraction * N)
            for band, n_scored, n_wanted, limit, n_above in found:
                values = np.sort(scores[number, BANDS.index(band)])
                assert (n_scored, n_wanted) == (N, wanted)
                assert limit == (values[-wanted] if wanted else None)
                assert n_above == (np.sum(values >= limit) if wanted else 0)
    (n_tied,) = survey.rows("select count(*) from model.thresholds where n_above > n_wanted")[0]
    assert n_tied > 10


def test_the_best_checkpoint_has_the_highest_summed_rate(searched):
    survey, _, scores, residuals, best = searched
    classes = np.array(CLASSES)
    rates = {}
    for number in range(len(CHECKPOINTS)):
        _, _, selected = over_threshold(scores[number, :3], residuals[number, :3], 0.05)
        any_band = selected.any(axis=0)
        rates[number] = [any_band[classes == label].mean() for label in ("dr16q", "xelg")] + [any_band.mean()]
        for label, rate in zip(("dr16q", "xelg", "all"), rates[number], strict=True):
            query = f"checkpoint_id = '{CHECKPOINTS[number]}' and class = '{label}'"
            n, n_selected, found, low, high = survey.rows(
                f"select n, n_selected, rate, rate_lower, rate_upper from model.selection_rates where {query}"
            )[0]
            assert found == n_selected / n == pytest.approx(rate)
            interval = stats.binomtest(n_selected, n).proportion_ci(0.95, method="wilson")
            assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    sums = {number: rate[0] + rate[1] for number, rate in rates.items()}
    assert best == max(sums, key=sums.get)
    rows = survey.records("from model.best_checkpoint order by aperture")
    assert [row["aperture"] for row in rows] == ["annulus", "disc", "stamp"]
    assert {row["checkpoint_id"] for row in rows} == {CHECKPOINTS[best]}
    disc = rows[1]
    assert disc["value"] == pytest.approx(sums[best])
    assert disc["median_value"] == pytest.approx(np.median(list(sums.values())))
    assert disc["median_rate_all"] == pytest.approx(np.median([rate[2] for rate in rates.values()]))
    ordered = sorted(sums, key=sums.get)
    assert sums[CHECKPOINTS.index(disc["median_checkpoint_id"])] == sums[ordered[2]]
    assert disc["rule"] == "max(r_DR16Q + r_XELG)"


def test_candidates_are_those_that_numpy_selects(searched):
    survey, ids, scores, residuals, best = searched
    limits = {
        level: over_threshold(scores[best, :3], residuals[best, :3], f)[0] for level, f in list(FRACTIONS.items())[:2]
    }
    _, above, selected = over_threshold(scores[best, :3], residuals[best, :3], 0.05)
    times = sum(
        over_threshold(s[:3], r[:3], 0.05)[2].any(axis=0).astype(int) for s, r in zip(scores, residuals, strict=True)
    )
    found = survey.records("from model.candidates where aperture = 'disc'")
    assert [row["object_id"] for row in found] == [ids[k] for k in np.flatnonzero(selected.any(axis=0))]
    training = np.array(CLASSES) == "training"
    for row in found:
        k = ids.index(row["object_id"])
        chosen = [position for position in range(3) if selected[position, k]]
        assert row["bands"] == "&".join(BANDS[position] for position in chosen)
        is_3sigma = any(scores[best, position, k] >= limits["3sigma"][position] for position in chosen)
        assert row["max_level"] == ("3sigma" if is_3sigma else "2sigma")
        assert row["n_checkpoints_selecting"] == times[k]
        assert row["class"] == CLASSES[k]
        for position, band in enumerate(BANDS):
            score = scores[best, position, k]
            assert row[f"s_anom_{band}"] == score
            assert row[f"residual_{band}"] == residuals[best, position, k]
            p = (1 + np.sum(scores[best, position, training] >= score)) / (training.sum() + 1)
            assert row[f"sigma_{band}"] == pytest.approx(stats.norm.isf(p / 2), abs=1e-12)
    negatives = {(BANDS[position], ids[k]) for position, k in np.argwhere(above & ~selected)}
    assert set(survey.rows("select band, object_id from model.negative_residuals where aperture = 'disc'")) == negatives
    assert negatives


def test_candidates_of_is_the_same_selection_at_any_checkpoint_and_aperture(searched):
    survey, ids, scores, residuals, best = searched
    for number, checkpoint in enumerate(CHECKPOINTS):
        _, _, selected = over_threshold(scores[number, :3], residuals[number, :3], 0.05)
        found = survey.rows(f"select object_id, s_anom['i'] from candidates_of('{checkpoint}', 'specz', 'disc')")
        assert dict(found) == {ids[k]: scores[number, 2, k] for k in np.flatnonzero(selected.any(axis=0))}
    of_best = f"candidates_of('{CHECKPOINTS[best]}', 'specz', "
    for aperture in ("disc", "stamp"):
        columns = "object_id, bands, max_level, max_sigma, class, n_checkpoints_selecting"
        scores_of = "s_anom['g'], residual['y'], sigma['z']"
        published = survey.rows(
            f"select {columns}, s_anom_g, residual_y, sigma_z from model.candidates "
            f"where aperture = '{aperture}' order by object_id"
        )
        assert published == survey.rows(f"select {columns}, {scores_of} from {of_best}'{aperture}') order by object_id")
        assert published
    assert survey.rows(f"select distinct n_checkpoints_selecting from {of_best}'stamp')") == [(None,)]
    assert survey.rows("from candidates_of('no such checkpoint', 'specz', 'disc')") == []


def test_tables_2_and_4_count_what_numpy_counts(searched):
    survey, _, scores, residuals, best = searched
    _, _, selected = over_threshold(scores[best, :3], residuals[best, :3], 0.05)
    g, r, i = selected
    sets = {"g": g, "r": r, "i": i, "g&r": g & r, "g&i": g & i, "r&i": r & i, "g&r&i": g & r & i, "total": g | r | i}
    classes = np.array(CLASSES)
    groups = {"all": classes != "", "dr16q": classes == "dr16q", "xelg": classes == "xelg"}
    found = survey.rows("select bands, class, our_n, our_total from paper.table2")
    assert set(found) == {
        (bands, label, int((members & group).sum()), int(group.sum()))
        for bands, members in sets.items()
        for label, group in groups.items()
    }
    milliquas = np.array([("quasar", "type_i", "type_ii", "others", "")[k % 5] if k % 3 == 0 else "" for k in range(N)])
    kept = classes != "dr16q"
    rows = [kept, *(kept & (milliquas == label) for label in ("quasar", "type_i", "type_ii", "others"))]
    rows.append(kept & (milliquas != ""))
    found = survey.rows("select position, selected_in, our_n, our_total from paper.table4")
    assert set(found) == {
        (position, column, int((row & sets[column]).sum()), int(row.sum()))
        for position, row in enumerate(rows)
        for column in ("g", "r", "i", "total")
    }
    assert survey.rows("select count(*) from paper.table3") == [(int((g | r | i).sum()),)]
    assert survey.rows("select paper_n from paper.table2 where bands = 'g&i' and class = 'xelg'") == [(119,)]
    assert survey.rows("select our_n, our_total from paper.numbers where name = 'candidates'") == [
        (int((g | r | i).sum()), N)
    ]


def test_the_identities_hold_and_a_broken_table_breaks_them(make_survey):
    survey, *_ = search(make_survey())
    # the tables were filled past the cuts, so what belongs to the selection is not asked here
    ours = {"model.candidates", "model.selection_thresholds", "paper.table1", "paper.table2", "paper.table4"}
    assert run_checks(survey.connection, ours) == []
    for statement, broken in (
        (
            "delete from model.candidates where object_id = (select min(object_id) from model.candidates)",
            "rank_cut_balances",
        ),
        ("update paper.table2 set our_n = our_n + 1 where bands = 'g&r'", "table2_inclusion_exclusion"),
        ("update paper.table4 set our_n = our_n + 1 where position = 3", "table4_columns"),
        ("update paper.table1 set our_n = our_n + 1 where position = 3", "table1_sums"),
        ("update model.selection_thresholds set n_above = 0 where level = '2sigma'", "thresholds_counted"),
        ("update model.selection_scores set s_anom = 'nan' where object_id = 100000000000000007", "scores_finite"),
    ):
        survey.connection.execute(statement)
        assert broken in {failure.name for failure in run_checks(survey.connection)}


def test_without_labels_the_lowest_validation_loss_is_the_best(make_survey):
    survey = make_survey()
    ids, *_ = fill(survey, n=60, classes=["other_specz"] * 60)
    survey.connection.execute("update survey.classes set is_training = true, milliquas_class = null")
    survey.run("choose")
    survey.run("candidates")
    survey.run("paper")
    row = survey.records("from model.best_checkpoint where aperture = 'disc'")[0]
    assert (row["checkpoint_id"], row["rule"], row["value"]) == (CHECKPOINTS[5], "min(validation_loss)", 0.1)
    assert row["median_value"] == pytest.approx(0.35)
    assert row["rate_dr16q"] is None
    assert survey.rows("select distinct class from model.selection_rates order by 1") == [("all",), ("other_specz",)]
    assert survey.rows("select count(*) > 0 from model.candidates") == [(True,)]
    assert survey.rows("select distinct class from paper.table2") == [("all",)]
    # a share of less than half an object selects none
    assert survey.rows("select distinct s_anom_min, n_above from model.thresholds where level = '3.5sigma'") == [
        (None, 0)
    ]
    assert len(ids) == 60


def test_a_survey_of_other_bands_has_columns_of_other_names(make_survey):
    bands = [
        {"band": band, "archive_name": band, "reference_wavelength": 5000.0, "is_selection_band": band != "ks"}
        for band in ("u", "r", "ks")
    ]
    survey = make_survey(samples="own", bands=bands, magnitude_band="r")
    fill(survey, n=40, bands=("u", "r", "ks"), classes=["other_specz"] * 40)
    survey.run("choose")
    survey.run("candidates")
    survey.run("paper")
    names = [row[0] for row in survey.rows("describe model.candidates")]
    assert names[-9:] == [
        f"{quantity}_{band}" for quantity in ("s_anom", "residual", "sigma") for band in ("u", "r", "ks")
    ]
    assert survey.rows("select bands from paper.table2 order by n_bands = 0, n_bands, bands desc") == [
        ("u",),
        ("r",),
        ("u&r",),
        ("total",),
    ]


def test_without_scores_everything_runs_and_is_empty(make_survey):
    survey = make_survey()
    for stage in ("select", "choose", "candidates", "paper"):
        survey.run(stage)
    for table in (
        "model.candidates",
        "model.best_checkpoint",
        "model.negative_residuals",
        "paper.table1",
        "paper.table2",
    ):
        assert survey.rows(f"from {table}") == []
    reasons = dict(survey.rows("select item, reason from paper.availability where not is_available"))
    assert len(reasons) == survey.rows("select count(*) from paper.availability")[0][0] > 20
    assert reasons["figure 5"] == "no network is trained"
    assert reasons["figure 9"] == "no MPA-JHU catalogue"
    assert reasons["figure 13, by GSWLC-2"] == "no GSWLC-2 catalogue"
    assert reasons["figure 18"] == "the colour sample is not selected (setting samples)"
    assert run_checks(survey.connection) == []
    for _, text in load_examples():
        survey.connection.execute(text).fetchall()


def test_every_example_runs_and_the_main_ones_say_something(searched):
    survey, *_ = searched
    found = {name: len(survey.rows(text)) for name, text in load_examples()}
    assert len(found) >= 6
    for name in ("top_candidates", "why_not_selected", "unknown_to_agn_catalogues", "stability", "best_and_median"):
        assert found[name] > 0
