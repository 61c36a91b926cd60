"""Anomaly scores (section 3.2, equation 6) of many checkpoints per reading of the cubes, and reconstructions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from swimmy_db.cubes.store import FULL_SCALE, CubeSet, decode, distance_from_centre
from swimmy_db.errors import SwimmyError
from swimmy_db.model.checkpoints import Checkpoint, load_checkpoint
from swimmy_db.model.fast_forms import Scorer, Window
from swimmy_db.model.machine import exact_float32, keep_freed_memory

APERTURES = ("disc", "annulus", "stamp")
ANNULUS_REACH = 10 / 3  # its outer radius over the disc's: 3 < r <= 10 px where the disc has r <= 3
CHECKPOINTS_AT_ONCE = 16
IN_CACHE = 16  # objects whose intermediate images stay in a CPU's cache: 1.25 times the rate of 64 (measured)
ROWS_PER_GROUP = 100_000
MADE_FROM = "swimmy_made_from"
SCORE_SCHEMA = pa.schema(
    [
        pa.field("checkpoint_id", pa.string(), nullable=False),
        pa.field("aperture", pa.string(), nullable=False),
        pa.field("object_id", pa.int64(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
        pa.field("s_anom", pa.float64(), nullable=False),
        pa.field("residual_flux", pa.float64(), nullable=False),
        pa.field("n_pixels", pa.int32(), nullable=False),
        pa.field("n_clipped", pa.int32(), nullable=False),
        pa.field("n_guarded", pa.int32(), nullable=False),
    ]
)


class Scores(NamedTuple):
    """One value per object and band, (n, band), of one aperture."""

    s_anom: Tensor
    residual_flux: Tensor
    n_guarded: Tensor


def aperture_mask(aperture: str, size: int, radius: float) -> np.ndarray:
    """(size, size) bool, the pixels of an aperture around the stamp's centre; radius (pix) is the disc's.

    disc: r <= radius, 32 pixels for 3 px. annulus: beyond it to 10/3 of it. stamp: all.
    """
    distance = distance_from_centre(size)
    if aperture == "disc":
        return distance <= radius
    if aperture == "annulus":
        return (distance > radius) & (distance <= ANNULUS_REACH * radius)
    if aperture == "stamp":
        return np.ones((size, size), dtype=bool)
    raise ValueError(f"no aperture {aperture!r}; there are {APERTURES}")


def window_of(mask: np.ndarray) -> Window:
    """The smallest square window, the same rows as columns, that holds a mask's pixels."""
    lines = np.flatnonzero(mask.any(axis=0) | mask.any(axis=1))
    return Window(int(lines[0]), int(lines[-1]) + 1)


def anomaly_scores(source: Tensor, reconstruction: Tensor, mask: Tensor, epsilon: float) -> Scores:
    """Equation 6 as printed, a sum over the aperture, per object and band.

    source, reconstruction: (n, band, y, x) stretched flux. mask: (y, x) bool. epsilon: the least denominator; pixels
    below it are counted in n_guarded. The residual flux, source minus reconstruction, is summed over the same pixels.
    """
    source, reconstruction = source[:, :, mask].double(), reconstruction[:, :, mask].double()
    residual = source - reconstruction
    relative = residual / reconstruction.clamp(min=epsilon)
    return Scores(relative.square().sum(-1), residual.sum(-1), (reconstruction < epsilon).sum(-1, dtype=torch.int32))


def selection_pairs(selection_bands: Sequence[str]) -> list[tuple[str, str]]:
    """(aperture, band) of model.selection_scores: what every checkpoint is scored in."""
    return [("disc", band) for band in selection_bands]


def remaining_pairs(bands: Sequence[str], selection_bands: Sequence[str]) -> list[tuple[str, str]]:
    """(aperture, band) of model.best_scores: every other one."""
    chosen = selection_pairs(selection_bands)
    return [(aperture, band) for aperture in APERTURES for band in bands if (aperture, band) not in chosen]


def score_checkpoints(
    cubes: CubeSet,
    checkpoints: Sequence[Path],
    pairs: Sequence[tuple[str, str]],
    folder: Path,
    file_name: str,
    object_ids: Sequence[int] | np.ndarray | None = None,
    epsilon: float = 1e-6,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int | None], None] | None = None,
    made_from: str = "",
) -> list[Path]:
    """Write folder/<checkpoint_id>/<file_name> for each checkpoint: one row per object and (aperture, band) of `pairs`.

    made_from: what the scores depend on, beside the weights, as the caller marks it; scores_made_from reads it.

    Only the network's receptive field of the largest aperture asked for is computed. progress counts objects times
    checkpoints. Raises InputRefused if a checkpoint was trained on cubes of another recipe, or an object has no cube;
    SwimmyError if a score is not finite (the training diverged).
    """
    keep_freed_memory()
    exact_float32()
    written: list[Path] = []
    n_objects = len(cubes) if object_ids is None else len(np.unique(np.asarray(object_ids, np.int64)))
    total, done = n_objects * len(checkpoints), 0
    at_once = IN_CACHE if torch.device(device).type == "cpu" else batch_size
    apertures = _Apertures(cubes, pairs, epsilon, device)
    for first in range(0, len(checkpoints), CHECKPOINTS_AT_ONCE):
        some = checkpoints[first : first + CHECKPOINTS_AT_ONCE]
        loaded = [load_checkpoint(path, cubes.recipe, device=device) for path in some]
        scorers = [Scorer.of(checkpoint.network) for checkpoint in loaded]
        with ExitStack() as open_files:
            files = [
                open_files.enter_context(
                    _ScoreFile(folder / c.checkpoint_id / file_name, c.checkpoint_id, pairs, made_from)
                )
                for c in loaded
            ]
            for ids, quantised in cubes.quantised_batches(object_ids, batch_size):
                images = decode(quantised, device)
                n_clipped = apertures.count_clipped(quantised)
                for scorer, file in zip(scorers, files, strict=True):
                    parts = [scorer.reconstruct_window(part, apertures.window) for part in images.split(at_once)]
                    reconstruction = torch.cat(parts)
                    file.add(ids, *apertures.score(images, reconstruction), n_clipped, apertures.n_pixels)
                done += len(ids) * len(loaded)
                if progress:
                    progress(done, total)
        written += [file.path for file in files]
    return written


