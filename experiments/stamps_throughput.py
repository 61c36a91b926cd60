"""How fast do cutouts become stamps? From the service's tars to Parquet, ours beside the obvious way.

    python experiments/stamps_throughput.py [--objects 2000] [--folder FOLDER] [--repeat 3]

Packs tars as the cutout service sends them (98 x 98 pixels, image and mask, at most 990 files each), then reads them
in processes of their own, the files in the page cache:

  obvious  tarfile, astropy.io.fits and astropy.wcs for each file, appended to a list, one Parquet file at the end
  files    tars that lie in downloads/hsc/cutouts: read_cutout_tar, read_cutout, write_stamps
  service  what a fetch does with a tar as it arrives: the same reader, pieces on disk that a killed run finds again,
           then the parts
"""

import argparse
import importlib
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SIDE = 98
LIST_ROWS = 990
BANDS = "grizy"
TRACTS = (9812, 9813, 9814, 9815)


def pack(folder: Path, n_objects: int) -> None:
    """Tars and lists of n_objects in five bands, sorted as the service advises."""
    from swimmy_db.sources.simulated.cutout_files import fits_bytes
    from swimmy_db.sources.simulated.options import ARCHIVE_NAMES
    from swimmy_db.sources.skymap import pixel_to_sky

    rng = np.random.default_rng(1)
    rows = []
    for number in range(n_objects):
        tract = TRACTS[number * len(TRACTS) // n_objects]
        x, y = rng.uniform(2000, 34000, 2)
        rows.append(((tract << 42) + number, tract, x, y, *pixel_to_sky(tract, x, y)))
    noise = rng.normal(size=(SIDE, SIDE)).astype("f4")
    mask = layer_of_mask(rng.choice(np.array([0, 32], "i4"), (SIDE, SIDE)))
    wanted = [(band, *row) for band in BANDS for row in rows]
    for number, start in enumerate(range(0, len(wanted), LIST_ROWS)):
        lines = ["#? rerun type filter tract ra dec sw sh image mask variance"]
        with tarfile.open(folder / f"cutouts-{number:03d}.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
            for lineno, (band, object_id, tract, x, y, ra, dec) in enumerate(wanted[start : start + LIST_ROWS], 2):
                name = ARCHIVE_NAMES[band]
                lines.append(
                    f"pdr3_wide coadd {name} {tract} {ra:.16e}deg {dec:.16e}deg 8.232asec 8.232asec true true false "
                    f"# object_id={object_id}"
                )
                x_0, y_0 = round(x) - SIDE // 2, round(y) - SIDE // 2
                content = fits_bytes(noise + lineno, x_0, y_0, tract, 404, band)
                # the two layers at the end are empty, one header block each; the mask takes the place of the first
                content = content[:-5760] + mask + content[-2880:]
                entry = tarfile.TarInfo(f"arch-231123-000001/{lineno}-cutout-{name}-{tract}-pdr3_wide.fits")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        (folder / f"cutouts-{number:03d}.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


def layer_of_mask(mask: np.ndarray) -> bytes:
    from astropy.io import fits

    from swimmy_db.cubes.cutouts import MASK_PLANES

    layer = fits.ImageHDU(mask)
    for bit, plane in enumerate(MASK_PLANES):
        layer.header[f"HIERARCH MP_{plane}"] = bit
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), layer]).writeto(stream)
    return stream.getvalue()[2880:]


