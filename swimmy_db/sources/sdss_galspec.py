"""MPA-JHU's galSpecInfo, galSpecLine and galSpecExtra of SDSS DR8 (FORMATS.md section 3.1).

Row i of the three files is the same spectrum; rows without a result have ids of -1 or blank and are kept, so that
file_row stays the join key. Signs and missing values are as served: emission is negative in EQW and REQW.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.errors import InputRefused
from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, choice, pairs, planned
from swimmy_db.sources.fits_tables import count_fits_rows, read_fits_table

NAME = "mpa-jhu"
KINDS = ("Info", "Line", "Extra")
_NAME = re.compile(r"(?<=galSpec)(Info|Line|Extra)", re.IGNORECASE)


def read_galspec(path: Path) -> Iterator[pa.Table]:
    """Blocks of one of the three files: FITS as SAS has it, or CSV as CAS gives it.

    Raises InputRefused if a file beside it, of the same name but for Info, Line or Extra, has other rows.
    """
    from swimmy_db.sources.sdss_cas import count_csv_rows, read_cas_csv

    is_csv = path.suffix == ".csv"
    count_rows = count_csv_rows if is_csv else count_fits_rows
    counts = {path.name: count_rows(path)}
    for kind in KINDS:
        sibling = path.with_name(_NAME.sub(kind, path.name, count=1))
        if sibling != path and sibling.exists():
            counts[sibling.name] = count_rows(sibling)
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} has {rows}" for name, rows in counts.items())
        raise InputRefused(f"{path}: expected row-aligned files of equal length, found: {found} rows")
    if is_csv:
        yield from read_cas_csv(path, f"raw.galspec_{_NAME.search(path.name)[0].lower()}")
    else:
        yield from read_fits_table(path)


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """The three files of SAS, or from CAS what lies near the positions of a list (option `via`)."""
    from swimmy_db.sources.download import download_all
    from swimmy_db.sources.network import Network
    from swimmy_db.sources.sas import sas_checksums, sas_file
    from swimmy_db.sources.sdss_cas import fetch_near

    if choice(request, "via", ("sas", "cas")) == "cas":
        return fetch_near(folder, request, progress)
    network = Network.of(request)
    sums = sas_checksums(request, folder, network, NAME)
    remotes = [sas_file(request, path, NAME, sums) for path in _paths(request)]
    return download_all(remotes, folder, network, progress, sum(_sizes(request).values()))


def plan(request: FetchRequest) -> str:
    """What `fetch` would ask for."""
    from swimmy_db.sources.sas import sas_file
    from swimmy_db.sources.sdss_cas import plan_near

    if choice(request, "via", ("sas", "cas")) == "cas":
        return plan_near(request)
    asked = [sas_file(request, path, NAME).url for path in _paths(request)]
    return planned(asked, len(asked) + bool(request.options["checksums"]), sum(_sizes(request).values()))


def _paths(request: FetchRequest) -> list[str]:
    return [request.options["path"].replace("{kind}", kind) for kind in KINDS]


def _sizes(request: FetchRequest) -> dict[str, int]:
    return {kind: int(size) for kind, size in pairs(request.options["bytes"]).items()}


def _kind(table: str, kind: str) -> FileKind:
    return FileKind(table, (f"galSpec{kind}*.fits*", f"galSpec{kind}*.csv"), read_galspec)


SOURCE = Source(
    name=NAME,
    title="MPA-JHU, SDSS DR8",
    files={
        "info": _kind("raw.galspec_info", "Info"),
        "line": _kind("raw.galspec_line", "Line"),
        "extra": _kind("raw.galspec_extra", "Extra"),
    },
    acknowledgement=(
        "SDSS-III, funded by the Alfred P. Sloan Foundation, the Participating Institutions, the NSF and the US "
        "Department of Energy Office of Science; cite Aihara et al. 2011 (DR8). For the MPA-JHU measurements cite "
        "Kauffmann et al. 2003, Brinchmann et al. 2004 and Tremonti et al. 2004."
    ),
    fetch=fetch,
    plan=plan,
)
