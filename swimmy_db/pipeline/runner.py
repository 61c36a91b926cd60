"""The stages in order, and running those that are not up to date."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from swimmy_db.catalog import last_runs, open_catalog
from swimmy_db.errors import UsageError
from swimmy_db.pipeline import analyse, cubes, score, stamps, train
from swimmy_db.pipeline.setup import refresh_settings
from swimmy_db.pipeline.stage import Progress, Stage, is_up_to_date, run_stage, silent
from swimmy_db.workspace import Workspace

SELECT = Stage("select", "cuts, cross-matches and classes (SQL)", sql=True)
CHOOSE = Stage("choose", "thresholds, selection rates and the best checkpoint (SQL)", sql=True)
CANDIDATES = Stage("candidates", "candidates, negative residuals and the paper's tables (SQL)", sql=True)
PAPER = Stage("paper", "the data of the paper's figures (SQL)", sql=True)

STAGES: tuple[Stage, ...] = (
    SELECT,
    stamps.STAGE,
    cubes.STAGE,
    train.STAGE,
    score.SELECTION,
    CHOOSE,
    score.BEST,
    CANDIDATES,
    analyse.STAGE,
    PAPER,
)
# `swimmy score` is the three steps that end in a scored best checkpoint.
COMMANDS = {"score": (score.SELECTION.name, CHOOSE.name, score.BEST.name)}


def stages_of_command(command: str) -> list[str]:
    """The stages that `swimmy COMMAND` runs: those before it too, so that it works on a fresh workspace."""
    last = COMMANDS.get(command, (command,))[-1]
    names = [stage.name for stage in STAGES]
    if last not in names:
        raise UsageError(f"no stage named {command!r}; there are: {', '.join(names)}")
    return names[: names.index(last) + 1]


@contextlib.contextmanager
def no_bar(title: str) -> Iterator[Progress]:
    yield silent


def run_stages(
    workspace: Workspace,
    names: Sequence[str] | None = None,
    force: bool = False,
    progress_of: Callable[[str], contextlib.AbstractContextManager[Progress]] = no_bar,
) -> Iterator[tuple[Stage, float | None]]:
    """Run the named stages (default: all) in order; yields each with its seconds, None where it was up to date.

    With `force` the last named stage runs again whatever its state; with no names given, all of them do.
    """
    workspace.require_survey()
    refresh_settings(workspace)
    chosen = [stage for stage in STAGES if names is None or stage.name in names]
    forced = set() if not force else {stage.name for stage in (chosen if names is None else chosen[-1:])}
    for stage in chosen:
        with open_catalog(workspace) as catalog:
            runs = last_runs(catalog)
        if stage.name not in forced and is_up_to_date(stage, workspace.settings(), runs):
            yield stage, None
            continue
        with progress_of(stage.name) as progress:
            seconds = run_stage(stage, workspace, progress)
        yield stage, seconds
