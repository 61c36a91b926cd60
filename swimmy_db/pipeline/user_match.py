"""`swimmy match`: a user's list of positions against everything that the survey's catalogue brought."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.catalog import Catalog
from swimmy_db.pipeline.query import query_text
from swimmy_db.sources.user_list import read_user_list

PREFIX = "my_"
NO_CANDIDATES = (
    "select null::bigint as object_id, null::varchar as sample, null::varchar as aperture, null::varchar as bands, "
    "null::varchar as max_level where false"
)


def match_list(
    catalog: Catalog, file: Path, radius_arcsec: float, ra: str | None = None, dec: str | None = None
) -> pa.Table:
    """One row per position of the list and object within the radius, nearest first; unmatched positions have one row.

    Columns: list_row (from 0), the object, its separation (arcsec), and `outcome`: candidate, member, why it is not in
    the sample, or that nothing is there; what is known of it; and the list's own columns as my_*.

    Raises NotReady before `swimmy select`; InputRefused where the file is not a list of positions in degrees.
    """
    catalog.require("survey.cut_results", "select")
    table, ra_values, dec_values = read_user_list(file, ra, dec)
    rows = np.arange(len(table), dtype=np.int64)
    positions = pa.table({"list_row": rows, "ra": ra_values, "dec": dec_values})
    own = table.rename_columns([f"{PREFIX}{name}" for name in _distinct(table.column_names)])
    with tempfile.TemporaryDirectory() as folder:
        # through Parquet like all data: DuckDB 2.0.0 scans Python objects wrongly in places
        for name, content in (("user_positions", positions), ("user_list", own.append_column("list_row", [rows]))):
            path = Path(folder) / f"{name}.parquet"
            pq.write_table(content, path)
            catalog.connection.execute(
                f"create or replace temp table {name} as select * from read_parquet(?)", [str(path)]
            )
    candidates = "from model.candidates" if catalog.has("model.candidates") else NO_CANDIDATES
    catalog.connection.execute(f"create or replace temp view user_candidates as {candidates}")
    return catalog.arrow(query_text("user_match"), [radius_arcsec])


def _distinct(names: list[str]) -> list[str]:
    """DuckDB's names are the same whatever their case: further ones of a name are numbered."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        number = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        result.append(name if number == 1 else f"{name}_{number}")
    return result
