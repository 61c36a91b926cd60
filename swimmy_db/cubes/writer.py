"""Writing a cube set as a HATS catalogue: sky partitions of bounded size, each sorted by _healpix_29."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.cubes.store import ROWS_PER_GROUP, CubeBlock, CubeRecipe, cube_schema
from swimmy_db.errors import SwimmyError

ROWS_PER_FILE = 20_000  # of 41 kB: files of at most about 0.8 GB
HIGHEST_ORDER = 10


class Partition(NamedTuple):
    """One HEALPix pixel's rows: start to stop (exclusive) in the order of _healpix_29."""

    order: int
    pixel: int
    start: int
    stop: int

    @property
    def path(self) -> str:
        """Relative to the catalogue, as the HATS standard has it."""
        return f"dataset/Norder={self.order}/Dir={self.pixel // 10000 * 10000}/Npix={self.pixel}.parquet"


def healpix_29(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Nested HEALPix pixel of order 29 of each position (deg), int64."""
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    return lonlat_to_healpix(Longitude(ra, "deg"), Latitude(dec, "deg"), 29, num_threads=1).astype(np.int64)


def sky_partitions(pixels_29: np.ndarray, rows_per_file: int, order: int = 0, start: int = 0) -> Iterator[Partition]:
    """Divide sorted order-29 pixels into the coarsest HEALPix pixels of at most `rows_per_file` rows, as HATS does."""
    here = pixels_29 >> (2 * (29 - order))
    pixels, firsts = np.unique(here, return_index=True)
    for pixel, first, last in zip(pixels, firsts, [*firsts[1:], len(here)], strict=True):
        if last - first <= rows_per_file or order == HIGHEST_ORDER:
            yield Partition(order, int(pixel), start + int(first), start + int(last))
        else:
            yield from sky_partitions(pixels_29[first:last], rows_per_file, order + 1, start + int(first))


class CubeSetWriter:
    """Takes blocks of cubes in any order, in constant memory, and leaves a cube set.

        with CubeSetWriter(folder, recipe) as writer:
            for block in blocks:
                writer.add(block)
        index = CubeSet(folder).index("psf1p0")

    The partitions follow from all positions, so cubes wait in one flat file beside them until the end. An exception
    leaves no cube set.
    """

    def __init__(self, folder: Path, recipe: CubeRecipe, rows_per_file: int = ROWS_PER_FILE) -> None:
        self.folder = Path(folder)
        self.recipe = recipe
        self.rows_per_file = rows_per_file
        self._columns: list[dict[str, np.ndarray]] = []
        self._waiting_path = self.folder / "cubes.waiting"

    def __enter__(self) -> Self:
        if (self.folder / "dataset").exists():
            raise SwimmyError(f"{self.folder}: a cube set is there already; write to a new folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._waiting = self._waiting_path.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._waiting.close()
        try:
            if kind is None:
                self._write()
        finally:
            self._waiting_path.unlink(missing_ok=True)

    def add(self, block: CubeBlock) -> None:
        """Raises ValueError if the cubes are not uint16 of the recipe's shape."""
        if block.cubes.dtype != np.uint16 or block.cubes.shape[1:] != self.recipe.shape:
            raise ValueError(
                f"expected uint16 cubes of {self.recipe.shape}, found {block.cubes.dtype} of {block.cubes.shape[1:]}"
            )
        block.cubes.astype("<u2", copy=False).tofile(self._waiting)
        self._columns.append(
            {
                "_healpix_29": healpix_29(block.ra, block.dec),
                "object_id": np.asarray(block.object_ids, np.int64),
                "ra": np.asarray(block.ra, np.float64),
                "dec": np.asarray(block.dec, np.float64),
                "n_bad": np.asarray(block.n_bad, np.int32),
                "offset_x": np.asarray(block.offset_x, np.float32),
                "offset_y": np.asarray(block.offset_y, np.float32),
                "unsmoothed_bands": np.array(
                    [",".join(np.array(self.recipe.bands)[row]) for row in block.unsmoothed], dtype=object
                ),
            }
        )

    def _write(self) -> None:
        schema = cube_schema(self.recipe)
        partitions = []
        if self._columns:
            columns = {name: np.concatenate([some[name] for some in self._columns]) for name in self._columns[0]}
            if len(np.unique(columns["object_id"])) != len(columns["object_id"]):
                raise SwimmyError(f"{self.folder}: the same object_id was given twice")
            # By id within a pixel, so that the files do not depend on the order in which blocks came.
            order = np.lexsort((columns["object_id"], columns["_healpix_29"]))
            partitions = list(sky_partitions(columns["_healpix_29"][order], self.rows_per_file))
            with self._waiting_path.open("rb") as waiting:
                for partition in partitions:
                    rows = order[partition.start : partition.stop]
                    _write_partition(self.folder / partition.path, schema, columns, waiting, self.recipe.shape, rows)
        self._write_catalogue(partitions)
        # Last: without it the folder is no cube set.
        (self.folder / "dataset").mkdir(exist_ok=True)
        pq.write_metadata(schema, self.folder / "dataset" / "_common_metadata")

    def _write_catalogue(self, partitions: list[Partition]) -> None:
        properties = {
            "obs_collection": self.folder.name,
            "dataproduct_type": "object",
            "hats_nrows": sum(partition.stop - partition.start for partition in partitions),
            "hats_col_ra": "ra",
            "hats_col_dec": "dec",
            "hats_col_healpix": "_healpix_29",
            "hats_col_healpix_order": 29,
            "hats_cols_default": "object_id ra dec n_bad offset_x offset_y unsmoothed_bands",
            "hats_npix_suffix": ".parquet",
            "hats_order": max((partition.order for partition in partitions), default=0),
            "hats_max_rows": self.rows_per_file,
            "hats_builder": "swimmy_db",
            "hats_version": "v1.0",
        }
        lines = ["#HATS catalog", *(f"{name}={value}" for name, value in properties.items())]
        (self.folder / "hats.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")
        rows = ["Norder,Npix", *(f"{partition.order},{partition.pixel}" for partition in partitions)]
        (self.folder / "partition_info.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _write_partition(
    path: Path,
    schema: pa.Schema,
    columns: dict[str, np.ndarray],
    waiting: BinaryIO,
    shape: tuple[int, ...],
    rows: np.ndarray,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"compression": "none", "use_dictionary": False, "write_statistics": ["object_id"]}
    with pq.ParquetWriter(path, schema, **options) as file:
        for first in range(0, len(rows), ROWS_PER_GROUP):
            some = rows[first : first + ROWS_PER_GROUP]
            arrays = {name: pa.array(values[some], schema.field(name).type) for name, values in columns.items()}
            pixels = [None, pa.py_buffer(_cubes_at(waiting, some, shape))]
            arrays["cube"] = pa.FixedSizeBinaryArray.from_buffers(schema.field("cube").type, len(some), pixels)
            file.write_table(pa.table([arrays[name] for name in schema.names], schema=schema), ROWS_PER_GROUP)


def _cubes_at(waiting: BinaryIO, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The cubes at some places of the flat file; read, since a mapped file would count as this process's memory."""
    cubes = np.empty((len(rows), *shape), "<u2")
    for cube, row in zip(cubes, rows.tolist(), strict=True):
        waiting.seek(row * cube.nbytes)
        waiting.readinto(cube)
    return cubes
