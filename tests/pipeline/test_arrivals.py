"""Native files to Parquet: where each row came from, in the words of its reader where it knows better."""

import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.contracts import Column, Contract
from swimmy_db.pipeline.arrivals import to_parquet

CONTRACT = Contract(
    table="raw.x",
    description="one row per x",
    columns={
        "x": Column(type="int64", description="x"),
        "source_file": Column(type="string", description="file", required=False),
        "file_row": Column(type="int64", description="row", required=False),
    },
)


def written(tmp_path, *tables: dict) -> list[dict]:
    path = tmp_path / "x.parquet"
    rows = to_parquet(iter(pa.table(table) for table in tables), CONTRACT, path, "own/x.csv")
    found = pq.read_table(path).to_pylist()
    assert rows == len(found)
    return found


def test_rows_are_counted_over_blocks(tmp_path):
    found = written(tmp_path, {"x": [5, 6]}, {"x": [7]})
    assert [(row["x"], row["file_row"], row["source_file"]) for row in found] == [
        (5, 0, "own/x.csv"),
        (6, 1, "own/x.csv"),
        (7, 2, "own/x.csv"),
    ]


def test_a_reader_that_knows_the_row_is_believed(tmp_path):
    found = written(tmp_path, {"x": [5, 6], "file_row": [10, 11]}, {"x": [5, 6], "file_row": [10, 11]})
    assert [row["file_row"] for row in found] == [10, 11, 10, 11]
