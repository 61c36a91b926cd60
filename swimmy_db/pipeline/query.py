"""Questions to the database: one statement from a user, locked down, and the project's own of sql/queries."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import duckdb
import pyarrow as pa

from swimmy_db.catalog import Catalog, open_catalog, require_one_select
from swimmy_db.contracts import contracts_of
from swimmy_db.errors import NotReady, SwimmyError, UsageError
from swimmy_db.report.about import About, about_query
from swimmy_db.sql_models import tables_read
from swimmy_db.workspace import Workspace

# What is wrong with the question, as against what went wrong while it was answered.
WRONG_QUESTION = (
    duckdb.BinderException,
    duckdb.ParserException,
    duckdb.PermissionException,
    duckdb.InvalidInputException,
    duckdb.SyntaxException,
)


@contextlib.contextmanager
def ask(workspace: Workspace, statement: str) -> Iterator[tuple[About, pa.RecordBatchReader]]:
    """Run one SELECT or EXPLAIN: what the survey is, and the rows, batch by batch while the session is open.

    Raises UsageError where it is not one, or names what does not exist; SwimmyError where it fails on the way;
    NotReady where the workspace holds no survey.
    """
    workspace.require_survey()
    require_one_select(statement)
    with open_catalog(workspace, locked_down=True) as catalog:
        # before the question: another one on the same session would end its batches
        about = about_query(catalog)
        try:
            # a reader that nobody drained would keep the locked-down database open behind the session's back
            with catalog.reader(statement) as batches:
                yield about, batches
        except duckdb.CatalogException as fault:
            require_made(catalog, tables_read(statement))
            raise UsageError(f'{fault}\n`swimmy sql "show all tables"` lists what there is') from None
        except WRONG_QUESTION as fault:
            raise UsageError(str(fault)) from None
        except duckdb.Error as fault:
            raise SwimmyError(str(fault)) from None


def require_made(catalog: Catalog, tables: Iterable[str]) -> None:
    """Raises NotReady for a table that the pipeline will make but has not made yet."""
    for table in tables:
        if not catalog.has(table) and table in contracts_of(table.partition(".")[0]):
            raise NotReady(f"{table} is not made yet: `swimmy pipeline` makes it (`swimmy status` says how far it is)")


@cache
def query_text(name: str) -> str:
    """The text of sql/queries/<name>.sql."""
    return (resources.files("swimmy_db.sql") / "queries" / f"{name}.sql").read_text(encoding="utf-8")


def answer(catalog: Catalog, name: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]] | None:
    """The rows of a query of sql/queries; None while a table that it reads has not been made yet."""
    text = query_text(name)
    if not all(catalog.has(table) for table in tables_read(text)):
        return None
    return catalog.arrow(text, parameters).to_pylist()
