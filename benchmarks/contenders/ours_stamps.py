"""swimmy_db: cutouts.tar, its list and an empty folder; what stage `stamps` does, without the tables."""

import sys
from pathlib import Path

from clock import timed

from swimmy_db.config import load_preset
from swimmy_db.cubes.cutouts import read_cutout
from swimmy_db.cubes.stamps import write_stamps
from swimmy_db.sources.hsc_cutouts import read_cutout_tar

tar, listing, folder = map(Path, sys.argv[1:])
settings = load_preset("paper")
archive_names = {band.band: band.archive_name for band in settings.bands}


def stamps():
    for found in read_cutout_tar(tar, listing, settings.bands):
        yield read_cutout(
            found.payload,
            found.ra,
            found.dec,
            object_id=found.object_id,
            band=found.band,
            tract=found.tract,
            member=found.member,
            archive=found.archive,
            archive_band=archive_names[found.band],
            stamp_size=settings.stamp_size,
            margin=settings.psf_margin,
        )


with timed("pyarrow", "numpy"):
    write_stamps(stamps(), folder)