def obvious(folder: Path, out: Path) -> int:
    """What one writes first."""
    import hashlib

    import pyarrow as pa
    import pyarrow.parquet as pq
    from astropy.io import fits
    from astropy.wcs import WCS

    rows = []
    for tar in sorted(folder.glob("*.tar")):
        lines = tar.with_suffix(".txt").read_text(encoding="ascii").splitlines()
        with tarfile.open(tar) as archive:
            for info in archive:
                cells, _, comment = lines[int(info.name.split("/")[1].split("-")[0]) - 1].partition("#")
                _, _, band, tract, ra, dec, *_ = cells.split()
                payload = archive.extractfile(info).read()
                with fits.open(io.BytesIO(payload)) as hdus:
                    pixels = hdus[1].data.astype("f4")
                    x, y = WCS(hdus[1].header).all_world2pix(float(ra[:-3]), float(dec[:-3]), 0)
                    rows.append(
                        {
                            "object_id": int(comment.split("=")[1]),
                            "band": band,
                            "tract": int(tract),
                            "pixels": pixels.tobytes(),
                            "x": float(x),
                            "y": float(y),
                            "zero_point": 2.5 * np.log10(hdus[0].header["FLUXMAG0"]),
                            "mask_bits": int(np.bitwise_or.reduce(hdus[2].data, axis=None)),
                            "sha256": hashlib.sha256(payload).hexdigest(),
                        }
                    )
    pq.write_table(pa.Table.from_pylist(rows), out / "stamps.parquet")
    return len(rows)


def stamps_of(folder: Path) -> Iterator:
    from swimmy_db.config import load_preset
    from swimmy_db.cubes.cutouts import read_cutout
    from swimmy_db.sources.hsc_cutouts import read_cutout_tar

    settings = load_preset("paper")
    names = {band.band: band.archive_name for band in settings.bands}
    for tar in sorted(folder.glob("*.tar")):
        for found in read_cutout_tar(tar, tar.with_suffix(".txt"), settings.bands):
            yield read_cutout(
                found.payload,
                found.ra,
                found.dec,
                object_id=found.object_id,
                band=found.band,
                tract=found.tract,
                member=found.member,
                archive=found.archive,
                archive_band=names[found.band],
                stamp_size=settings.stamp_size,
                margin=settings.psf_margin,
            )


def files(folder: Path, out: Path) -> int:
    from swimmy_db.cubes.stamps import write_stamps

    return len(write_stamps(stamps_of(folder), out).index)


def service(folder: Path, out: Path) -> int:
    from swimmy_db.cubes.stamp_spool import StampSpool
    from swimmy_db.cubes.stamps import write_stamps

    spool = StampSpool(out / "partial")
    for stamp in stamps_of(folder):
        spool.add(stamp)
    return len(write_stamps(spool.stamps(), out / "stamps").index)


WAYS = {"obvious": obvious, "files": files, "service": service}


def measure(way: str, folder: Path) -> dict[str, float]:
    """One run in a process of its own: stamps, seconds after the imports, peak memory."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, __file__, "--way", way, "--folder", str(folder), "--out", out]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_way(way: str, folder: Path, out: Path) -> None:
    # what every way imports is not part of its time
    for module in ("astropy.io.fits", "astropy.wcs", "pyarrow.parquet", "swimmy_db.cubes.stamp_spool"):
        importlib.import_module(module)
    clock, cpu = time.monotonic(), time.process_time()
    n_stamps = WAYS[way](folder, out)
    seconds, cpu = time.monotonic() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"stamps": n_stamps, "seconds": seconds, "cpu": cpu, "peak_mb": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="for about 1 GB of tars; default: a temporary one")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        run_way(options.way, options.folder, options.out)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        pack(folder, options.objects)
        for path in folder.glob("*.tar"):
            path.read_bytes()
        best: dict[str, dict[str, float]] = {}
        # the ways take turns, so that a busy machine is busy for all
        for _ in range(options.repeat):
            for way in WAYS:
                found = measure(way, folder)
                if way not in best or found["seconds"] < best[way]["seconds"]:
                    best[way] = found
    slow = best["obvious"]
    print("way        stamps/s   seconds   CPU s   peak MB   times faster")
    for way, found in best.items():
        rate = found["stamps"] / found["seconds"]
        ratio = slow["seconds"] / found["seconds"]
        print(
            f"{way:10s} {rate:8.0f} {found['seconds']:9.2f} {found['cpu']:7.2f} {found['peak_mb']:9.0f} {ratio:14.1f}"
        )


if __name__ == "__main__":
    main()
