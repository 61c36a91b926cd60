"""From the cutout service's tar to raw pixels in Parquet, five bands an object."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from astropy.wcs import WCS
from contest import Contender, Contest, script

from swimmy_db.config import load_preset
from swimmy_db.sources.simulated.cutout_files import fits_bytes
from swimmy_db.sources.skymap import tract_centre

SIZES = {"full": 2000, "small": 40}
ROWS_A_REQUEST = 990  # the most that the service takes
TRACT, SIDE, PIXEL = 9813, 96, 0.168 / 3600


def write_tars(folder: Path, n_objects: int) -> Path:
    """Sky noise in the service's layout, a tar and its list a request: what is read does not change how long it takes.

    Returns their folder.
    """
    random = np.random.default_rng(20261123)
    corners = random.integers(1000, 30_000, (n_objects, 2)).tolist()
    tract = WCS(naxis=2)
    tract.wcs.crval, tract.wcs.crpix = tract_centre(TRACT), (18_001.0 - 1, 18_001.0 - 1)
    tract.wcs.cd, tract.wcs.ctype = [[-PIXEL, 0], [0, PIXEL]], ["RA---TAN", "DEC--TAN"]
    rows = [
        (band.archive_name, number, *corner)
        for band in load_preset("paper").bands
        for number, corner in enumerate(corners)
    ]
    brought = folder / "cutouts"
    brought.mkdir()
    for request, first in enumerate(range(0, len(rows), ROWS_A_REQUEST)):
        lines = ["#? rerun type filter tract ra dec sw sh image mask variance"]
        tar = brought / f"cutouts-{request:03d}.tar"
        with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT) as archive:
            for band, number, x, y in rows[first : first + ROWS_A_REQUEST]:
                payload = fits_bytes(random.normal(0, 0.04, (SIDE, SIDE)).astype(np.float32), x, y, TRACT, 404, band)
                name = f"arch-261123-000000/{len(lines) + 1}-cutout-{band}-{TRACT}-pdr3_wide.fits"
                member = tarfile.TarInfo(name)
                member.size = len(payload)
                archive.addfile(member, io.BytesIO(payload))
                ra, dec = tract.all_pix2world(x + SIDE / 2 - 0.4, y + SIDE / 2 - 0.4, 0)
                place = f"pdr3_wide coadd {band} {TRACT} {float(ra):.8f} {float(dec):.8f} 8.06asec 8.06asec"
                lines.append(f"{place} true false false # object_id={10**15 + number}")
        tar.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return brought


def same_stamps(ours: Path, other: Path) -> str:
    """The same pixels bit by bit, positions within a millionth of a pixel, zero points."""
    mine, theirs = (rows_of(path) for path in (ours, other))
    assert mine.keys() == theirs.keys(), "not the same objects and bands"
    worst = 0.0
    for key, row in mine.items():
        found = theirs[key]
        assert row["pixels"] == found["pixels"], f"the pixels of {key} differ"
        worst = max(worst, *(abs(row[name] - found[name]) for name in ("x", "y", "zero_point")))
    assert worst < 1e-6, f"positions or zero points differ by {worst}"
    return f"{len(mine):,} stamps bit by bit, positions within {worst:.0e} pix"


def rows_of(folder: Path) -> dict[tuple[str, int], dict]:
    archive_names = {band.band: band.archive_name for band in load_preset("paper").bands}
    rows = {}
    for path in sorted(folder.rglob("*.parquet")):
        columns = ["object_id", "pixels", "x", "y", "zero_point"]
        for row in pq.ParquetFile(path).read(columns=columns).to_pylist():
            band = path.stem if path.stem in archive_names.values() else archive_names[path.parent.name[5:]]
            rows[band, row["object_id"]] = row
    return rows


def contest(folder: Path, size: str, pythons: dict[str, Path]) -> Contest:
    brought = write_tars(folder, SIZES[size])
    contenders = [
        Contender(name, script(f"{which}_stamps", pythons["ours"], brought, folder / which), folder / which)
        for name, which in (("swimmy_db", "ours"), ("tarfile + astropy.io.fits", "astropy"))
    ]
    work = f"{SIZES[size]} objects x 5 bands, tar to raw Parquet"
    aims = {"tarfile + astropy.io.fits": 12}
    return Contest(work, 5 * SIZES[size], "stamps", "swimmy_db", contenders, aims, same_stamps)
