"""What ends `swimmy pipeline`: cut flow, tables of the paper beside ours, best checkpoint, times, places."""

from dataclasses import dataclass
from typing import Any

from swimmy_db.catalog import Catalog, last_runs, open_catalog
from swimmy_db.pipeline.query import answer
from swimmy_db.pipeline.runner import STAGES
from swimmy_db.workspace import Workspace

# Sections of rows, each the query sql/queries/summary_<name>.sql; None while a table that it reads is not made.
SECTIONS = ("cut_flow", "table1", "table2", "table4", "best", "candidates")


@dataclass(frozen=True)
class Summary:
    """What a run found: rows of each of SECTIONS, seconds by stage, and where things are.

    is_blind: no MPA-JHU, so that table 1's classes do not say who trains.
    """

    survey: str
    release: str
    is_simulated: bool
    sections: dict[str, list[dict[str, Any]] | None]
    seconds: dict[str, float]
    n_rejects: int
    places: dict[str, str]
    is_blind: bool = False


def summarise(workspace: Workspace) -> Summary:
    """Read the tables. Raises NotReady where there is no survey."""
    with open_catalog(workspace) as catalog:
        survey, release, simulated = catalog.rows("select survey, release, is_simulated from meta.workspace")[0]
        runs = last_runs(catalog)
        return Summary(
            survey=survey,
            release=release,
            is_simulated=simulated,
            sections={name: spread(answer(catalog, f"summary_{name}")) for name in SECTIONS},
            seconds=seconds_by_stage(runs),
            n_rejects=catalog.value("select count(*) from meta.rejects"),
            places={
                "database": str(workspace.database),
                "candidates": 'swimmy sql "select object_id, bands, max_level, class from model.candidates"',
                "all tables": 'swimmy sql "show all tables"   (model.thresholds, paper.table1 ...)',
                "one object": "swimmy why OBJECT_ID   swimmy stamp OBJECT_ID",
                "for other tools": "swimmy export model.candidates --to candidates.fits",
                "to look at": "swimmy report   (the paper's tables and figures as one page)",
            },
            is_blind=is_blind(catalog),
        )


def is_blind(catalog: Catalog) -> bool:
    """Whether the network trains on galaxies of which nobody says that they are ordinary: no MPA-JHU."""
    if not catalog.has("survey.classes"):
        return False
    return bool(catalog.value("select bool_or(is_training) and not bool_or(has_mpa_jhu) from survey.classes"))


def seconds_by_stage(runs: dict[str, dict]) -> dict[str, float]:
    """Wall time of ingest and of each stage, in order; archives that came together share one clock."""
    ingests = [run["seconds"] for name, run in runs.items() if name.startswith("ingest-")]
    stages = {stage.name: runs[stage.name]["seconds"] for stage in STAGES if stage.name in runs}
    return ({"ingest": max(ingests)} if ingests else {}) | stages


def spread(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Rows with `column_name` and `cell` side by side, a row for each value of their other columns; others as they are.

    Which columns there are depends on the survey's bands and on the sample, so no statement can name them.
    """
    if not rows or "column_name" not in rows[0]:
        return rows
    samples = list(dict.fromkeys(row.get("sample") for row in rows))
    return [line for sample in samples for line in _spread([row for row in rows if row.get("sample") == sample])]


def _spread(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = list(dict.fromkeys(row["column_name"] for row in rows))
    table: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        keys = {name: value for name, value in row.items() if name not in ("column_name", "cell")}
        line = table.setdefault(tuple(keys.values()), {**keys, **dict.fromkeys(columns)})
        line[row["column_name"]] = row["cell"]
    return list(table.values())
