"""LSDB's crossmatch on two processes: left and right (HATS catalogues, built before) answer.parquet."""

import sys

import lsdb
from clock import timed
from dask.distributed import Client


def main() -> None:
    left, right, answer = sys.argv[1:]
    # its start is not counted, nor is the building of the catalogues
    with (
        Client(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True),
        timed("lsdb", "hats", "dask"),
    ):
        many, few = lsdb.open_catalog(left), lsdb.open_catalog(right)
        found = many.crossmatch(few, radius_arcsec=1.0, n_neighbors=1, suffixes=("_l", "_r"))
        table = found.compute()[["object_id_l", "object_id_r", "_dist_arcsec"]]
        table.columns = ["left_id", "right_id", "separation"]
        table.reset_index(drop=True).to_parquet(answer)


if __name__ == "__main__":
    main()
