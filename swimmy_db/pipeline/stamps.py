"""Stage `stamps`: the members' cutouts become linear float32 pixels (paper, section 2.3)."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.catalog import Publication
from swimmy_db.errors import InputRefused
from swimmy_db.pipeline.arrivals import OWN
from swimmy_db.pipeline.stage import Stage, Work, files_of
from swimmy_db.publishing import replace_folder

INDEX = "index.parquet"
# A list that names no object_id is matched by position: an object's own coordinates, but for their rounding.
NEAREST_ARCSEC = 0.5
MEMBERS = """
    select object_id, ra, dec
    from survey.galaxies
    where object_id in (select object_id from survey.sample_members)
    order by object_id
"""
OBJECTS = "select object_id, ra, dec from survey.parents where isfinite(ra) and isfinite(dec)"
TRACTS = "select object_id, tract from survey.galaxies where tract is not null"
SERVICE = "service"


def compute(work: Work) -> None:
    """Write stamps/ with its index; cutouts that are missing or cannot be used go to the rejects.

    With hsc_cutouts = service, what the tars of downloads/hsc/cutouts lack is fetched from the archive.
    """
    from swimmy_db.cubes.stamps import write_stamps

    members = {object_id: (ra, dec) for object_id, ra, dec in work.catalog.rows(MEMBERS)}
    bands = work.settings.band_names
    # what each object and band came to, so that no member is lost without a word
    settled: set[tuple[int, str]] = set()

    def counted(stamps: Iterator) -> Iterator:
        for stamp in stamps:
            settled.add((stamp.object_id, stamp.band))
            work.progress(len(settled), len(members) * len(bands))
            yield stamp

    own = work.workspace.downloads / OWN
    if own.is_dir():
        stamps = counted(own_stamps(work, set(members), settled))
    else:
        stamps = counted(hsc_stamps(work, members, settled))
        if work.settings.hsc_cutouts == SERVICE:
            # begun when the tars are through, for what they lack
            stamps = chain(stamps, service_stamps(work, members, settled))
    folder = work.staging / "stamps"
    replace_folder(folder)
    written = write_stamps(stamps, folder)
    pq.write_table(written.index, folder / INDEX)
    for row in written.repeated.select(["object_id", "band", "archive", "member"]).to_pylist():
        reject(work, "a further cutout of the object and band", row)
    for object_id in members:
        for band in bands:
            if (object_id, band) not in settled:
                work.reject("no cutout was brought", object_id=object_id, band=band)


def hsc_stamps(work: Work, members: dict[int, tuple[float, float]], settled: set[tuple[int, str]]) -> Iterator:
    """Stamps from the tars of the cutout service, each beside the list that was sent."""
    from swimmy_db.cubes.cutouts import BadCutout
    from swimmy_db.sources.hsc_cutouts import MissingCutout, read_cutout_tar

    # every object of the catalogue, not the members alone: what is not wanted must not be mistaken for unknown
    nearest = nearest_object(work.catalog.arrow(OBJECTS))
    for tar in sorted((work.workspace.downloads / "hsc" / "cutouts").glob("*.tar")):
        listing = tar.with_suffix(".txt")
        if not listing.is_file():
            raise InputRefused(f"{tar}: expected the list that was sent, {listing.name}, beside it, found none")
        for found in read_cutout_tar(tar, listing, work.settings.bands, nearest, members.keys()):
            where = found._asdict()
            if isinstance(found, MissingCutout):
                if found.object_id is not None and found.band is not None:
                    settled.add((found.object_id, found.band))
                reject(work, found.reason, where)
                continue
            try:
                yield stamp_of(work, found, *members[found.object_id])
            except BadCutout as fault:
                settled.add((found.object_id, found.band))
                reject(work, fault.reason, where)


def service_stamps(work: Work, members: dict[int, tuple[float, float]], settled: set[tuple[int, str]]) -> Iterator:
    """Stamps that no tar has: those that an earlier run fetched, and the others from the archive's service.

    What arrives is kept in the stage's partial folder, so that a killed run goes on with the object and band at which
    it stopped. Each object and band comes out as a stamp or goes to the rejects.
    """
    from swimmy_db.cubes.stamp_spool import StampSpool
    from swimmy_db.sources.hsc_cutout_service import CutoutRow, archive_name
    from swimmy_db.sources.hsc_release import release_of

    release = release_of(work.settings)
    tracts = dict(work.catalog.rows(TRACTS))
    wanted = {(object_id, band) for object_id in members for band in work.settings.band_names} - settled
    settled |= wanted
    total = len(members) * len(work.settings.band_names)
    spool = StampSpool(work.partial / "cutouts")
    for stamp in published_stamps(work, wanted - spool.stored.keys(), archive_name(release)):
        wanted.discard((stamp.object_id, stamp.band))
        yield stamp
    missing = wanted - spool.stored.keys() - spool.refused.keys()
    rows = [CutoutRow(object_id, band, tracts[object_id], *members[object_id]) for object_id, band in missing]
    if rows:
        try:
            fetch_stamps(work, release, rows, spool, total)
        finally:
            spool.flush()
    for (object_id, band), where in sorted(spool.refused.items()):
        if (object_id, band) in wanted:
            reject(work, where["reason"], where)
    yield from (stamp for stamp in spool.stamps() if (stamp.object_id, stamp.band) in wanted)


def fetch_stamps(work: Work, release, rows: list, spool, total: int) -> None:
    """Fetch the rows into the spool: in bulk, then once singly what was left out or cannot be used."""
    from swimmy_db.cubes.cutouts import BadCutout
    from swimmy_db.sources.hsc_credentials import find_account
    from swimmy_db.sources.hsc_cutout_service import CutoutService
    from swimmy_db.sources.hsc_cutouts import MissingCutout

    service = CutoutService(find_account(), work.settings, release)
    row_of = {(row.object_id, row.band): row for row in rows}
    again = []
    done = total - len(rows)

    def keep(found, group: int) -> str | None:
        """Put an answer into the spool, or say why it is none."""
        if isinstance(found, MissingCutout):
            return found.reason
        try:
            row = row_of[found.object_id, found.band]
            spool.add(stamp_of(work, found, row.ra, row.dec), group)
        except BadCutout as fault:
            return fault.reason
        return None

    for number, found in service.fetch(rows):
        if keep(found, number) is None:
            done += 1
            work.progress(done, total)
        else:
            again.append((found.object_id, found.band))
    for _, found in service.fetch([row_of[key] for key in sorted(again)], singly=True):
        reason = keep(found, -1)
        if reason is not None:
            key = (found.object_id, found.band)
            spool.refuse(*key, {"reason": reason, "archive": service.archive, "object_id": key[0], "band": key[1]})
        done += 1
        work.progress(done, total)


def published_stamps(work: Work, wanted: set[tuple[int, str]], archive: str) -> Iterator:
    """Stamps that an earlier run of this stage fetched and that are large enough, so that none is fetched twice."""
    from swimmy_db.cubes.cutouts import BadCutout, check_room
    from swimmy_db.cubes.stamps import read_stamps

    if not wanted or not work.catalog.has("survey.stamps"):
        return
    index = work.catalog.arrow(
        "select * from survey.stamps where archive = ? order by band, tract, object_id", [archive]
    )
    for objects in read_stamps(work.workspace.stamps, index):
        for of_bands in objects.values():
            for stamp in of_bands.values():
                if (stamp.object_id, stamp.band) not in wanted:
                    continue
                try:
                    check_room(stamp.pixels.shape, stamp.x, stamp.y, work.settings.stamp_size, work.settings.psf_margin)
                except BadCutout:
                    continue
                yield stamp


def stamp_of(work: Work, found, ra: float, dec: float):
    """The stamp in a cutout file of the object at ra, dec. Raises BadCutout."""
    from swimmy_db.cubes.cutouts import read_cutout

    archive_names = {band.band: band.archive_name for band in work.settings.bands}
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
        stamp_size=work.settings.stamp_size,
        margin=work.settings.psf_margin,
    )


def own_stamps(work: Work, members: set[int], settled: set[tuple[int, str]]) -> Iterator:
    """Stamps of a survey of one's own."""
    from swimmy_db.cubes.cutouts import Stamp
    from swimmy_db.sources.own_stamps import MissingStamp, iterate_stamps
    from swimmy_db.sources.own_survey import read_survey

    tracts = dict(work.catalog.rows("select object_id, tract from survey.galaxies"))
    survey = read_survey(work.workspace.downloads / OWN / "survey.toml")
    for found in iterate_stamps(survey, members):
        if isinstance(found, MissingStamp):
            settled.add((found.object_id, found.band))
            reject(work, found.reason, found._asdict())
            continue
        n_bad = int(np.count_nonzero(~np.isfinite(found.pixels)))
        yield Stamp(**found._asdict(), tract=tracts[found.object_id] or 0, n_bad=n_bad, mask_bits=0)


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