class _Apertures:
    """The pairs of aperture and band that are asked for, measured on a batch."""

    def __init__(
        self, cubes: CubeSet, pairs: Sequence[tuple[str, str]], epsilon: float, device: str | torch.device
    ) -> None:
        recipe = cubes.recipe
        masks = {
            a: aperture_mask(a, recipe.stamp_size, recipe.aperture_radius) for a in dict.fromkeys(a for a, _ in pairs)
        }
        self.window = window_of(np.logical_or.reduce(list(masks.values())))
        self.epsilon = epsilon
        inside = slice(self.window.start, self.window.stop)
        self._crop = (slice(None), slice(None), inside, inside)
        self._masks = {name: torch.from_numpy(mask[inside, inside].copy()).to(device) for name, mask in masks.items()}
        self._columns = [(list(masks).index(aperture), recipe.bands.index(band)) for aperture, band in pairs]
        self._whole_masks = list(masks.values())
        self.n_pixels = np.array([masks[aperture].sum() for aperture, _ in pairs], np.int32)

    def score(self, images: Tensor, reconstruction: Tensor) -> Iterator[np.ndarray]:
        """s_anom, residual_flux and n_guarded, each (n, pair)."""
        source = images[self._crop]
        scores = [anomaly_scores(source, reconstruction, mask, self.epsilon) for mask in self._masks.values()]
        for values in zip(*scores, strict=True):
            yield self._pairs_of([value.numpy(force=True) for value in values])

    def count_clipped(self, quantised: np.ndarray) -> np.ndarray:
        """Pixels of the source that the stretch clipped to 0 or 1, (n, pair)."""
        clipped = (quantised == 0) | (quantised == FULL_SCALE)
        return self._pairs_of([clipped[:, :, mask].sum(-1, dtype=np.int32) for mask in self._whole_masks])

    def _pairs_of(self, by_aperture: list[np.ndarray]) -> np.ndarray:
        return np.stack([by_aperture[aperture][:, band] for aperture, band in self._columns], axis=1)


class _ScoreFile:
    """One checkpoint's scores on their way to Parquet; the file has its name only when it is whole."""

    def __init__(self, path: Path, checkpoint_id: str, pairs: Sequence[tuple[str, str]], made_from: str) -> None:
        self.path = path
        self._schema = SCORE_SCHEMA.with_metadata({MADE_FROM: made_from})
        self._checkpoint_id = checkpoint_id
        self._apertures = pa.array([aperture for aperture, _ in pairs])
        self._bands = pa.array([band for _, band in pairs])
        self._waiting: list[tuple[np.ndarray, ...]] = []

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._unfinished = self.path.with_name(self.path.name + ".unfinished")
        self._writer = pq.ParquetWriter(self._unfinished, self._schema, compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
        if kind is None:
            self._unfinished.replace(self.path)
        else:
            self._unfinished.unlink()

    def add(
        self,
        ids: np.ndarray,
        s_anom: np.ndarray,
        residual_flux: np.ndarray,
        n_guarded: np.ndarray,
        n_clipped: np.ndarray,
        n_pixels: np.ndarray,
    ) -> None:
        if not (np.isfinite(s_anom).all() and np.isfinite(residual_flux).all()):
            raise SwimmyError(
                f"checkpoint {self._checkpoint_id} gives scores that are not finite: its training diverged"
            )
        numbers = np.broadcast_to(n_pixels, s_anom.shape)
        self._waiting.append((np.repeat(ids, s_anom.shape[1]), s_anom, residual_flux, numbers, n_clipped, n_guarded))
        if sum(len(rows[0]) for rows in self._waiting) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        ids, *values = (
            np.concatenate([column.reshape(-1) for column in columns]) for columns in zip(*self._waiting, strict=True)
        )
        pair = pa.array(np.arange(len(ids)) % len(self._bands))
        names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(ids), np.int32)), pa.array([self._checkpoint_id]))
        columns = [names.cast(pa.string()), self._apertures.take(pair), pa.array(ids), self._bands.take(pair)]
        self._writer.write_table(pa.table([*columns, *(pa.array(v) for v in values)], schema=self._schema))
        self._waiting = []


def scores_made_from(path: Path) -> str | None:
    """What score_checkpoints was told that a file of scores depends on; None where there is no such file."""
    if not path.is_file():
        return None
    return (pq.read_schema(path).metadata or {}).get(MADE_FROM.encode(), b"").decode()


def reconstruct(checkpoint: Checkpoint, cubes: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """Reconstructions (n, band, y, x) float32 in [0, 1] of uint16 cubes, for pictures and profiles."""
    scorer = Scorer.of(checkpoint.network)
    device = next(checkpoint.network.parameters()).device
    parts = [scorer.reconstruct(decode(cubes[i : i + batch_size], device)) for i in range(0, len(cubes), batch_size)]
    return torch.cat(parts).numpy(force=True) if parts else np.empty(cubes.shape, np.float32)
