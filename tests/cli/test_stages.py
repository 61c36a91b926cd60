"""Stages that take a setting: `swimmy train` notes experiments before it trains, `swimmy stamps --psf` the PSF."""

from swimmy_db.pipeline.experiments import experiments_of


def test_train_adds_an_experiment_to_the_settings(swimmy, bare):
    # a survey without galaxies has nothing to train on, but what was asked for is noted
    assert swimmy("train", "--latent-dim", "4", "--runs", "2", workspace=bare).code == 1
    assert swimmy("train", "--experiment", "noisy", "--noise-std", "0.05", workspace=bare).code == 1
    made = [(e.experiment, e.latent_dim, e.noise_std, e.runs) for e in experiments_of(bare.settings())]
    assert made == [("default", 8, 0.02, 4), ("d4_noise020", 4, 0.02, 2), ("noisy", 8, 0.05, 4)]


def test_runs_alone_are_those_of_the_published_experiment(swimmy, bare):
    swimmy("train", "--runs", "7", workspace=bare)
    assert (bare.settings().runs, bare.settings().experiments) == (7, "")


def test_the_grid_has_seven_experiments_beside_the_published(swimmy, bare):
    swimmy("train", "--grid", workspace=bare)
    assert len(experiments_of(bare.settings())) == 8


def test_the_published_experiment_is_no_further_one(swimmy, bare):
    refused = swimmy("train", "--experiment", "default", "--latent-dim", "4", workspace=bare)
    assert refused.code == 2
    assert "is the experiment that is published" in refused.err
    assert bare.settings().experiments == ""


def test_the_psf_can_be_said_with_the_stage(swimmy, bare):
    assert swimmy("stamps", "--psf", "picker", workspace=bare).code == 0
    assert bare.settings().psf == "picker"
    swimmy("pipeline", "--psf", "patch", workspace=bare)
    assert bare.settings().psf == "patch"
    refused = swimmy("stamps", "--psf", "guess", workspace=bare)
    assert refused.code == 3
    assert "psf" in refused.err
    assert bare.settings().psf == "patch"
