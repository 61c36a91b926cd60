"""Cube sets on disk: one HATS catalogue each, Parquet files of stretched uint16 cubes that SQL can join."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from swimmy_db.config import Settings
from swimmy_db.cubes.stretch import StretchParameters
from swimmy_db.errors import InputRefused

ROWS_PER_GROUP = 64
FULL_SCALE = 65535  # a stretched flux of 1
METADATA_KEY = b"swimmy"


@dataclass(frozen=True)
class CubeRecipe:
    """How a cube set was made. Networks keep the recipe that they were trained on; a mismatch is refused.

    stamp_size, psf_margin: pix. pixel_scale: arcsec per pixel. target_fwhm, aperture_diameter: arcsec.
    """

    stretch: StretchParameters
    stamp_size: int = 64
    psf_margin: int = 16
    pixel_scale: float = 0.168
    target_fwhm: float = 1.0
    aperture_diameter: float = 1.008

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            stretch=StretchParameters.from_settings(settings),
            stamp_size=settings.stamp_size,
            psf_margin=settings.psf_margin,
            pixel_scale=settings.instrument.pixel_scale,
            target_fwhm=settings.instrument.target_fwhm,
            aperture_diameter=settings.instrument.aperture_diameter_arcsec,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Raises InputRefused if a part is missing, as in what another version wrote."""
        try:
            values = json.loads(text)
            fields = {name: values[name] for name in cls.__dataclass_fields__}
            return cls(**{**fields, "stretch": StretchParameters.from_json(values["stretch"])})
        except (KeyError, TypeError, ValueError) as fault:
            raise InputRefused(f"recipe of cubes: expected {list(cls.__dataclass_fields__)}, found {fault!r}") from None

    def to_json(self) -> str:
        layout = {"dtype": "uint16", "full_scale": FULL_SCALE, "shape": list(self.shape)}
        return json.dumps({**asdict(self), "stretch": self.stretch.to_json(), **layout}, sort_keys=True)

    @property
    def bands(self) -> tuple[str, ...]:
        return self.stretch.bands

    @property
    def shape(self) -> tuple[int, int, int]:
        """(band, y, x) of one cube."""
        return len(self.bands), self.stamp_size, self.stamp_size

    @property
    def aperture_radius(self) -> float:
        """Radius (pix) of the disc A' of equation 6."""
        return self.aperture_diameter / self.pixel_scale / 2.0

    def require_equal(self, other: "CubeRecipe", what: str) -> None:
        """Raises InputRefused, naming each difference, if `what` was made by another recipe."""
        mine, others = json.loads(self.to_json()), json.loads(other.to_json())
        mine.update(mine.pop("stretch"))
        others.update(others.pop("stretch"))
        wrong = [f"{name}: expected {a!r}, found {others[name]!r}" for name, a in mine.items() if a != others[name]]
        if wrong:
            raise InputRefused(f"{what}: made from cubes of another recipe\n  " + "\n  ".join(wrong))


class CubeBlock(NamedTuple):
    """Some cubes, row by row: ids and positions (deg), uint16 (n, band, y, x), and what was noted while they were made.

    n_bad: pixels of the cube set to 0 before the convolution, all bands. offset_x, offset_y: pix, the object's
    position minus the centre of the stamp, (31.5, 31.5). unsmoothed: (n, band) bool, seeing above the target.
    """

    object_ids: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    cubes: np.ndarray
    n_bad: np.ndarray
    offset_x: np.ndarray
    offset_y: np.ndarray
    unsmoothed: np.ndarray


def distance_from_centre(size: int) -> np.ndarray:
    """(size, size): distance (pix) of each pixel from the stamp's centre, (31.5, 31.5) of 64 (ambiguity 22)."""
    offsets = np.arange(size) - (size - 1) / 2.0
    return np.hypot(offsets[:, None], offsets[None, :])


def quantise(cubes: Tensor) -> np.ndarray:
    """Stretched cubes in [0, 1] as uint16; the rounding error is at most 1/131070, 7.7e-6."""
    return (cubes * FULL_SCALE).round_().to(torch.uint16).numpy(force=True)


