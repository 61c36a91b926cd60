"""HSC-SSP: bring the catalogue of a release by SQL jobs, tract by tract, and say beforehand what that will ask for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from swimmy_db.config import Settings, make_settings
from swimmy_db.errors import UsageError
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress
from swimmy_db.sources.hsc_catalogue import read_hsc_table
from swimmy_db.sources.hsc_credentials import find_account
from swimmy_db.sources.hsc_http import HscError
from swimmy_db.sources.hsc_jobs import JobClient, Ledger
from swimmy_db.sources.hsc_release import Release, release_of
from swimmy_db.sources.hsc_sql import Query, catalogue_queries, columns_asked_for, patch_queries
from swimmy_db.sources.skymap import N_TRACTS, tract_of

TABLES = {"objects": "raw.hsc_objects", "masks": "raw.hsc_masks", "specz": "raw.specz", "patch_qa": "raw.hsc_patches"}
OWN_OPTIONS = {"tracts", "region", "dry_run"}
REGION_STEP = 0.1  # deg; tracts are 1.5 deg wide
# what a cutout of 98 x 98 float32 pixels takes, with its headers
BYTES_BESIDE_PIXELS = 9 * 2880
PAPER_SAMPLE = 49319


class RowsMissing(HscError):
    """A result has not as many rows as the server counts itself."""


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """Bring objects, masks, specz and patch_qa of the release into `folder`, a file for each result and tract.

    What a killed fetch left in the folder is used: files that are complete, and jobs that run at the archive. Only the
    files that are returned answer this request: the folder may hold those of an earlier one for other tracts.
    Options of the request: `tracts` (9812,9820-9825), `region` (ra1,ra2,dec1,dec2 in degrees), and any setting.
    Raises the HscErrors of hsc_http and hsc_jobs, and RowsMissing.
    """
    settings = settings_of(request)
    release = checked_release(settings)
    folder.mkdir(parents=True, exist_ok=True)
    client = JobClient(find_account(), settings, release)
    ledger = Ledger(folder)
    (patches,) = bring_checked(client, folder, ledger, patch_queries(settings, release))
    tracts = wanted_tracts(request, present_tracts(patches.path, settings))
    groups = groups_of(tracts, settings.hsc_tracts_a_job)
    fetched = [patches]
    progress(0, len(groups))

    def bring_group(group: Sequence[int]) -> list[FetchedFile]:
        return bring_checked(client, folder, ledger, catalogue_queries(settings, release, group))

    pool = ThreadPoolExecutor(settings.hsc_jobs_at_once, "hsc-jobs")
    try:
        for done, files in enumerate(pool.map(bring_group, groups), 1):
            fetched += files
            progress(done, len(groups))
    finally:
        client.http.stop()
        pool.shutdown(cancel_futures=True)
    return fetched


def bring_checked(client: JobClient, folder: Path, ledger: Ledger, queries: Sequence[Query]) -> list[FetchedFile]:
    """Results checked against the server's counts, the last query; a result that differs is asked for once more."""
    *results, counts = queries
    for attempt in (1, 2):
        files = {query.result: client.bring(query, folder, ledger) for query in results}
        expected = server_counts(client.bring(counts, folder, ledger).path)
        wrong = {}
        for query in results:
            found = rows_by_tract(files[query.result].path, query.result, client.settings)
            if found != expected[query.result]:
                wrong[query.name] = difference(found, expected[query.result])
        if not wrong:
            return list(files.values())
        for name in (*wrong, counts.name):
            ledger.forget(name)
        if attempt == 2:
            listing = "; ".join(f"{name}: {text}" for name, text in wrong.items())
            raise RowsMissing(
                f"rows that the server counts and rows that it sent differ, twice: {listing}. The setting push_down or "
                "a smaller hsc_tracts_a_job makes results smaller"
            )
    raise AssertionError("unreachable")


def server_counts(path: Path) -> dict[str, Counter]:
    """Rows by result and tract, as the server counted them."""
    counts: dict[str, Counter] = {name: Counter() for name in TABLES}
    for block in read_hsc_table(path, "raw.hsc_objects"):
        for row in block.to_pylist():
            counts[row["result"]][int(row["tract"])] += int(row["n_rows"])
    return counts


