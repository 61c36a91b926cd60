"""SDSS DR16 quasar catalogue, DR16Q_v4.fits (FORMATS.md section 3.2)."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.contracts import load_contract
from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, choice, planned
from swimmy_db.sources.fits_tables import read_fits_table
from swimmy_db.sources.votables import is_votable, read_votable

NAME = "dr16q"
# Five-element columns, in SDSS's order of bands.
VECTORS = ("psfflux", "psfmag", "extinction")


def read_dr16q(path: Path) -> Iterator[pa.Table]:
    """Blocks of the columns that the contract names; of the file's about 180 the others stay there.

    The native FITS file, or VizieR's VII/289 as VOTable.
    """
    if is_votable(path):
        yield from read_votable(path)
        return
    columns = load_contract("raw.dr16q").columns
    names = {spelling.lower() for name, column in columns.items() for spelling in (name, *column.aliases)}
    yield from read_fits_table(path, names, dict.fromkeys(VECTORS, "ugriz"))


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """DR16Q_v4.fits of SAS, or VizieR's table of it (option `via`)."""
    from swimmy_db.sources.download import download
    from swimmy_db.sources.network import Network
    from swimmy_db.sources.sas import sas_checksums, sas_file
    from swimmy_db.sources.vizier import fetch_tap

    if choice(request, "via", ("sas", "tap")) == "tap":
        return fetch_tap(folder, request, progress, NAME, request.options["table"], "DR16Q-vizier")
    network = Network.of(request)
    sums = sas_checksums(request, folder, network, NAME)
    return [download(sas_file(request, request.options["path"], NAME, sums), folder, network, progress)]


def plan(request: FetchRequest) -> str:
    """What `fetch` would ask for."""
    from swimmy_db.sources.sas import sas_file
    from swimmy_db.sources.vizier import tap_queries

    if choice(request, "via", ("sas", "tap")) == "tap":
        queries = tap_queries(request.options["table"], int(request.options["parts"]))
        return planned([request.options["tap_url"], *queries], 2 + len(queries), int(request.options["bytes"]) // 4)
    asked = [sas_file(request, request.options["path"], NAME).url]
    return planned(asked, 1 + bool(request.options["checksums"]), int(request.options["bytes"]))


SOURCE = Source(
    name=NAME,
    title="SDSS DR16 quasar catalogue",
    files={"quasars": FileKind("raw.dr16q", ("DR16Q*.fits*", "DR16Q*.vot"), read_dr16q)},
    acknowledgement=(
        "SDSS-IV and eBOSS (same funders, see sdss.org); cite Lyke et al. 2020 and Ahumada et al. 2020 (DR16)."
    ),
    fetch=fetch,
    plan=plan,
)
