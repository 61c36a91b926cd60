"""Named experiments: networks of other settings, trained beside the one that is published (paper, appendix 1)."""

from swimmy_db.config import Settings
from swimmy_db.errors import UsageError
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.workspace import Workspace

VARIED = ("latent_dim", "noise_std", "runs")
# "a relatively lower average loss after ten runs as compared to the additional parameter values in table 5"
GRID_RUNS = 10
GRID = (*((d, 0.02) for d in (4, 8, 16, 32)), *((8, noise) for noise in (0.0, 0.01, 0.03, 0.05)))


def experiments_of(settings: Settings) -> list[Settings]:
    """The settings of each experiment: the published one first, then those that setting `experiments` names."""
    made = [settings]
    for name, changes in parse_experiments(settings.experiments).items():
        if name != settings.experiment:
            made.append(Settings(**{**settings.model_dump(), **changes, "experiment": name}))
    return made


def parse_experiments(text: str) -> dict[str, dict[str, str]]:
    """Changes by experiment of "NAME latent_dim=4 runs=10; NAME ..."; the setting's pattern has checked the form."""
    entries = [entry.split() for entry in text.split(";") if entry.strip()]
    return {name: dict(change.split("=") for change in changes) for name, *changes in entries}


def experiment_name(latent_dim: int, noise_std: float) -> str:
    """d8_noise020 of d = 8, r_gauss = 0.02."""
    return f"d{latent_dim}_noise{round(noise_std * 1000):03d}"


def add_experiment(
    workspace: Workspace,
    name: str | None = None,
    latent_dim: int | None = None,
    noise_std: float | None = None,
    runs: int | None = None,
) -> str:
    """Note an experiment in settings.toml, so that `train` trains it beside the others; returns its name.

    What is not given is as in the published experiment. An experiment that is there already gets other values: its
    networks are trained anew where they depend on them, and more runs add to those that there are. Raises UsageError
    for the name of the published experiment, InputRefused for values out of range.
    """
    settings = workspace.settings()
    latent_dim = settings.latent_dim if latent_dim is None else latent_dim
    noise_std = settings.noise_std if noise_std is None else noise_std
    name = name or experiment_name(latent_dim, noise_std)
    if name == settings.experiment:
        raise UsageError(
            f"{name!r} is the experiment that is published; `swimmy settings latent_dim=... noise_std=... runs=...` "
            "changes it, another --experiment NAME stands beside it"
        )
    values = {"latent_dim": latent_dim, "noise_std": noise_std, "runs": settings.runs if runs is None else runs}
    known = parse_experiments(settings.experiments)
    known[name] = {key: f"{values[key]:g}" for key in VARIED}
    change_settings(workspace, {"experiments": described(known)})
    return name


def add_grid(workspace: Workspace, runs: int | None = None) -> list[str]:
    """The settings of table 5, one varied at a time, but for the published one; returns the experiments' names."""
    settings = workspace.settings()
    others = [pair for pair in GRID if pair != (settings.latent_dim, settings.noise_std)]
    return [add_experiment(workspace, None, *pair, runs=GRID_RUNS if runs is None else runs) for pair in others]


def described(experiments: dict[str, dict[str, str]]) -> str:
    """The text of setting `experiments`."""
    return "; ".join(
        " ".join([name, *(f"{key}={value}" for key, value in changes.items())]) for name, changes in experiments.items()
    )
