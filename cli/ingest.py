"""`swimmy ingest`: native files into the workspace."""

from pathlib import Path
from typing import Annotated

import typer
from swimmy_db.cli.options import WorkspaceOption


def register(app: typer.Typer) -> None:
    app.command()(ingest)


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="`demo` (embedded survey), `files` (your own), or archives: hsc mpa-jhu dr16q milliquas ..."
        ),
    ],
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder with the archives' files: FOLDER/hsc/objects.csv, ...")
    ] = None,
    survey: Annotated[
        Path | None, typer.Option("--survey", help="survey.toml that describes your own files (with `files`).")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=10, help="Galaxies in the embedded survey's sample.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the embedded survey.")] = None,
    preset: Annotated[str, typer.Option(help="Settings of a new workspace for archives' files.")] = "paper",
    workspace: WorkspaceOption = None,
) -> None:
    """Bring catalogues into the workspace: files as the archives serve them go in, raw.* tables come out.

    Every file is checked against its contract; a wrong one is refused (exit 3) and nothing is changed.

    `swimmy ingest demo` · `swimmy ingest hsc mpa-jhu dr16q --from FOLDER` · `swimmy ingest files --survey survey.toml`
    """
    from swimmy_db.cli.progress import bar, say

    from swimmy_db.errors import UsageError
    from swimmy_db.pipeline.ingest import ingest_archives, ingest_demo, ingest_own
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    with bar(f"ingest {' '.join(sources)}") as progress:
        if sources == ["demo"]:
            options = {name: value for name, value in (("n", n), ("seed", seed)) if value is not None}
            counts = ingest_demo(place, options, progress)
        elif sources == ["files"]:
            if survey is None:
                raise UsageError("swimmy ingest files needs --survey survey.toml (README, 'Your own survey')")
            counts = ingest_own(place, survey, progress)
        elif folder is None:
            raise UsageError(
                f"swimmy ingest {' '.join(sources)} needs --from FOLDER, the folder with the archives' files"
            )
        else:
            counts = ingest_archives(place, sources, folder, preset, progress)
    if not counts:
        say(f"{place.folder}: the same embedded survey is there already; nothing to do")
    for table, rows in counts.items():
        say(f"{table:24s} {rows:>10,} rows")
