"""Stamps on disk: linear float32 pixels as Parquet parts per tract and band, and the index that finds them again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from swimmy_db.cubes.cutouts import Stamp
from swimmy_db.errors import SwimmyError

ROW_GROUP = 64
PART_STAMPS = 2048
BUFFER_BYTES = 256 << 20

PART_SCHEMA = pa.schema(
    [
        pa.field("object_id", pa.int64(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
        pa.field("tract", pa.int32(), nullable=False),
        pa.field("ny", pa.int32(), nullable=False),
        pa.field("nx", pa.int32(), nullable=False),
        pa.field("pixels", pa.binary(), nullable=False),
        pa.field("x", pa.float64(), nullable=False),
        pa.field("y", pa.float64(), nullable=False),
        pa.field("zero_point", pa.float64(), nullable=False),
        pa.field("n_bad", pa.int32(), nullable=False),
        pa.field("mask_bits", pa.int32(), nullable=False),
        pa.field("member", pa.string()),
        pa.field("archive", pa.string()),
        pa.field("sha256", pa.string()),
        # laid out as the pixels; most surveys keep none
        pa.field("variance", pa.binary()),
    ]
)
_LAYERS = ("pixels", "variance")
_PLACE = [("file", pa.string()), ("row_group", pa.int32()), ("row_in_group", pa.int32())]
INDEX_SCHEMA = pa.schema(
    [field for field in PART_SCHEMA if field.name not in ("ny", "nx", *_LAYERS)]
    + [pa.field(*place, nullable=False) for place in _PLACE]
)


class StampsWritten(NamedTuple):
    """index: one row per object and band (INDEX_SCHEMA; survey.stamps). repeated: the same columns of further
    stamps of an object and band, which the index leaves out. files: what was written."""

    index: pa.Table
    repeated: pa.Table
    files: list[Path]


def write_stamps(
    stamps: Iterable[Stamp], folder: Path, part_stamps: int = PART_STAMPS, buffer_bytes: int = BUFFER_BYTES
) -> StampsWritten:
    """Write stamps as they come to <folder>/tract=<t>/band=<b>/part-<n>.parquet, sorted by object within a part.

    At most `buffer_bytes` of pixels wait in memory, whatever the number of tracts; then the largest buffer is
    written. `file` in the index is relative to the folder. Of several stamps of one object and band the
    first one counts.
    """
    waiting: dict[tuple[int, str], list[tuple[int, Stamp]]] = defaultdict(list)
    parts: dict[tuple[int, str], int] = defaultdict(int)
    sizes: dict[tuple[int, str], int] = defaultdict(int)
    files: list[Path] = []
    indexes: list[pa.Table] = []
    order: list[np.ndarray] = []
    held = 0

    def flush(key: tuple[int, str]) -> int:
        path = folder / f"tract={key[0]}" / f"band={key[1]}" / f"part-{parts[key]:05d}.parquet"
        arrivals, group = zip(*sorted(waiting.pop(key), key=lambda item: item[1].object_id), strict=True)
        order.append(np.array(arrivals))
        indexes.append(write_part(group, path, path.relative_to(folder).as_posix()))
        files.append(path)
        parts[key] += 1
        return sizes.pop(key)

    for arrived, stamp in enumerate(stamps):
        key = (stamp.tract, stamp.band)
        waiting[key].append((arrived, stamp))
        size = stamp.pixels.nbytes + (0 if stamp.variance is None else stamp.variance.nbytes)
        sizes[key] += size
        held += size
        if len(waiting[key]) >= part_stamps:
            held -= flush(key)
        elif held > buffer_bytes:
            held -= flush(max(sizes, key=sizes.__getitem__))
    for key in sorted(waiting):
        flush(key)
    index = pa.concat_tables([INDEX_SCHEMA.empty_table(), *indexes])
    first = _first_of_each(index, np.concatenate(order) if order else np.array([], int))
    return StampsWritten(index.filter(pa.array(first)), index.filter(pa.array(~first)), files)


def read_stamps(root: Path, index: pa.Table, block: int = ROW_GROUP) -> Iterator[dict[int, dict[str, Stamp]]]:
    """The objects of the index, `block` at a time, each with the stamps that it has by band.

    root: the folder of stamps. index: rows of survey.stamps (object_id, band, file, row_group, row_in_group).
    Objects come in the order in which one band lies on disk; memory holds a few row groups a band.
    Raises SwimmyError where a file does not hold what the index says.
    """
    bands = sorted(pc.unique(index["band"]).to_pylist())
    files, ids, places = _places(index, bands)

    @lru_cache(maxsize=2 * len(bands))
    def opened(file: int) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(root / files[file])
        except (OSError, pa.ArrowInvalid) as fault:
            raise SwimmyError(f"{files[file]}: expected a file of stamps, found {fault}; run `swimmy stamps`") from None

    @lru_cache(maxsize=4 * len(bands))
    def row_group(file: int, number: int) -> list[Stamp]:
        return stamps_of(opened(file).read_row_group(number))

    for start in range(0, len(ids), block):
        objects: dict[int, dict[str, Stamp]] = {}
        for object_id, of_bands in zip(ids[start : start + block].tolist(), places[start : start + block], strict=True):
            objects[object_id] = {}
            for band, (file, group, row) in zip(bands, of_bands.tolist(), strict=True):
                if file < 0:
                    continue
                stamp = row_group(file, group)[row]
                if (stamp.object_id, stamp.band) != (object_id, band):
                    raise SwimmyError(
                        f"{files[file]}: row group {group}, row {row}: expected {object_id} in {band}, "
                        f"found {stamp.object_id} in {stamp.band}; run `swimmy stamps`"
                    )
                objects[object_id][band] = stamp
        yield objects


def stamps_of(table: pa.Table) -> list[Stamp]:
    shapes = list(zip(table["ny"].to_pylist(), table["nx"].to_pylist(), strict=True))

    def layer(name: str) -> list[np.ndarray | None]:
        if name not in table.column_names:  # parts written before there was such a layer
            return [None] * len(table)
        return [
            np.frombuffer(content.as_buffer(), "<f4").reshape(shape) if content.is_valid else None
            for content, shape in zip(table[name], shapes, strict=True)
        ]

    columns = (layer(name) if name in _LAYERS else table[name].to_pylist() for name in Stamp._fields)
    return [Stamp(*row) for row in zip(*columns, strict=True)]


def write_part(stamps: Sequence[Stamp], path: Path, name: str, checksums: bool = False) -> pa.Table:
    """Write one part; returns its rows of the index. checksums: so that a reader can tell that pages are whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = [name for name in INDEX_SCHEMA.names if name in PART_SCHEMA.names]
    columns = {name: [getattr(stamp, name) for stamp in stamps] for name in own}
    columns["ny"] = [stamp.pixels.shape[0] for stamp in stamps]
    columns["nx"] = [stamp.pixels.shape[1] for stamp in stamps]
    for field in _LAYERS:
        layers = (getattr(stamp, field) for stamp in stamps)
        columns[field] = [None if layer is None else np.asarray(layer, "<f4").tobytes() for layer in layers]
    table = pa.table(columns, schema=PART_SCHEMA)
    texts = [field.name for field in PART_SCHEMA if pa.types.is_string(field.type)]
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        # Noise does not compress.
        compression={field: "none" if field in _LAYERS else "zstd" for field in PART_SCHEMA.names},
        use_dictionary=[field for field in texts if field != "sha256"],
        write_statistics=["object_id"],
        write_page_checksum=checksums,
    )
    rows = np.arange(len(stamps), dtype=np.int32)
    places = [[name] * len(stamps), rows // ROW_GROUP, rows % ROW_GROUP]
    for (column, kind), values in zip(_PLACE, places, strict=True):
        table = table.append_column(pa.field(column, kind, nullable=False), pa.array(values, kind))
    return table.select(INDEX_SCHEMA.names)


def _first_of_each(index: pa.Table, arrivals: np.ndarray) -> np.ndarray:
    """True for the row of each object and band that arrived first."""
    ids = index["object_id"].to_numpy()
    bands = index["band"].combine_chunks().dictionary_encode()
    codes = np.asarray(bands.indices) if len(index) else np.array([], int)
    order = np.lexsort((arrivals, codes, ids))
    is_first = np.ones(len(ids), bool)
    is_first[order[1:]] = (np.diff(ids[order]) != 0) | (np.diff(codes[order]) != 0)
    return is_first


def _places(index: pa.Table, bands: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """File names, ids of the objects in reading order, and places (object, band, (file, row group, row)).

    The file is a number in the list, -1 where the object lacks the band. Objects are sorted by their first place.
    """
    ids, objects = np.unique(index["object_id"].to_numpy(), return_inverse=True)
    files = sorted(pc.unique(index["file"]).to_pylist())
    columns = [
        pc.index_in(index["band"], value_set=pa.array(bands, pa.string())),
        pc.index_in(index["file"], value_set=pa.array(files, pa.string())),
        index["row_group"],
        index["row_in_group"],
    ]
    band, *place = (column.to_numpy() for column in columns)
    places = np.full((len(ids), len(bands), 3), -1, np.int32)
    places[objects, band] = np.stack(place, axis=1)
    first = places[np.arange(len(ids)), (places[:, :, 0] >= 0).argmax(axis=1)] if len(bands) else places[:, :0]
    order = np.lexsort((first[:, 2], first[:, 1], first[:, 0])) if len(ids) else np.array([], int)
    return files, ids[order], places[order]