def rows_by_tract(path: Path, result: str, settings: Settings) -> Counter:
    """Rows of a file by tract, with which an object's id begins. Raises InputRefused where the file cannot be read."""
    rows: Counter = Counter()
    for block in read_hsc_table(path, TABLES[result], settings.band_names):
        tract = block["tract"].to_numpy() if result == "patch_qa" else block["object_id"].to_numpy() >> 42
        tracts, numbers = np.unique(tract, return_counts=True)
        rows.update(dict(zip(tracts.tolist(), numbers.tolist(), strict=True)))
    return rows


def difference(found: Counter, expected: Counter) -> str:
    tracts = sorted(tract for tract in found.keys() | expected.keys() if found[tract] != expected[tract])
    shown = ", ".join(f"tract {tract}: expected {expected[tract]}, found {found[tract]}" for tract in tracts[:5])
    return shown + (f" and {len(tracts) - 5} more tracts" if len(tracts) > 5 else "")


def present_tracts(path: Path, settings: Settings) -> list[int]:
    """The tracts that patch_qa names."""
    tracts: set[int] = set()
    for block in read_hsc_table(path, TABLES["patch_qa"], settings.band_names):
        tracts.update(block["tract"].to_pylist())
    return sorted(tracts)


def wanted_tracts(request: FetchRequest, present: Sequence[int]) -> list[int]:
    """The tracts of the request's `tracts` and `region`, those of the release where it has neither.

    Raises UsageError for options that are none, and where nothing is left.
    """
    asked = asked_tracts(request)
    # a tract named by its number is asked for even if no patch of it has passed the archive's own quality check
    tracts = sorted(present) if asked is None else sorted(asked[0] | (asked[1] & set(present)))
    if not tracts:
        raise UsageError("no tract of the release lies there (options tracts, region)")
    return tracts


def asked_tracts(request: FetchRequest) -> tuple[set[int], set[int]] | None:
    """Tracts by number and tracts of the region; None where the request limits nothing."""
    numbers, region = request.options.get("tracts"), request.options.get("region")
    if not numbers and not region:
        return None
    named: set[int] = set()
    for part in filter(None, (numbers or "").replace(" ", "").split(",")):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise UsageError(f"option tracts: expected numbers as 9812,9820-9825, found {part!r}")
        named.update(range(int(first), int(last or first) + 1))
    if named and max(named) >= N_TRACTS:
        raise UsageError(f"option tracts: tracts go from 0 to {N_TRACTS - 1}, found {max(named)}")
    return named, tracts_of_region(region) if region else set()


def tracts_of_region(region: str) -> set[int]:
    """Tracts that a box touches: ra1,ra2,dec1,dec2 in degrees; ra1 > ra2 goes through 0, as boxSearch does."""
    try:
        ra1, ra2, dec1, dec2 = (float(part) for part in region.split(","))
    except ValueError:
        raise UsageError(f"option region: expected ra1,ra2,dec1,dec2 in degrees, found {region!r}") from None
    if not (0 <= ra1 <= 360 and 0 <= ra2 <= 360 and -90 <= dec1 <= dec2 <= 90):
        raise UsageError(f"option region: expected 0 <= ra <= 360 and -90 <= dec1 <= dec2 <= 90, found {region!r}")
    width = ra2 - ra1 if ra2 >= ra1 else ra2 - ra1 + 360
    return {
        tract_of((ra1 + across) % 360, dec)
        for across in np.linspace(0, width, int(width / REGION_STEP) + 2)
        for dec in np.linspace(dec1, dec2, int((dec2 - dec1) / REGION_STEP) + 2)
    }


def groups_of(tracts: Sequence[int], size: int) -> Iterator[Sequence[int]] | list[Sequence[int]]:
    """Tracts that one job covers: at most `size` numbers that follow each other, so that a range is exactly them."""
    groups: list[list[int]] = []
    for tract in tracts:
        if groups and len(groups[-1]) < size and tract == groups[-1][-1] + 1:
            groups[-1].append(tract)
        else:
            groups.append([tract])
    return groups


