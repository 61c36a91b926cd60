"""Stage `stamps`: the members' cutouts become linear float32 pixels (paper, section 2.3)."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.catalog import Publication
from swimmy_db.errors import InputRefused, UsageError
from swimmy_db.pipeline.arrivals import OWN
from swimmy_db.pipeline.fetched_stamps import reject, service_stamps, write_kernels
from swimmy_db.pipeline.stage import Stage, Work, files_of
from swimmy_db.processes import cores
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
SERVICE, AUTO, PICKER = "service", "auto", "picker"
CATALOGUE_URLS = "select count(*) from meta.files where source = 'ingest-hsc' and url is not null"
KERNELS = "psf"
# bytes of tars from which on starting processes pays
WORTH_PROCESSES = 256 << 20


def compute(work: Work) -> None:
    """Write stamps/ with its index; cutouts that are missing or cannot be used go to the rejects.

    With hsc_cutouts = service or auto, what the tars of downloads/hsc/cutouts lack is fetched from the archive.
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
    if own.is_dir() and work.settings.psf == PICKER:
        raise UsageError("setting psf: the PSF picker knows HSC only; a survey of one's own takes psf=patch")
    if own.is_dir():
        stamps = counted(own_stamps(work, set(members), settled))
    else:
        stamps = counted(hsc_stamps(work, members, settled))
        if are_fetched(work):
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
    if work.settings.psf == PICKER:
        write_kernels(work, written.index, members, folder / KERNELS)


def are_fetched(work: Work) -> bool:
    """Whether cutouts that no tar has are asked for: as set, or as the catalogue came, over the network or by hand."""
    chosen = work.settings.hsc_cutouts
    return chosen == SERVICE or (chosen == AUTO and work.catalog.value(CATALOGUE_URLS) > 0)


def hsc_stamps(work: Work, members: dict[int, tuple[float, float]], settled: set[tuple[int, str]]) -> Iterator:
    """Stamps from the tars of the cutout service, each beside the list that was sent."""
    from swimmy_db.pipeline.tar_stamps import LeftOut, stamps_of_tars

    tars = sorted((work.workspace.downloads / "hsc" / "cutouts").glob("*.tar"))
    jobs = min(cores(), len(tars)) if sum(tar.stat().st_size for tar in tars) > WORTH_PROCESSES else 1
    for found in stamps_of_tars(tar_requests(work, tars, members), max(jobs, 1)):
        if not isinstance(found, LeftOut):
            yield found
            continue
        object_id, band = found.where["object_id"], found.where["band"]
        if object_id is not None and band is not None:
            settled.add((object_id, band))
        reject(work, found.reason, found.where)


def tar_requests(work: Work, tars: Sequence[Path], members: dict[int, tuple[float, float]]) -> Iterator:
    """Each tar with what its list says. Raises InputRefused where the list is missing or not one."""
    from swimmy_db.pipeline.tar_stamps import TarRequest
    from swimmy_db.sources.hsc_cutouts import read_cutout_list

    # every object of the catalogue, not the members alone: what is not wanted must not be mistaken for unknown
    nearest = nearest_object(work.catalog.arrow(OBJECTS))
    for tar in tars:
        listing = tar.with_suffix(".txt")
        if not listing.is_file():
            raise InputRefused(f"{tar}: expected the list that was sent, {listing.name}, beside it, found none")
        rows = read_cutout_list(listing)
        objects = {row.lineno: nearest(row.ra, row.dec) if row.object_id is None else row.object_id for row in rows}
        wanted = {object_id: members[object_id] for object_id in objects.values() if object_id in members}
        yield TarRequest(tar, rows, objects, wanted, work.settings)


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
    publication.load("survey.psf_kernels", sorted(root.glob(f"stamps/{KERNELS}/{INDEX}")))


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
    settings=("stamp_size", "psf_margin", "hsc_cutouts", "hsc_variance", "psf", "release"),
    code=(
        "swimmy_db.sources.hsc_cutouts",
        "swimmy_db.sources.hsc_bulk",
        "swimmy_db.sources.hsc_cutout_service",
        "swimmy_db.sources.hsc_psf_picker",
        "swimmy_db.sources.own_stamps",
        "swimmy_db.cubes.cutout_fits",
        "swimmy_db.cubes.cutouts",
        "swimmy_db.cubes.stamps",
        "swimmy_db.cubes.stamp_spool",
        "swimmy_db.cubes.psf_kernels",
        "swimmy_db.pipeline.stamps",
        "swimmy_db.pipeline.tar_stamps",
        "swimmy_db.pipeline.fetched_stamps",
    ),
    compute=compute,
    load=load,
)