def decode(cubes: np.ndarray | Tensor, device: str | torch.device = "cpu") -> Tensor:
    """uint16 cubes as float32 in [0, 1] on the device, same shape."""
    quantised = torch.from_numpy(np.ascontiguousarray(cubes)) if isinstance(cubes, np.ndarray) else cubes
    return quantised.to(device).to(torch.float32) / FULL_SCALE


def cube_schema(recipe: CubeRecipe) -> pa.Schema:
    fields = {
        "_healpix_29": pa.int64(),
        "object_id": pa.int64(),
        "ra": pa.float64(),
        "dec": pa.float64(),
        "cube": pa.binary(2 * math.prod(recipe.shape)),
        "n_bad": pa.int32(),
        "offset_x": pa.float32(),
        "offset_y": pa.float32(),
        "unsmoothed_bands": pa.string(),
    }
    return pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in fields.items()],
        metadata={METADATA_KEY: recipe.to_json().encode()},
    )


def _cubes_of(column: pa.ChunkedArray, shape: tuple[int, int, int]) -> np.ndarray:
    """A FixedSizeBinary column as uint16 (n, band, y, x), without decoding value by value."""
    pieces = [
        np.frombuffer(chunk.buffers()[1], dtype="<u2").reshape(-1, *shape)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
        if len(chunk)
    ]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [np.empty((0, *shape), "<u2")])


