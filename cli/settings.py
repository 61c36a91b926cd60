"""`swimmy settings`: every number and choice that a result depends on."""

from typing import Annotated, Any

import typer
from swimmy_db.cli.options import JsonOption, WorkspaceOption


def register(app: typer.Typer) -> None:
    app.command()(settings)


def settings(
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Settings to change; none switches a cut off.")
    ] = None,
    as_sql: Annotated[bool, typer.Option("--sql", help="Print them as SQL for a bare DuckDB shell.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List all settings, or change some in settings.toml (its comments stay); * marks what differs from the paper.

    A change takes effect at the next `swimmy pipeline`, which reruns only what depends on it.

    `swimmy settings` · `swimmy settings xelg_ew_min=80 seeing_max=none` · `swimmy settings --sql | duckdb`
    """
    from swimmy_db.cli.progress import say
    from swimmy_db.cli.render import aligned, cell_text, print_json, print_lines, terminal_width

    from swimmy_db.pipeline.settings import change_settings, list_settings, parse_assignments, settings_sql
    from swimmy_db.workspace import Workspace

    place = Workspace.locate(workspace)
    place.require_survey()
    if changes:
        asked = parse_assignments(changes)
        change_settings(place, asked)
        say(f"{place.settings_file}: {', '.join(asked)} changed; `swimmy pipeline` reruns what depends on it")
        if not (as_sql or as_json):
            return
    if as_sql:
        print(settings_sql(place))
        return
    rows = list_settings(place)
    if as_json:
        print_json(rows)
        return
    width = terminal_width()
    headers = ("", "name", "value", "paper's", "section", "description")
    table = [
        (
            "*" if row["changed"] else "",
            row["name"],
            cell_text(value_text(row), width and 20),
            cell_text(row["default_value"] or "not applied", width and 12) if row["changed"] else "",
            row["section"],
            row["description"],
        )
        for row in rows
    ]
    print_lines(aligned(headers, table, width, cut_last=True))


def value_text(row: dict[str, Any]) -> str:
    """The value for the eye: words, a number with its unit, or that the cut is not applied."""
    if row["text"] is not None:
        return row["text"]
    return "not applied" if row["value"] is None else f"{row['value']:.9g} {row['unit'] or ''}".rstrip()
