"""What stage `stamps` fetches: cutouts that no tar has, and PSF kernels, each kept as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.pipeline.stage import Work, digest

if TYPE_CHECKING:
    from swimmy_db.cubes.cutouts import Stamp
    from swimmy_db.cubes.stamp_spool import StampSpool
    from swimmy_db.sources.hsc_bulk import BulkService, WantedRow
    from swimmy_db.sources.hsc_cutouts import CutoutFile

Key = tuple[int, str]
TRACTS = "select object_id, tract from survey.galaxies where tract is not null"


def service_stamps(work: Work, members: dict[int, tuple[float, float]], settled: set[Key]) -> Iterator[Stamp]:
    """Stamps that no tar has: those that an earlier run fetched, and the others from the archive's service.

    members: ra, dec (degrees) by object. settled: objects and bands that need none; all others are settled by this.
    Each of them comes out as a stamp or goes to the rejects.
    """
    from swimmy_db.cubes.cutouts import BadCutout, check_room
    from swimmy_db.pipeline.tar_stamps import stamp_of
    from swimmy_db.sources.hsc_cutout_service import CutoutService, archive_name
    from swimmy_db.sources.hsc_release import release_of

    wanted = {(object_id, band) for object_id in members for band in work.settings.band_names} - settled
    settled |= wanted
    release = release_of(work.settings)

    def is_usable(stamp: Stamp) -> bool:
        if work.settings.hsc_variance and stamp.variance is None:
            return False
        try:
            check_room(stamp.pixels.shape, stamp.x, stamp.y, work.settings.stamp_size, work.settings.psf_margin)
        except BadCutout:
            return False
        return True

    known = published(work, "survey.stamps", work.workspace.stamps, archive_name(release), is_usable)
    size = (work.settings.stamp_size, work.settings.psf_margin, work.settings.instrument.pixel_scale)
    yield from fetched(
        work,
        members,
        wanted,
        known,
        spool_folder(work, "cutouts", archive_name(release), *size, work.settings.hsc_variance),
        lambda account: CutoutService(account, work.settings, release),
        lambda found, row: stamp_of(work.settings, found, row.ra, row.dec),
    )


def write_kernels(work: Work, index: pa.Table, members: dict[int, tuple[float, float]], folder: Path) -> None:
    """Write the PSF of every stamp of the index into the folder, with its width; what has none goes to the rejects."""
    from swimmy_db.cubes.psf_kernels import kernel_fwhm, read_kernel
    from swimmy_db.cubes.stamps import write_stamps
    from swimmy_db.sources.hsc_psf_picker import PsfPicker, archive_name
    from swimmy_db.sources.hsc_release import release_of

    release = release_of(work.settings)
    wanted = set(zip(index["object_id"].to_pylist(), index["band"].to_pylist(), strict=True))
    scale = work.settings.instrument.pixel_scale

    widths_of: dict[Key, float] = {}

    def measured(kernels: Iterable[Stamp]) -> Iterator[Stamp]:
        for kernel in kernels:
            widths_of[kernel.object_id, kernel.band] = kernel_fwhm(kernel.pixels, scale)
            yield kernel

    known = published(work, "survey.psf_kernels", work.workspace.stamps / folder.name, archive_name(release))
    kernels = fetched(
        work,
        members,
        wanted,
        known,
        spool_folder(work, "kernels", archive_name(release)),
        lambda account: PsfPicker(account, work.settings, release),
        lambda found, row: read_kernel(
            found.payload,
            object_id=found.object_id,
            band=found.band,
            tract=found.tract,
            member=found.member,
            archive=found.archive,
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = write_stamps(measured(kernels), folder).index
    keys = zip(written["object_id"].to_pylist(), written["band"].to_pylist(), strict=True)
    widths = [widths_of[key] for key in keys]
    table = written.drop_columns(["zero_point", "n_bad", "mask_bits"])
    pq.write_table(table.append_column("fwhm", pa.array(widths, pa.float64())), folder / "index.parquet")


def fetched(
    work: Work,
    members: dict[int, tuple[float, float]],
    wanted: set[Key],
    known: Callable[[set[Key]], Iterator[Stamp]],
    folder: Path,
    service: Callable[[object], BulkService],
    make: Callable[[CutoutFile, WantedRow], Stamp],
) -> Iterator[Stamp]:
    """The wanted stamps, known ones first; the others are fetched into `folder`, a spool, and read from there.

    A killed run goes on with the object and band at which it stopped. What the service does not have goes to the
    rejects. known: of some keys, those that an earlier run published. make raises BadCutout.
    """
    from swimmy_db.cubes.stamp_spool import StampSpool
    from swimmy_db.sources.hsc_bulk import WantedRow
    from swimmy_db.sources.hsc_credentials import find_account

    spool = StampSpool(folder)
    wanted = set(wanted)
    for stamp in known(wanted - spool.stored.keys()):
        wanted.discard((stamp.object_id, stamp.band))
        yield stamp
    tracts = dict(work.catalog.rows(TRACTS))
    missing = wanted - spool.stored.keys() - spool.refused.keys()
    rows = [WantedRow(object_id, band, tracts[object_id], *members[object_id]) for object_id, band in missing]
    if rows:
        try:
            fetch_into(
                spool, service(find_account()), rows, make, lambda n: work.progress(len(wanted) - n, len(wanted))
            )
        finally:
            spool.flush()
    for (object_id, band), where in sorted(spool.refused.items()):
        if (object_id, band) in wanted:
            reject(work, where["reason"], where)
    yield from (stamp for stamp in spool.stamps() if (stamp.object_id, stamp.band) in wanted)


def spool_folder(work: Work, what: str, *made_of: object) -> Path:
    """Where the pieces of a fetch lie until its stage is published; made_of: all that the content of one depends on.

    Not in work.partial, which a changed selection or a new version of the code would lose: a fetch takes days.
    """
    folder = work.workspace.folder / ".partial" / f"stamps-{digest(made_of)}"
    work.done_with.append(folder)
    return folder / what


def fetch_into(
    spool: StampSpool,
    service: BulkService,
    rows: list[WantedRow],
    make: Callable[[CutoutFile, WantedRow], Stamp],
    left_over: Callable[[int], None],
) -> None:
    """Fetch the rows into the spool: in bulk, then once singly what was left out or cannot be used."""
    from swimmy_db.cubes.cutouts import BadCutout
    from swimmy_db.sources.hsc_cutouts import MissingCutout

    row_of = {(row.object_id, row.band): row for row in rows}
    again = []
    n_left = len(rows)

    def fault_of(found, group: int) -> str | None:
        """Put an answer into the spool, or say why it is none."""
        if isinstance(found, MissingCutout):
            return found.reason
        try:
            spool.add(make(found, row_of[found.object_id, found.band]), group)
        except BadCutout as fault:
            return fault.reason
        return None

    for number, found in service.fetch(rows):
        if fault_of(found, number) is None:
            n_left -= 1
            left_over(n_left)
        else:
            again.append((found.object_id, found.band))
    for _, found in service.fetch([row_of[key] for key in sorted(again)], singly=True):
        reason = fault_of(found, -1)
        if reason is not None:
            key = (found.object_id, found.band)
            spool.refuse(*key, {"reason": reason, "archive": service.archive, "object_id": key[0], "band": key[1]})
        n_left -= 1
        left_over(n_left)


def published(
    work: Work, table: str, folder: Path, archive: str, is_usable: Callable[[Stamp], bool] = lambda stamp: True
) -> Callable[[set[Key]], Iterator[Stamp]]:
    """A function that gives, of some keys, the stamps that an earlier run fetched from `archive` and published."""

    def known(wanted: set[Key]) -> Iterator[Stamp]:
        from swimmy_db.cubes.stamps import read_stamps

        if not wanted or not work.catalog.has(table):
            return
        index = work.catalog.arrow(
            f"select * from {table} where archive = ? order by band, tract, object_id", [archive]
        )
        for objects in read_stamps(folder, index):
            for of_bands in objects.values():
                for stamp in of_bands.values():
                    if (stamp.object_id, stamp.band) in wanted and is_usable(stamp):
                        yield stamp

    return known


def reject(work: Work, reason: str, where: dict) -> None:
    """Note a cutout that was left out: the archive's file, its member and line, the object and band if known."""
    work.reject(
        reason,
        source_file=where["archive"],
        file_row=where.get("lineno"),
        object_id=where.get("object_id"),
        band=where.get("band"),
        column_name=None if where.get("member") is None else "member",
        value=where.get("member"),
    )
