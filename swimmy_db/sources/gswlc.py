"""GSWLC-2, headerless text, gzipped or not (FORMATS.md section 4.3). -99 (missing) is kept as served."""

import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from swimmy_db.contracts import load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, planned
from swimmy_db.sources.text_columns import typed

NAME = "gswlc"
BLOCK_LINES = 50_000
COLUMNS = [
    *("objid", "glxid", "plate", "mjd", "fiberid", "ra", "dec", "z", "chi2_r"),
    *("logmstar", "logmstar_err", "logsfr_sed", "logsfr_sed_err"),
    *("a_fuv", "a_fuv_err", "a_b", "a_b_err", "a_v", "a_v_err"),
    *("flag_sed", "uv_survey", "flag_uv", "flag_midir", "flag_mgs"),
]


def read_gswlc(path: Path) -> Iterator[pa.Table]:
    """Blocks of the 24 columns. Raises InputRefused naming the line, and the column where one cell is at fault."""
    types = {name: column.arrow_type for name, column in load_contract("raw.gswlc").columns.items()}
    with open(path, "rb") as handle:
        # The server declares Content-Encoding, so an HTTP library may have unzipped what is called .gz.
        zipped = handle.read(2) == b"\x1f\x8b"
    number = 1
    try:
        with gzip.open(path, "rt", encoding="ascii") if zipped else open(path, encoding="ascii") as stream:
            while True:
                block = [line.split() for line in itertools.islice(stream, BLOCK_LINES)]
                if not block and number > 1:
                    return
                for line, cells in enumerate(block, number):
                    if len(cells) != len(COLUMNS):
                        raise InputRefused(f"{path}: line {line}: expected {len(COLUMNS)} cells, found {len(cells)}")
                columns = zip(*block, strict=True) if block else [()] * len(COLUMNS)
                texts = [pa.chunked_array([pa.array(cells, pa.string())]) for cells in columns]
                yield pa.table(
                    {
                        name: typed(cells, types[name], name, path, number)
                        for name, cells in zip(COLUMNS, texts, strict=True)
                    }
                )
                if not block:
                    return
                number += len(block)
    except (OSError, EOFError, UnicodeDecodeError) as fault:
        raise InputRefused(f"{path}: line {number} or after: expected lines of text, found {fault}") from None


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """GSWLC-<catalogue>.dat.gz, as the server stores it: its Content-Encoding is not undone."""
    from swimmy_db.sources.download import Remote, download
    from swimmy_db.sources.network import Network

    url = _url(request)
    remote = Remote(url, url.rpartition("/")[2], "the options gswlc.base_url and gswlc.catalogue")
    return [download(remote, folder, Network.of(request), progress)]


def plan(request: FetchRequest) -> str:
    """What `fetch` would ask for."""
    return planned([_url(request)], 1, int(request.options["bytes"]))


def _url(request: FetchRequest) -> str:
    return f"{request.options['base_url'].rstrip('/')}/GSWLC-{request.options['catalogue']}.dat.gz"


SOURCE = Source(
    name=NAME,
    title="GALEX-SDSS-WISE Legacy Catalog 2",
    files={"galaxies": FileKind("raw.gswlc", ("GSWLC*.dat*",), read_gswlc)},
    acknowledgement=(
        "Cite Salim et al. 2016 and Salim, Boquien and Lee 2018 (GSWLC-2); it builds on GALEX, SDSS and WISE."
    ),
    fetch=fetch,
    plan=plan,
)
