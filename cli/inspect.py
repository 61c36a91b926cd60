"""Commands that look at the workspace: why, stamp, status, verify, rebuild."""

from pathlib import Path
from typing import Annotated

import typer
from swimmy_db.cli.options import JsonOption, WorkspaceOption

ObjectId = Annotated[int, typer.Argument(help="object_id, 64 bits, as in every table.")]


def register(app: typer.Typer) -> None:
    for command in (why, stamp, status, verify, rebuild):
        app.command()(command)


def why(object_id: ObjectId, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Explain what became of one object: each cut with its value, matches, class, scores against thresholds.

    Works for members, for objects that a cut dropped and for those whose cutouts were rejected.

    `swimmy why 36411461425187990`
    """
    from swimmy_db.cli.render import print_json, print_lines, print_section

    from swimmy_db.catalog import open_catalog
    from swimmy_db.pipeline.explain import SECTIONS, explain_object, limit_text
    from swimmy_db.workspace import Workspace

    with open_catalog(Workspace.locate(workspace)) as catalog:
        explained = explain_object(catalog, object_id)
    if as_json:
        print_json(explained)
        return
    known = {name: value for name, value in explained["object"].items() if value is not None}
    print_lines([f"object {object_id}: {explained['verdict']}", ""])
    print_section("object", [known])
    cuts = [
        {
            "": "  " if cut["is_kept"] else "NO",
            **{name: cut[name] for name in ("sample", "step", "cut", "value")},
            "kept where": limit_text(cut),
            "unit": cut["unit"] or "",
            "section": cut["section"],
            "x": cut["quantity"],
        }
        for cut in explained["cuts"] or []
    ]
    print_section("cuts", cuts)
    for section in SECTIONS[1:]:
        rows = explained[section]
        print_section(section, rows or [], empty="none" if rows is not None else "not made yet")


def stamp(
    object_id: ObjectId,
    to: Annotated[Path | None, typer.Option("--to", help="PNG to write; default OBJECT_ID.png.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Draw one object's cube: colour picture and bands, with the reconstruction and residual where it is scored.

    `swimmy stamp 36411461425187990 --to galaxy.png`
    """
    from swimmy_db.cli.progress import say

    from swimmy_db.catalog import open_catalog
    from swimmy_db.pipeline.stamp_picture import draw_stamp
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    path = to or Path(f"{object_id}.png")
    with open_catalog(place) as catalog:
        shown = draw_stamp(place, catalog, object_id, path)
    say(f"{path}: {shown}")


def status(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Say what the workspace holds: survey, stages and what is out of date, tables, files, what was left out.

    `swimmy status`
    """
    from dataclasses import asdict

    from swimmy_db.cli.render import print_json, print_lines, print_section

    from swimmy_db.pipeline.status import status as look
    from swimmy_db.workspace import Workspace

    seen = look(Workspace.locate(workspace))
    if as_json:
        print_json(asdict(seen))
        return
    kind = "SIMULATED survey" if seen.is_simulated else "survey"
    print_lines([f"{seen.folder}: {kind} {seen.survey} {seen.release}", ""])
    stages = [
        {
            "stage": stage.stage,
            "state": stage.state,
            "when (UTC)": "" if stage.finished is None else f"{stage.finished:%Y-%m-%d %H:%M:%S}",
            "seconds": "" if stage.seconds is None else f"{stage.seconds:.1f}",
            "rows": "" if stage.rows is None else f"{stage.rows:,}",
            "why": ", ".join(stage.why),
        }
        for stage in seen.stages
    ]
    print_section("stages", stages)
    if seen.changed_settings:
        print_section(
            "settings.toml, changed since the last run", [{"setting": text} for text in seen.changed_settings]
        )
    tables = [{"table": row["table"], "rows": f"{row['n_rows']:,}"} for row in seen.tables if row["n_rows"]]
    print_section("tables (those with rows)", tables)
    files = [{**row, "bytes": bytes_text(row["bytes"])} for row in seen.files]
    files.append({"folder": "swimmy.duckdb", "n_files": 1, "bytes": bytes_text(seen.database_bytes)})
    print_section("files", files)
    print_section("left out", seen.rejects, empty="nothing")


def bytes_text(size: int) -> str:
    """A size for the eye: 1.2 GB."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def verify(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Compare every file, table and row with what was recorded when it was published; exit code 1 if one differs.

    Checksums of all files, contracts of all tables, sql/checks, contents of tables against the stages that made
    them, and the journal that `swimmy rebuild` needs.

    `swimmy verify`
    """
    from dataclasses import asdict

    from swimmy_db.cli.progress import bar, say
    from swimmy_db.cli.render import print_json, print_lines

    from swimmy_db.pipeline.verify import verify as examine
    from swimmy_db.workspace import Workspace

    with bar("verify (MiB)") as progress:
        seen = examine(Workspace.locate(workspace), progress)
    if as_json:
        print_json(asdict(seen))
    else:
        print_lines(f"{fault.kind}: {fault.where}: {fault.what}" for fault in seen.faults)
    say(
        f"{seen.n_files:,} files ({bytes_text(seen.n_bytes)}), {seen.n_tables} tables and {seen.n_checks} checks: "
        + (f"{len(seen.faults)} faults" if seen.faults else "all as they were published")
    )
    if seen.faults:
        raise typer.Exit(1)


def rebuild(workspace: WorkspaceOption = None) -> None:
    """Make swimmy.duckdb again from the files and the journal, also where it is lost or broken.

    The old database is replaced only when the new one is complete. Tables that come out otherwise than they were
    published, because settings or SQL have changed since, are named.

    `swimmy rebuild`
    """
    from swimmy_db.cli.progress import bar, say

    from swimmy_db.pipeline.rebuild import rebuild as make_again
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    with bar("rebuild") as progress:
        rebuilt = make_again(place, progress)
    for table, (then, now) in rebuilt.differing.items():
        say(f"{table}: was {then}, is {now}; `swimmy status` says what has changed since")
    same = len(rebuilt.fingerprints) - len(rebuilt.differing)
    say(f"{place.database}: {len(rebuilt.fingerprints)} tables made again, {same} as they were published")
