"""Further experiments: the setting that names them, and that they add to what is there."""

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import InputRefused, UsageError
from swimmy_db.pipeline.experiments import GRID, add_experiment, add_grid, experiment_name, experiments_of
from swimmy_db.pipeline.runner import run_stages


def test_an_experiment_differs_in_what_its_entry_says(bare):
    assert add_experiment(bare, latent_dim=4, runs=10) == "d4_noise020"
    assert add_experiment(bare, "noisy", noise_std=0.05) == "noisy"
    published, small, noisy = experiments_of(bare.settings())
    assert published == bare.settings()
    assert (small.experiment, small.latent_dim, small.noise_std, small.runs) == ("d4_noise020", 4, 0.02, 10)
    assert (noisy.experiment, noisy.latent_dim, noisy.noise_std, noisy.runs) == ("noisy", 8, 0.05, 4)
    assert small.epochs == published.epochs
    # the same name again: other values, no second entry
    add_experiment(bare, "noisy", latent_dim=16, runs=2)
    assert [(e.experiment, e.latent_dim, e.runs) for e in experiments_of(bare.settings())[2:]] == [("noisy", 16, 2)]


def test_the_grid_is_table_5_one_setting_at_a_time(bare):
    names = add_grid(bare)
    assert names == [experiment_name(*pair) for pair in GRID if pair != (8, 0.02)]
    made = experiments_of(bare.settings())[1:]
    assert {(e.latent_dim, e.noise_std) for e in made} == set(GRID) - {(8, 0.02)}
    assert {e.runs for e in made} == {10}


def test_what_is_no_experiment_is_refused(bare):
    with pytest.raises(UsageError, match="is the experiment that is published"):
        add_experiment(bare, "default", latent_dim=4)
    with pytest.raises(InputRefused):
        add_experiment(bare, "No Name", latent_dim=4)
    assert bare.settings().experiments == ""


def test_an_added_experiment_is_trained_and_scored_beside_the_first(demo):
    with open_catalog(demo) as catalog:
        runs = catalog.rows("from model.runs order by run_id")
        scores = catalog.rows("select count(*), sum(hash(s)) from model.selection_scores s")
        candidates = catalog.rows("from model.candidates order by all")
        weights = dict(catalog.rows("select path, sha256 from model.checkpoints"))
    before = {path: (demo.folder / path).stat().st_mtime_ns for path in weights}
    files = {path: path.stat().st_mtime_ns for path in demo.scores.glob("selection/*/*.parquet")}
    add_experiment(demo, latent_dim=4, runs=1)
    again = [stage.name for stage, seconds in run_stages(demo) if seconds is not None]
    assert {"train", "score", "choose", "paper"} <= set(again)
    with open_catalog(demo) as catalog:
        both = catalog.rows("from model.runs order by run_id")
        assert [row for row in both if row in runs] == runs
        assert catalog.rows("select experiment, run, latent_dim from model.runs order by all") == [
            ("d4_noise020", 0, 4),
            ("default", 0, 8),
        ]
        first = catalog.rows(
            "select count(*), sum(hash(s)) from model.selection_scores s where checkpoint_id like 'default-%'"
        )
        assert first == scores
        assert catalog.value("select count(*) from model.selection_scores") == 2 * scores[0][0]
        assert dict(catalog.rows("select path, sha256 from model.checkpoints")).items() >= weights.items()
        assert catalog.rows("select distinct experiment from model.best_checkpoint order by 1") == [
            ("d4_noise020",),
            ("default",),
        ]
        # what is published stays what it was
        assert catalog.rows("select distinct experiment from model.published") == [("default",)]
        assert catalog.rows("from model.candidates order by all") == candidates
        trained = catalog.rows("select latent_dim, n_runs, n_checkpoints from paper.table5 where n_runs > 0 order by 1")
        assert trained == [(4, 1, 2), (8, 1, 2)]
    # neither trained nor scored again
    assert {path: (demo.folder / path).stat().st_mtime_ns for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in files} == files
