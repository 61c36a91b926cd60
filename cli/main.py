"""The `swimmy` command: its groups of commands, and what an error looks like to a person."""

import errno
import os
import sys

import typer
from swimmy_db.cli import ingest, inspect, query, report, settings, stages

from swimmy_db.errors import SwimmyError

app = typer.Typer(
    name="swimmy",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "Find the strangest galaxies of a deep imaging survey, from SQL (the SWIMMY search, Tanaka et al.).\n\n"
        "Start with `swimmy ingest demo` and `swimmy pipeline`; then ask: "
        '`swimmy sql "select * from model.candidates"`. Data goes to stdout, progress to stderr. '
        "Exit codes: 0 done, 1 failed, 2 usage, 3 input refused."
    ),
)
for module in (ingest, stages, query, inspect, report, settings):
    module.register(app)


def run() -> None:
    """Entry point: a SwimmyError becomes one message on stderr and its exit code."""
    try:
        app()
    except SwimmyError as error:
        print(f"swimmy: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("swimmy: interrupted; what was published stays, the rest is as it was", file=sys.stderr)
        raise SystemExit(130) from None
    except SystemExit as ended:
        if not _reader_left(ended.__context__):
            raise
        # whoever read stdout (head, less) has seen enough: nothing failed. What Python still holds back goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _reader_left(fault: BaseException | None) -> bool:
    """Whether an exit came of a pipe that its reader closed, which click turns into exit code 1."""
    return isinstance(fault, OSError) and fault.errno == errno.EPIPE