def settings_of(request: FetchRequest) -> Settings:
    """The request's settings, with those that its options change for this fetch."""
    names = set(type(request.settings).model_fields)
    unknown = [name for name in request.options if name not in names | OWN_OPTIONS and not name.startswith("network.")]
    if unknown:
        raise UsageError(f"option {unknown[0]}: hsc takes {', '.join(sorted(OWN_OPTIONS))} and the names of settings")
    changes = {name: value for name, value in request.options.items() if name in names}
    if not changes:
        return request.settings
    told = make_settings({**request.settings.model_dump(), **changes}, "options of the fetch")
    is_other = "release" in changes and release_of(told).name != release_of(request.settings).name
    if is_other and not request.is_first:
        raise UsageError(
            f"option release: this workspace is of release {request.settings.release}, where its cutouts come from; "
            f"`swimmy settings release={told.release}` changes it, or take another workspace"
        )
    return told


def checked_release(settings: Settings) -> Release:
    """The release. Raises UsageError where it cannot give what the settings need."""
    release = release_of(settings)
    asked = [flag.strip() for flag in settings.flag_cuts.split(",") if flag.strip()]
    offered = {*release.pixel_flags, *release.shape_flags, *release.mask_flags}
    lacking = [flag for flag in asked if flag not in offered]
    if lacking:
        raise UsageError(
            f"setting flag_cuts: release {release.name} brings no {', '.join(lacking)}; take them out, or describe the "
            "release in a file of your own (setting hsc_release_file)"
        )
    known = columns_asked_for(release)
    unasked = [name for name in release.columns if name not in known]
    if unasked:
        raise UsageError(
            f"setting hsc_release_file: release {release.name}, columns: no query names {', '.join(unasked)}; they "
            f"name {', '.join(sorted(known))}"
        )
    surveys = [flag.strip() for flag in settings.specz_survey_flags.split(",") if flag.strip()]
    unknown = [flag for flag in surveys if flag not in release.specz_flags]
    if unknown:
        raise UsageError(
            f"setting specz_survey_flags: release {release.name} brings no {', '.join(unknown)}; it has "
            f"{', '.join(release.specz_flags)}"
        )
    return release


def plan(request: FetchRequest) -> str:
    """What a fetch would ask for, without asking: the SQL, the number of requests, the bytes to expect."""
    settings = settings_of(request)
    release = checked_release(settings)
    asked = asked_tracts(request)
    if asked is None:
        known, number = "about ", release.tracts
        groups: list = [[0]]
        n_groups = -(-release.tracts // settings.hsc_tracts_a_job)
        words = "every tract that patch_qa names (shown for tract 0)"
    else:
        tracts = sorted(asked[0] | asked[1])
        known, number = "" if not asked[1] else "at most ", len(tracts)
        groups = list(groups_of(tracts, settings.hsc_tracts_a_job))
        n_groups = len(groups)
        words = f"{number} tracts (shown for the first)"
    shown = catalogue_queries(settings, release, groups[0])
    patches = patch_queries(settings, release)
    jobs = len(patches) + n_groups * len(shown)
    size = number * release.rows_a_tract * release.row_bytes
    side = settings.stamp_size + 2 * settings.psf_margin + 2
    # image and mask, four bytes a pixel each
    stamp = 4 * side**2 * (3 if settings.hsc_variance else 2) + BYTES_BESIDE_PIXELS
    bands = len(settings.band_names)
    lists = -(-PAPER_SAMPLE * bands // settings.hsc_list_rows)
    lines = [
        f"-- {release.title}; {words}",
        f"-- catalogue: {known}{jobs} jobs at {release.sql_url}",
        f"-- catalogue: about {_size(size)} to download as {release.out_format}"
        + ("" if settings.push_down else ", many times more without push_down"),
        f"-- cutouts, once the selection is made: {bands} bands of {side} x {side} pixels, {_size(stamp)} each, "
        f"at most {settings.hsc_list_rows} a request, at {release.cutout_url}",
        f"-- cutouts of the paper's {PAPER_SAMPLE} galaxies: {lists} requests, {_size(PAPER_SAMPLE * bands * stamp)}",
    ]
    for query in [*patches, *shown]:
        lines += ["", f"-- {query.name}", query.sql + ";"]
    return "\n".join(lines) + "\n"


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
