"""Cross-match at 1 arcsec, Parquet to Parquet: a deep catalogue against a wide one; each row takes its nearest."""

import shutil
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table
from contest import Contender, Contest, script

from swimmy_db import sql_models

SIZES = {"full": (5_000_000, 930_000), "small": (50_000, 20_000)}
KEPT = "swimmy_db, cells kept at ingest"
SHARED = 0.65  # of the smaller catalogue that lies within about an arcsecond of some row of the larger


def write_catalogues(folder: Path, n_left: int, n_right: int) -> tuple[Path, Path]:
    """Two catalogues over RA 0/360, one of them dense; positions in degrees."""
    random = np.random.default_rng(20261123)

    def positions(n: int) -> tuple[np.ndarray, np.ndarray]:
        dec = np.degrees(np.arcsin(random.uniform(np.sin(np.radians(-7)), np.sin(np.radians(7)), n)))
        return random.uniform(330, 400, n) % 360, dec

    right_ra, right_dec = positions(n_right)
    left_ra, left_dec = positions(n_left)
    n_shared = int(SHARED * n_right)
    at, of = (random.choice(n, n_shared, replace=False) for n in (n_left, n_right))
    left_ra[at] = (right_ra[of] + random.normal(0, 0.3 / 3600, n_shared)) % 360
    left_dec[at] = right_dec[of] + random.normal(0, 0.3 / 3600, n_shared)
    paths = folder / "left.parquet", folder / "right.parquet"
    for path, ra, dec, first in zip(
        paths, (left_ra, right_ra), (left_dec, right_dec), (36 * 10**15, 10**15), strict=True
    ):
        ids = np.arange(len(ra), dtype=np.int64) + first
        pq.write_table(pa.table({"object_id": ids, "ra": ra, "dec": dec}), path)
    return paths


def keep_cells(catalogue: Path, target: Path) -> None:
    """The catalogue with its positions' cells, as ingest leaves it."""
    with duckdb.connect() as connection:
        sql_models.create_macros(connection)
        connection.execute(f"copy (select *, sky_cell(ra, dec) as sky_cell from '{catalogue}') to '{target}'")


def same_pairs(ours: Path, other: Path) -> str:
    """The same pairs, and separations within a millionth of an arcsecond."""
    mine, theirs = (read_pairs(path) for path in (ours, other))
    assert len(mine) == len(theirs), f"{len(mine)} and {len(theirs)} pairs"
    assert np.array_equal(mine["left_id"], theirs["left_id"]), "the matched rows differ"
    assert np.array_equal(mine["right_id"], theirs["right_id"]), "the counterparts differ"
    worst = np.abs(mine["separation"] - theirs["separation"]).max(initial=0.0)
    assert worst < 1e-4, f"separations differ by {worst} arcsec"
    return f"{len(mine):,} pairs, separations within {worst:.1e} arcsec"


def read_columns(path: Path) -> Table:
    if path.suffix == ".fits":
        return Table.read(path)
    columns = pq.read_table(path)
    return Table({name: columns[name].to_numpy() for name in columns.column_names})


def read_pairs(path: Path) -> np.ndarray:
    table = read_columns(path)
    kinds = [("left_id", "i8"), ("right_id", "i8"), ("separation", "f8")]
    pairs = np.zeros(len(table), kinds)
    for name, _ in kinds:
        pairs[name] = table[name]
    return np.sort(pairs, order="left_id")


def contest(folder: Path, size: str, pythons: dict[str, Path]) -> Contest:
    n_left, n_right = SIZES[size]
    left, right = write_catalogues(folder, n_left, n_right)
    ours = "swimmy_db"
    contenders = [
        Contender(
            ours,
            script("ours_crossmatch", pythons["ours"], left, right, folder / "ours.parquet"),
            folder / "ours.parquet",
        )
    ]
    kept, answer = folder / "left-cells.parquet", folder / "kept.parquet"
    keep_cells(left, kept)
    contenders.append(Contender(KEPT, script("ours_crossmatch", pythons["ours"], kept, right, answer, "kept"), answer))
    for name in ("astropy", "ckdtree"):
        answer = folder / f"{name}.parquet"
        label = {"ckdtree": "scipy cKDTree"}.get(name, name)
        contenders.append(Contender(label, script(f"{name}_crossmatch", pythons["ours"], left, right, answer), answer))
    if shutil.which("stilts"):
        contenders.append(stilts(folder, left, right))
    if "theirs" in pythons:
        catalogues = [folder / f"{path.stem}-hats" for path in (left, right)]
        for path, catalogue in zip((left, right), catalogues, strict=True):
            subprocess.run(
                script("lsdb_catalogue", pythons["theirs"], path, catalogue), check=True, capture_output=True
            )
        answer = folder / "lsdb.parquet"
        contenders.append(Contender("LSDB", script("lsdb_crossmatch", pythons["theirs"], *catalogues, answer), answer))
    aims = {"STILTS": 10, "LSDB": 10, "astropy": 25}
    work = f"cross-match {n_left:,} x {n_right:,}"
    return Contest(work, n_left, "rows", ours, contenders, aims, same_pairs)


def stilts(folder: Path, left: Path, right: Path) -> Contender:
    """FITS to FITS, its own best format: Debian's build reads no Parquet."""
    for path in (left, right):
        read_columns(path).write(path.with_suffix(".fits"), overwrite=True)
    answer = folder / "stilts.fits"
    command = ["stilts", "-Xmx4g", "tmatch2", "matcher=sky", "params=1.0", "find=best1", "join=1and2"]
    for number, path in enumerate((left, right), 1):
        command += [f"in{number}={path.with_suffix('.fits')}", f"ifmt{number}=fits", f"values{number}=ra dec"]
        command += [f"suffix{number}=_{number}"]
    names = {"object_id_1": "left_id", "object_id_2": "right_id", "Separation": "separation"}
    rename = [f"colmeta -name {new} {old}" for old, new in names.items()]
    command += ["; ".join([f'ocmd=keepcols "{" ".join(names)}"', *rename]), f"out={answer}", "ofmt=fits"]
    told = subprocess.run(["stilts", "-version"], capture_output=True, text=True, check=True).stdout
    version = next(line.split()[-1] for line in told.splitlines() if "STILTS version" in line)
    return Contender("STILTS", command, answer, whole_process=True, versions={"stilts": version})
