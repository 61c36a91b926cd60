"""scipy's cKDTree on unit vectors, two workers: left.parquet right.parquet answer.parquet."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clock import timed
from scipy.spatial import cKDTree


def unit_vectors(table: pa.Table) -> np.ndarray:
    ra, dec = (np.radians(table[name].to_numpy()) for name in ("ra", "dec"))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


left, right, answer = sys.argv[1:]
with timed("scipy", "numpy"):
    many, few = pq.read_table(left), pq.read_table(right)
    reach = 2 * np.sin(np.radians(1.0 / 3600) / 2)
    chord, index = cKDTree(unit_vectors(few)).query(unit_vectors(many), distance_upper_bound=reach, workers=2)
    near = np.isfinite(chord)
    found = {
        "left_id": many["object_id"].to_numpy()[near],
        "right_id": few["object_id"].to_numpy()[index[near]],
        "separation": np.degrees(2 * np.arcsin(chord[near] / 2)) * 3600,
    }
    pq.write_table(pa.table(found), answer)
