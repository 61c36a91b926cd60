"""The cutout service's tars, read by all cores: stamps, and what is left out with its reason."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from swimmy_db.config import Settings
from swimmy_db.cubes.cutouts import BadCutout, Stamp, read_cutout
from swimmy_db.errors import SwimmyError
from swimmy_db.sources.hsc_cutouts import CutoutFile, ListRow, MissingCutout, match_members, read_members

# A request's tar has at most 990 cutouts. A larger file is streamed here: a worker sends its stamps back all at once.
SENT_AT_ONCE = 256 << 20


class TarRequest(NamedTuple):
    """A tar, the rows of its list, each row's object by line number, and the wanted objects' ra and dec (degrees)."""

    tar: Path
    rows: Sequence[ListRow]
    objects: Mapping[int, int | None]
    positions: Mapping[int, tuple[float, float]]
    settings: Settings


class LeftOut(NamedTuple):
    """A cutout that is missing or cannot be used: why, and what is known of it (CutoutFile or MissingCutout)."""

    reason: str
    where: dict[str, Any]


def stamp_of(settings: Settings, found: CutoutFile, ra: float, dec: float) -> Stamp:
    """The stamp in a cutout file of the object at ra, dec (degrees). Raises BadCutout."""
    archive_names = {band.band: band.archive_name for band in settings.bands}
    return read_cutout(
        found.payload,
        ra,
        dec,
        object_id=found.object_id,
        band=found.band,
        tract=found.tract,
        member=found.member,
        archive=found.archive,
        archive_band=archive_names[found.band],
        stamp_size=settings.stamp_size,
        margin=settings.psf_margin,
        with_variance=settings.hsc_variance,
    )


def stamps_of_tar(request: TarRequest) -> Iterator[Stamp | LeftOut]:
    """One tar, streamed: a member in memory at a time."""
    bands, name = request.settings.bands, request.tar.name
    with open(request.tar, "rb") as stream:
        members = read_members(stream)
        for found in match_members(members, request.rows, request.objects, name, bands, request.positions.keys()):
            where = {field: value for field, value in found._asdict().items() if field != "payload"}
            if isinstance(found, MissingCutout):
                yield LeftOut(found.reason, where)
                continue
            try:
                yield stamp_of(request.settings, found, *request.positions[found.object_id])
            except BadCutout as fault:
                yield LeftOut(fault.reason, where)


def stamps_of_tars(requests: Iterable[TarRequest], jobs: int) -> Iterator[Stamp | LeftOut]:
    """Tars in the order given, whoever reads them: with more than one job, that many processes.

    Raises SwimmyError where a process dies.
    """
    if jobs == 1:
        for request in requests:
            yield from stamps_of_tar(request)
        return
    waiting: deque[Future | TarRequest] = deque()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for request in requests:
            is_sent = request.tar.stat().st_size <= SENT_AT_ONCE
            waiting.append(pool.submit(_read_whole, request) if is_sent else request)
            if len(waiting) > jobs:
                yield from _result(waiting.popleft())
        while waiting:
            yield from _result(waiting.popleft())


def _read_whole(request: TarRequest) -> list[Stamp | LeftOut]:
    return list(stamps_of_tar(request))


def _result(found: Future | TarRequest) -> Iterable[Stamp | LeftOut]:
    if isinstance(found, TarRequest):
        return stamps_of_tar(found)
    try:
        return found.result()
    except BrokenProcessPool:
        raise SwimmyError("a process that read cutouts was killed, for want of memory perhaps: run it again") from None
