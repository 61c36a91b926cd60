"""GAMA SpecObj or SpecAll, FITS (FORMATS.md section 4.2)."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, choice, pairs, planned
from swimmy_db.sources.fits_tables import read_fits_table

NAME = "gama"


def read_gama(path: Path) -> Iterator[pa.Table]:
    """Blocks of the table, all its scalar columns."""
    yield from read_fits_table(path)


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """SpecObj of the release that the option `release` names.

    The file, not astroquery.gama: its only query form is that of DR3, and it returns a table, not what was served.
    """
    from swimmy_db.sources.download import Remote, download
    from swimmy_db.sources.network import Network

    url = _url(request)
    options = "the options gama.release, gama.base_url and gama.paths"
    remote = Remote(url, url.rpartition("/")[2], options, "fits")
    return [download(remote, folder, Network.of(request), progress)]


def plan(request: FetchRequest) -> str:
    """What `fetch` would ask for."""
    size = pairs(request.options["bytes"]).get(request.options["release"])
    return planned([_url(request)], 1, int(size) if size else "an unknown number of bytes")


def _url(request: FetchRequest) -> str:
    paths = pairs(request.options["paths"])
    return f"{request.options['base_url'].rstrip('/')}/{paths[choice(request, 'release', paths)]}"


SOURCE = Source(
    name=NAME,
    title="GAMA spectra",
    files={"spectra": FileKind("raw.gama", ("*.fits*",), read_gama)},
    acknowledgement=(
        "GAMA, a European-Australasian project around a spectroscopic campaign on the Anglo-Australian Telescope, "
        "www.gama-survey.org; cite Baldry et al. 2018 (DR3) or Driver et al. 2022 (DR4)."
    ),
    fetch=fetch,
    plan=plan,
)
