"""`swimmy pipeline` and its stages one by one."""

from pathlib import Path
from typing import Annotated

import typer
from swimmy_db.cli.options import WorkspaceOption

FORCE = typer.Option("--force", help="Run it again even where it is up to date.")
PSF = typer.Option("--psf", help="Setting psf: `patch` (its seeing) or `picker` (HSC's PSF picker, per object).")


def register(app: typer.Typer) -> None:
    app.command()(pipeline)
    for name, help_text in COMMANDS.items():
        app.command(name, help=help_text)({"train": train, "stamps": stamps}.get(name) or _command(name))


COMMANDS = {
    "select": "Cuts, cross-matches and classes in SQL: raw.* -> survey.* (paper, sections 2.1, 2.2, 4.1).",
    "stamps": "Take the members' cutouts out of downloads/ into stamps/*.parquet (linear pixels).",
    "cubes": "PSF match, stretch and crop the stamps to 64x64 cubes (paper, section 2.3).",
    "train": "Train the autoencoder, all experiments, resuming what is done (paper, section 3.1, appendix 1).",
    "score": "Anomaly scores of every galaxy by every checkpoint, and the best one (paper, section 3.2).",
    "candidates": "Thresholds, candidates, negative residuals and the paper's tables, in SQL.",
    "paper": "Profiles, tests by rank and stacks of spectra; then the data of every figure and number, in SQL.",
}


def pipeline(
    psf: Annotated[str | None, PSF] = None,
    force: Annotated[bool, FORCE] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Run every stage that is not up to date, in order, and print the summary.

    A second run does nothing and says so; a changed setting reruns only what depends on it. A run that was
    killed goes on where it stopped.
    """
    from swimmy_db.cli.summary import print_summary

    set_psf(psf, workspace)
    run_and_report(None, workspace, force)
    print_summary(workspace)


def _command(name: str):
    def command(force: Annotated[bool, FORCE] = False, workspace: WorkspaceOption = None) -> None:
        from swimmy_db.pipeline.runner import stages_of_command

        run_and_report(stages_of_command(name), workspace, force)

    return command


def stamps(
    psf: Annotated[str | None, PSF] = None,
    force: Annotated[bool, FORCE] = False,
    workspace: WorkspaceOption = None,
) -> None:
    from swimmy_db.pipeline.runner import stages_of_command

    set_psf(psf, workspace)
    run_and_report(stages_of_command("stamps"), workspace, force)


def set_psf(psf: str | None, workspace: Path | None) -> None:
    """Change the setting psf where the command line says it. Raises InputRefused for a word that it does not have."""
    if psf is None:
        return
    from swimmy_db.pipeline.settings import change_settings
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    place.require_survey()
    change_settings(place, {"psf": psf})


def train(
    latent_dim: Annotated[
        int | None, typer.Option(help="Channels d of the latent space, of a further experiment.")
    ] = None,
    noise_std: Annotated[
        float | None, typer.Option(help="Noise r_gauss on the input, of a further experiment.")
    ] = None,
    runs: Annotated[
        int | None, typer.Option(help="Independent trainings: of the further experiment, alone of the published one.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Name of the further experiment; default: from d and r_gauss, d4_noise020.")
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Table 5's settings, one value varied at a time, as experiments of ten runs.")
    ] = False,
    force: Annotated[bool, FORCE] = False,
    workspace: WorkspaceOption = None,
) -> None:
    from swimmy_db.pipeline.experiments import add_experiment, add_grid
    from swimmy_db.pipeline.runner import stages_of_command
    from swimmy_db.pipeline.settings import change_settings
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    place.require_survey()
    if grid:
        add_grid(place, runs)
    elif (latent_dim, noise_std, experiment) != (None, None, None):
        add_experiment(place, experiment, latent_dim, noise_std, runs)
    elif runs is not None:
        change_settings(place, {"runs": str(runs)})
    run_and_report(stages_of_command("train"), workspace, force)


def run_and_report(names: list[str] | None, folder: Path | None, force: bool) -> None:
    """Run stages with a bar each, and say how long each took."""
    from swimmy_db.cli.progress import bar, say

    from swimmy_db.pipeline.runner import run_stages
    from swimmy_db.workspace import Workspace

    total = 0.0
    ran = 0
    for stage, seconds in run_stages(Workspace.locate(folder), names, force=force, progress_of=bar):
        if seconds is None:
            say(f"{stage.name:12s} up to date")
            continue
        ran += 1
        total += seconds
        say(f"{stage.name:12s} {seconds:8.1f} s   {stage.title}")
    say("nothing to do: all stages are up to date" if not ran else f"{'total':12s} {total:8.1f} s")
