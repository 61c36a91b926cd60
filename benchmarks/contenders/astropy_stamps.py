"""The obvious way: tarfile, astropy.io.fits and astropy.wcs, rows appended to one Parquet file a band."""

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.wcs import WCS
from clock import timed

brought, folder = map(Path, sys.argv[1:])
folder.mkdir(parents=True)
ROWS = 64
with timed("astropy", "pyarrow"):
    writers: dict[str, pq.ParquetWriter] = {}
    waiting: dict[str, list[dict]] = {}

    def flush(band: str) -> None:
        table = pa.Table.from_pylist(waiting.pop(band))
        writer = writers.setdefault(band, None) or pq.ParquetWriter(folder / f"{band}.parquet", table.schema)
        writers[band] = writer
        writer.write_table(table)

    for tar in sorted(brought.glob("*.tar")):
        lines = tar.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
        columns = lines[0][2:].split()
        with tarfile.open(tar) as archive:
            for member in archive:
                content = archive.extractfile(member).read()
                line = lines[int(Path(member.name).name.split("-")[0]) - 1]
                asked = dict(zip(columns, line.split("#")[0].split(), strict=True))
                with fits.open(io.BytesIO(content)) as hdus:
                    x, y = WCS(hdus[1].header).all_world2pix(float(asked["ra"]), float(asked["dec"]), 0)
                    pixels = hdus[1].data.astype(np.float32)
                    row = {
                        "object_id": int(line.rpartition("=")[2]),
                        "ny": pixels.shape[0],
                        "nx": pixels.shape[1],
                        "pixels": pixels.tobytes(),
                        "x": float(x),
                        "y": float(y),
                        "zero_point": 2.5 * float(np.log10(hdus[0].header["FLUXMAG0"])),
                    }
                band = asked["filter"]
                waiting.setdefault(band, []).append(row)
                if len(waiting[band]) == ROWS:
                    flush(band)
    for band in list(waiting):
        flush(band)
    for writer in writers.values():
        writer.close()
