"""Commands that publish: report, cite."""

from pathlib import Path
from typing import Annotated

import typer
from swimmy_db.cli.options import JsonOption, WorkspaceOption


def register(app: typer.Typer) -> None:
    app.command()(report)
    app.command()(cite)


def report(
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder to write, replaced if it exists; default: report/ in the workspace."),
    ] = None,
    page_only: Annotated[
        bool, typer.Option("--page-only", help="Write index.html alone, without PDF, PNG and catalogues.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write it again, even if nothing has changed.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the paper's tables and figures, ours beside theirs, as one page that opens from a file.

    `report/index.html` holds everything that it shows and asks nothing of the network: plots to hover and zoom,
    stamps, candidates to sort and filter, the SQL of every table, settings and versions. Beside it lie
    `figures/` (PDF and PNG for a paper) and `tables/` (the lists of candidates as FITS, VOTable, CDS machine-readable
    text and CSV). A figure whose data the survey has not says why in its place.

    `swimmy report` · `swimmy report --to ~/public_html/search --page-only`
    """
    from swimmy_db.cli.progress import bar, say

    from swimmy_db.pipeline.report import write_report
    from swimmy_db.workspace import Workspace

    with bar("report") as progress:
        written = write_report(
            Workspace.locate(workspace), to, not page_only, lambda _, done, total: progress(done, total), force
        )
    for name, reason in written.missing.items():
        say(f"{name}: {reason}")
    if not written.is_new:
        say("up to date, --force writes it again")
    size = f"{written.n_bytes / 1e6:.1f} MB"
    say(f"{written.page}: {len(written.drawn)} figures, {size}; {written.n_files - 1} files beside it")


def cite(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Print what to acknowledge: the words of every archive whose files this workspace holds, and the method's paper.

    The words come with the files (`meta.files`), so an archive that was not used is not named.

    `swimmy cite` · `swimmy cite --json`
    """
    from swimmy_db.cli.render import print_json, print_lines

    from swimmy_db.pipeline.report import acknowledgements
    from swimmy_db.workspace import Workspace

    rows = acknowledgements(Workspace.locate(workspace))
    if as_json:
        print_json(rows)
        return
    print_lines(line for row in rows for line in (f"{row['archive']}: {row['acknowledgement']}", ""))
    print_lines(
        [
            "method: Tanaka et al., Where's Swimmy? Mining unique color features buried in galaxies by deep anomaly "
            "detection using Subaru Hyper Suprime-Cam data",
            "",
            "code: swimmy_db, see CITATION.cff",
        ]
    )