class CubeSet:
    """A cube set on disk. Rows are found by object_id; nothing is ever aligned by the order of rows."""

    def __init__(self, folder: Path, expected: CubeRecipe | None = None) -> None:
        """Raises InputRefused for no cube set, for files that differ, and for a recipe that is not as expected."""
        self.folder = Path(folder)
        common = self.folder / "dataset" / "_common_metadata"
        if not common.is_file():
            raise InputRefused(f"{self.folder}: expected a cube set, found no dataset/_common_metadata")
        metadata = pq.read_schema(common).metadata or {}
        if METADATA_KEY not in metadata:
            raise InputRefused(f"{common}: expected metadata 'swimmy', found {sorted(metadata)}")
        self.recipe = CubeRecipe.from_json(metadata[METADATA_KEY])
        if expected is not None:
            expected.require_equal(self.recipe, f"cube set {self.folder.name}")
        self._files = [pq.ParquetFile(path) for path in self._paths()]
        for path, file in zip(self._paths(), self._files, strict=True):
            if not file.schema_arrow.equals(cube_schema(self.recipe), check_metadata=False):
                raise InputRefused(f"{path}: expected columns {cube_schema(self.recipe)}, found {file.schema_arrow}")
            self.recipe.require_equal(CubeRecipe.from_json(file.schema_arrow.metadata[METADATA_KEY]), str(path))
        self._find_rows()

    def __len__(self) -> int:
        return len(self.object_ids)

    def _paths(self) -> list[Path]:
        return sorted((self.folder / "dataset").glob("Norder=*/Dir=*/Npix=*.parquet"))

    def _find_rows(self) -> None:
        """Where each object lies: object_ids[i] is row _row_in_group[i] of _groups[_group[i]], a file and its group."""
        self._groups = [(i, group) for i, file in enumerate(self._files) for group in range(file.num_row_groups)]
        counts = [self._files[i].metadata.row_group(group).num_rows for i, group in self._groups]
        ids = [file.read(["object_id"])["object_id"].to_numpy() for file in self._files]
        self.object_ids = np.concatenate(ids or [np.empty(0, np.int64)])
        self._group = np.repeat(np.arange(len(counts)), counts)
        self._row_in_group = np.concatenate([np.arange(count) for count in counts] or [np.empty(0, np.int64)])

    def index(self, cube_set: str) -> pa.Table:
        """The rows of survey.cubes: where each object's cube lies; `file` is the path under cubes/."""
        columns = ["n_bad", "offset_x", "offset_y", "unsmoothed_bands"]
        tables = [file.read(columns) for file in self._files]
        rest = pa.concat_tables(tables) if tables else cube_schema(self.recipe).empty_table().select(columns)
        names = [f"{cube_set}/{path.relative_to(self.folder).as_posix()}" for path in self._paths()]
        file_of_group, number_of_group = np.array(self._groups, dtype=np.int32).reshape(-1, 2).T
        return pa.table(
            {
                "cube_set": pa.array([cube_set] * len(self), pa.string()),
                "object_id": pa.array(self.object_ids, pa.int64()),
                "file": pa.array([names[file] for file in file_of_group[self._group]], pa.string()),
                "row_group": pa.array(number_of_group[self._group], pa.int32()),
                "row_in_group": pa.array(self._row_in_group, pa.int32()),
                **{name: rest[name] for name in columns},
            }
        )

    def _rows_of(self, object_ids: Sequence[int] | np.ndarray | None) -> np.ndarray:
        """Positions in self.object_ids of the objects asked for, in the files' order. Missing ones are refused."""
        if object_ids is None:
            return np.arange(len(self))
        wanted = np.unique(np.asarray(object_ids, dtype=np.int64))
        rows = np.flatnonzero(np.isin(self.object_ids, wanted))
        if len(rows) != len(wanted):
            missing = np.setdiff1d(wanted, self.object_ids)
            raise InputRefused(
                f"cube set {self.folder.name}: expected {len(wanted)} objects, found no cube of {len(missing)}, "
                f"the first {missing[0]}"
            )
        return rows

    def _read(self, group: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        file, number = self._groups[group]
        table = self._files[file].read_row_group(number, ["object_id", "cube"])
        inside = self._row_in_group[rows]
        return table["object_id"].to_numpy()[inside], _cubes_of(table["cube"], self.recipe.shape)[inside]

    def quantised_batches(
        self,
        object_ids: Sequence[int] | np.ndarray | None = None,
        batch_size: int = ROWS_PER_GROUP,
        shuffle_seed: int | None = None,
        buffer_groups: int = 16,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of (object_ids, uint16 cubes), each object asked for once, row group by row group.

        With a seed the row groups come in random order and rows are shuffled within a buffer of `buffer_groups` groups:
        the disk is still read at the sequential rate. Raises InputRefused for an id that the set does not have.
        """
        rows = self._rows_of(object_ids)
        groups, firsts, counts = np.unique(self._group[rows], return_index=True, return_counts=True)
        rows_of_group = {g: rows[first : first + n] for g, first, n in zip(groups, firsts, counts, strict=True)}
        random = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)
        if random is not None:
            random.shuffle(groups)
        held_ids = np.empty(0, np.int64)
        held_cubes = np.empty((0, *self.recipe.shape), np.uint16)
        step = 1 if random is None else buffer_groups
        for start in range(0, len(groups), step):
            parts = [self._read(group, rows_of_group[group]) for group in groups[start : start + step]]
            held_ids = np.concatenate([held_ids, *(ids for ids, _ in parts)])
            held_cubes = np.concatenate([held_cubes, *(cubes for _, cubes in parts)])
            if random is not None:
                order = random.permutation(len(held_ids))
                held_ids, held_cubes = held_ids[order], held_cubes[order]
            full = len(held_ids) - len(held_ids) % batch_size
            for first in range(0, full, batch_size):
                yield held_ids[first : first + batch_size], held_cubes[first : first + batch_size]
            held_ids, held_cubes = held_ids[full:], held_cubes[full:]
        if len(held_ids):
            yield held_ids, held_cubes

    def batches(
        self,
        object_ids: Sequence[int] | np.ndarray | None = None,
        batch_size: int = ROWS_PER_GROUP,
        shuffle_seed: int | None = None,
        device: str | torch.device = "cpu",
    ) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Batches of (object_ids, float32 cubes (n, band, y, x) in [0, 1] on the device); see quantised_batches."""
        for ids, cubes in self.quantised_batches(object_ids, batch_size, shuffle_seed):
            yield ids, decode(cubes, device)

    def load(self, object_ids: Sequence[int] | np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(object_ids, uint16 cubes) in memory, ascending by id whatever order was asked for or lies on disk.

        So that what is trained on depends on the set of objects alone. 41 kB a cube of five bands.
        Raises InputRefused for an id that the set does not have.
        """
        total = len(self._rows_of(object_ids))
        ids = np.empty(total, np.int64)
        cubes = np.empty((total, *self.recipe.shape), np.uint16)
        done = 0
        for some_ids, some_cubes in self.quantised_batches(object_ids):
            ids[done : done + len(some_ids)] = some_ids
            cubes[done : done + len(some_ids)] = some_cubes
            done += len(some_ids)
        order = np.argsort(ids)
        return ids[order], cubes[order]