def nearest_object(objects: pa.Table) -> Callable[[float, float], int | None]:
    """A function (ra, dec) in degrees -> the id of the nearest object within NEAREST_ARCSEC, or None."""
    from scipy.spatial import KDTree

    ids = objects["object_id"].to_pylist()
    tree = KDTree(unit_vectors(objects["ra"].to_numpy(), objects["dec"].to_numpy()))
    chord = 2 * np.sin(np.radians(NEAREST_ARCSEC / 3600) / 2)

    def nearest(ra: float, dec: float) -> int | None:
        _, row = tree.query(unit_vectors(ra, dec), distance_upper_bound=chord)
        return ids[row] if row < len(ids) else None

    return nearest


def unit_vectors(ra: np.ndarray | float, dec: np.ndarray | float) -> np.ndarray:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def load(publication: Publication, root: Path) -> None:
    publication.load("survey.stamps", sorted(root.glob(f"stamps/{INDEX}")))


STAGE = Stage(
    "stamps",
    "the members' cutouts as linear pixels",
    reads=(
        "survey.sample_members",
        "survey.galaxies",
        "raw.hsc_objects",
        "survey.bands",
        files_of("ingest-hsc"),
        files_of("ingest-own"),
    ),
    settings=("stamp_size", "psf_margin", "hsc_cutouts", "release"),
    code=(
        "swimmy_db.sources.hsc_cutouts",
        "swimmy_db.sources.hsc_cutout_service",
        "swimmy_db.sources.own_stamps",
        "swimmy_db.cubes.cutout_fits",
        "swimmy_db.cubes.cutouts",
        "swimmy_db.cubes.stamps",
        "swimmy_db.cubes.stamp_spool",
        "swimmy_db.pipeline.stamps",
    ),
    compute=compute,
    load=load,
)
