"""Figure 16, table 5, stability and overlap of runs against numpy."""

from itertools import combinations

import numpy as np
import pytest

CLASSES = ("dr16q", "xelg")


def selections(drawn):
    """(checkpoint, object) of specz: selected in any band at each checkpoint, by rank."""
    t = drawn.t
    members = t.is_specz
    wanted = round(0.05 * members.sum())
    scores, residuals = t.scores[:, :3][:, :, members], t.residuals[:, :3][:, :, members]
    limits = np.sort(scores, axis=-1)[..., -wanted][..., None]
    return ((scores >= limits) & (residuals > 0)).any(axis=1)


def test_figure16_has_each_run_and_their_mean_and_deviation(drawn):
    t = drawn.t
    selected = selections(drawn)
    classes = t.classes[t.is_specz]
    truth = {
        "train_loss": t.losses[:, 0],
        "validation_loss": t.losses[:, 1],
        **{f"rate_{name}": selected[:, classes == name].mean(axis=1) for name in CLASSES},
    }
    for quantity, values in truth.items():
        by_run = values.reshape(3, 2)
        sample = "sample is null" if quantity.endswith("loss") else "sample = 'specz'"
        rows = drawn.survey.records(f"from paper.figure16 where quantity = '{quantity}' and {sample}")
        single = {(row["run"], row["epoch"]): row["value"] for row in rows if row["run"] is not None}
        assert single == pytest.approx({(r, e): by_run[r, i] for r in range(3) for i, e in enumerate((10, 11))})
        means = {row["epoch"]: row for row in rows if row["run"] is None}
        for i, epoch in enumerate((10, 11)):
            assert means[epoch]["value"] == pytest.approx(by_run[:, i].mean())
            assert means[epoch]["deviation"] == pytest.approx(by_run[:, i].std(ddof=1))
            assert means[epoch]["n_runs"] == 3


def test_table5_means_losses_over_epochs_and_scatters_them_over_runs(drawn):
    rows = drawn.survey.records("from paper.table5")
    assert len(rows) == 20
    (trained,) = [row for row in rows if row["n_runs"]]
    assert (trained["latent_dim"], trained["noise_std"], trained["experiment"]) == (8, 0.02, "default")
    assert trained["is_papers_choice"]
    assert trained["is_published"]
    assert (trained["n_runs"], trained["n_checkpoints"], trained["first_epoch"], trained["last_epoch"]) == (
        3,
        6,
        10,
        11,
    )
    for column, name in enumerate(("train_loss", "validation_loss")):
        per_run = drawn.t.losses[:, column].reshape(3, 2).mean(axis=1)
        assert trained[name] == pytest.approx(per_run.mean())
        assert trained[f"{name}_scatter"] == pytest.approx(per_run.std(ddof=1))


def test_stability_counts_the_checkpoints_that_select_a_galaxy(drawn):
    selected = selections(drawn)
    votes = selected.sum(axis=0)
    found = drawn.survey.rows(
        "select n_checkpoints_selecting, n_checkpoints, n_galaxies, n_candidates from paper.stability "
        "where sample = 'specz' order by 1"
    )
    published = selected[drawn.number]
    assert found == [
        (v, 6, np.sum(votes == v), np.sum((votes == v) & published)) for v in range(1, 7) if (votes == v).any()
    ]


def test_overlap_of_runs_is_counted_at_the_last_epoch(drawn):
    selected = selections(drawn)[1::2]
    found = drawn.survey.records("from paper.run_overlap where sample = 'specz'")
    assert {(row["run_a"], row["run_b"]) for row in found} == set(combinations(range(3), 2))
    for row in found:
        a, b = selected[row["run_a"]], selected[row["run_b"]]
        assert (row["n_a"], row["n_b"], row["n_both"]) == (a.sum(), b.sum(), (a & b).sum())
        assert row["jaccard"] == pytest.approx((a & b).sum() / (a | b).sum())
        assert row["expected_both"] == pytest.approx(a.sum() * b.sum() / len(a))


def test_a_second_experiment_is_compared_but_not_published(make_survey, searched):
    survey, t = searched.survey, searched.t
    survey.add("model.runs", {"run_id": "d4-r0", "experiment": "d4", "run": 0, "latent_dim": 4, "noise_std": 0.02})
    survey.add("model.checkpoints", {"checkpoint_id": "d4-r0-e10", "run_id": "d4-r0", "epoch": 10})
    survey.add("model.epochs", {"run_id": "d4-r0", "epoch": 10, "train_loss": 0.3, "validation_loss": 0.4})
    for position, band in enumerate(("g", "r", "i")):
        survey.add_columns(
            "model.selection_scores",
            checkpoint_id="d4-r0-e10",
            aperture="disc",
            object_id=t.ids.tolist(),
            band=band,
            # what the published one finds least unusual
            s_anom=(1 / t.scores[0, position]).tolist(),
            residual_flux=1.0,
            n_pixels=32,
            n_clipped=0,
            n_guarded=0,
        )
    before = survey.rows("select object_id, bands from model.candidates order by all")
    for stage in ("choose", "candidates", "paper"):
        survey.run(stage)
    best = survey.rows("select distinct experiment, checkpoint_id from model.best_checkpoint order by 1")
    assert best == [("d4", "d4-r0-e10"), ("default", t.checkpoints[searched.number])]
    assert survey.rows("select object_id, bands from model.candidates order by all") == before
    trained = survey.rows("select experiment, latent_dim, n_runs, is_published from paper.table5 where n_runs > 0")
    assert sorted(trained) == [("d4", 4, 1, False), ("default", 8, 3, True)]
    others = survey.rows("select count(*) from candidates_of('d4-r0-e10', 'specz', 'disc')")
    assert others[0][0] > 0
