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
            help="`demo` (embedded survey), `files` (your own), or archives: hsc mpa-jhu dr16q milliquas gama gswlc "
            "sdss-spectra"
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="Folder with the archives' files (FOLDER/hsc/objects.csv, ...); else fetch them."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="[ARCHIVE.]NAME=VALUE",
            help="What to fetch, and from where; --dry-run lists them.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be fetched, requests and bytes; ask nobody.")
    ] = False,
    survey: Annotated[
        Path | None, typer.Option("--survey", help="survey.toml that describes your own files (with `files`).")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", min=10, help="Galaxies in the embedded survey's sample.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the embedded survey.")] = None,
    preset: Annotated[str, typer.Option(help="Settings of a new workspace for archives' files.")] = "paper",
    workspace: WorkspaceOption = None,
) -> None:
    """Bring catalogues into the workspace: files as the archives serve them go in, raw.* tables come out.

    Every file is checked against its contract; a wrong one is refused (exit 3) and nothing is changed. What was
    fetched when a line broke, a disk was full or the process was killed is kept; the same command goes on from there.

    `swimmy ingest demo` · `swimmy ingest mpa-jhu dr16q` · `swimmy ingest mpa-jhu dr16q --from FOLDER` ·
    `swimmy ingest files --survey survey.toml`
    """
    from swimmy_db.cli.progress import bar, say

    from swimmy_db.errors import UsageError
    from swimmy_db.pipeline.fetch import plan_archives
    from swimmy_db.pipeline.ingest import ingest_archives, ingest_demo, ingest_fetched, ingest_own
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    options = parse_options(option or [])
    if dry_run:
        for plan in plan_archives(place, sources, options, preset):
            print(plan)
        return
    if sources == ["demo"]:
        made = {name: value for name, value in (("n", n), ("seed", seed)) if value is not None}
        with bar("ingest demo") as progress:
            counts = ingest_demo(place, made, progress)
    elif sources == ["files"]:
        if survey is None:
            raise UsageError("swimmy ingest files needs --survey survey.toml (README, 'Your own survey')")
        with bar("ingest files") as progress:
            counts = ingest_own(place, survey, progress)
    elif folder is None:
        counts = ingest_fetched(place, sources, options, preset, bar)
    else:
        with bar(f"ingest {' '.join(sources)}") as progress:
            counts = ingest_archives(place, sources, folder, preset, progress)
    if not counts:
        say(f"{place.folder}: the same embedded survey is there already; nothing to do")
    for table, rows in counts.items():
        say(f"{table:24s} {rows:>10,} rows")


def parse_options(texts: list[str]) -> dict[str, str]:
    """{NAME: VALUE} of NAME=VALUE. Raises UsageError for one without `=`."""
    from swimmy_db.errors import UsageError

    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--option {text}: expected NAME=VALUE")
        options[name.strip()] = value.strip()
    return options
