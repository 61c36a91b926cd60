"""Commands that ask the database: sql, export, match."""

from pathlib import Path
from typing import Annotated

import typer
from swimmy_db.cli.options import JsonOption, WorkspaceOption

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")]


def register(app: typer.Typer) -> None:
    app.command()(sql)
    app.command()(export)
    app.command()(match)


def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT or EXPLAIN, a FILE.sql that holds one, or - for stdin.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Write the result here: .csv, .parquet, .fits, .vot, .mrt or .reg.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask the database: one SELECT or EXPLAIN, read-only and locked down to this workspace.

    On a terminal an aligned table with the first 40 rows and the number of all; in a pipe CSV with all rows;
    `--json` a list of objects. `show all tables` and `describe survey.galaxies` say what there is.

    `swimmy sql "select object_id, bands, max_level from model.candidates"` · `swimmy sql query.sql --to out.fits`
    """
    from swimmy_db.cli.progress import say
    from swimmy_db.cli.render import print_rows

    from swimmy_db.pipeline.query import ask
    from swimmy_db.report.exports import write_table
    from swimmy_db.workspace import Workspace

    with ask(Workspace.locate(workspace), read_statement(statement)) as (about, rows):
        if to is None:
            print_rows(rows, as_json)
        else:
            written = write_table(rows, to, about, overwrite)
            say(f"{to}: {written:,} rows")


def read_statement(statement: str) -> str:
    """The SQL itself, from the argument, from the file that it names, or from stdin.

    Raises UsageError for a FILE.sql that does not exist.
    """
    from swimmy_db.errors import UsageError

    if statement == "-":
        return typer.get_text_stream("stdin").read()
    if not statement.lower().endswith(".sql"):
        return statement
    try:
        return Path(statement).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{statement}: {fault}") from None


def export(
    table: Annotated[str, typer.Argument(help="Table or view, such as model.candidates.")],
    to: Annotated[Path, typer.Option("--to", help="File: .csv, .parquet, .fits, .vot, .mrt (CDS text), .reg (DS9).")],
    overwrite: OverwriteOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a whole table or view to a file, with units, meanings and UCDs where the format has a place for them.

    FITS: TUNIT, TCOMM, TUCD; VOTable: unit, DESCRIPTION, ucd; Parquet: metadata of each field; .mrt, which
    journals take: byte-by-byte description. 64-bit ids stay exact, missing values stay missing (CSV: empty; FITS:
    TNULL or NaN). A simulated survey says so in the header, in CSV in a column of its own.
    DS9 regions (.reg) are circles of 1.5" at ra, dec, labelled by object_id.

    `swimmy export model.candidates --to candidates.fits`
    """
    from swimmy_db.cli.progress import say

    from swimmy_db.catalog import open_catalog
    from swimmy_db.pipeline.query import require_made
    from swimmy_db.report.about import is_simulated
    from swimmy_db.report.exports import SIMULATED, export_table
    from swimmy_db.workspace import Workspace

    with open_catalog(Workspace.locate(workspace)) as catalog:
        require_made(catalog, [table.lower()])
        written = export_table(catalog, table, to, overwrite)
        warning = f" ({SIMULATED})" if is_simulated(catalog) else ""
    say(f"{to}: {written:,} rows of {table}{warning}")


def match(
    file: Annotated[Path, typer.Argument(help="My list: CSV, FITS, VOTable or Parquet with positions in degrees.")],
    radius: Annotated[float, typer.Option("--radius", min=0.01, max=600.0, help="Match radius, arcsec.")] = 1.0,
    ra: Annotated[
        str | None, typer.Option("--ra", help="Column of right ascension; found by name if left out.")
    ] = None,
    dec: Annotated[str | None, typer.Option("--dec", help="Column of declination; found by name if left out.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write the result here: .csv, .parquet, .fits, .vot.")] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Match my list against the survey: what each position is here, a candidate, a member, or why it was left out.

    One row for each position and object within the radius; a position without any has one row that says so.
    `outcome` says what became of the object; my own columns come last, named my_...

    `swimmy match mylist.csv --radius 1` · `swimmy match agn.fits --ra RAJ2000 --dec DEJ2000 --to matched.vot`
    """
    from swimmy_db.cli.progress import say
    from swimmy_db.cli.render import print_rows

    from swimmy_db.catalog import open_catalog
    from swimmy_db.pipeline.user_match import match_list
    from swimmy_db.report.about import about_query
    from swimmy_db.report.exports import write_table
    from swimmy_db.workspace import Workspace

    with open_catalog(Workspace.locate(workspace)) as catalog:
        matched = match_list(catalog, file, radius, ra, dec)
        if to is None:
            print_rows(matched.to_reader(), as_json)
        else:
            written = write_table(matched.to_reader(), to, about_query(catalog), overwrite)
            say(f"{to}: {written:,} rows")
