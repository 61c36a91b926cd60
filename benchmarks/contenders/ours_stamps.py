"""swimmy_db: a folder of tars, each beside its list, and an empty folder; what stage `stamps` does, without tables."""

import sys
from pathlib import Path

from clock import timed

from swimmy_db.config import load_preset
from swimmy_db.cubes.stamps import write_stamps
from swimmy_db.pipeline.tar_stamps import LeftOut, TarRequest, stamps_of_tars
from swimmy_db.processes import cores
from swimmy_db.sources.hsc_cutouts import read_cutout_list


def requests(tars: list[Path]):
    settings = load_preset("paper")
    for tar in tars:
        rows = read_cutout_list(tar.with_suffix(".txt"))
        positions = {row.object_id: (row.ra, row.dec) for row in rows}
        yield TarRequest(tar, rows, {row.lineno: row.object_id for row in rows}, positions, settings)


def stamps(tars: list[Path]):
    for found in stamps_of_tars(requests(tars), cores()):
        assert not isinstance(found, LeftOut), found
        yield found


if __name__ == "__main__":
    brought, folder = map(Path, sys.argv[1:])
    with timed("pyarrow", "numpy"):
        write_stamps(stamps(sorted(brought.glob("*.tar"))), folder)
