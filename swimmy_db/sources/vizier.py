"""Tables of VizieR, by TAP (pyvo) in parts that can be resumed, or in one piece (astroquery) (FORMATS.md section 4)."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

from swimmy_db.errors import FetchFailed, InputRefused
from swimmy_db.sources.fetched_files import finished, note_finished, write_whole
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress
from swimmy_db.sources.network import Network, blocks_of
from swimmy_db.sources.services import ask, patient_session, require_answer
from swimmy_db.sources.votables import parse_votable

# VizieR names the position of a catalogue in one of these ways
RA_NAMES = ("RAJ2000", "RAdeg", "RA_ICRS", "_RAJ2000", "RAICRS")


def tap_queries(table: str, parts: int, ra: str = RA_NAMES[0]) -> list[str]:
    """ADQL for the table in zones of RA; its name has slashes and must be quoted."""
    edges = [360.0 * part / parts for part in range(parts + 1)]
    return [
        f'SELECT * FROM "{table}" WHERE "{ra}" >= {low:g} AND "{ra}" {"<=" if high == 360.0 else "<"} {high:g}'
        for low, high in pairwise(edges)
    ]


def fetch_tap(
    folder: Path, request: FetchRequest, progress: Progress, archive: str, table: str, stem: str
) -> list[FetchedFile]:
    """The table as <stem>-00.vot ...: the service's VOTables as they are, one a zone of RA; progress counts bytes.

    Raises FetchFailed where the service fails; InputRefused where it gives other rows than it counts itself.
    """
    service = _Tap(request, archive)
    # services differ in whether they list a name that has to be quoted with its quotes
    listed = f"""SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name IN ('{table}', '"{table}"')"""
    names = service.rows(listed)
    there = {str(row[0]).strip().strip('"') for row in names}
    ra = next((name for name in RA_NAMES if name in there), None)
    if ra is None:
        found = ", ".join(sorted(there)) or "no such table"
        raise FetchFailed(
            f"{table}: expected a column {' or '.join(RA_NAMES)} at {service.url}, found {found}; {service.options}"
        )
    expected = int(service.rows(f'SELECT count(*) AS n FROM "{table}"')[0][0])
    fetched: list[FetchedFile] = []
    rows = 0
    for part, adql in enumerate(tap_queries(table, int(request.options["parts"]), ra)):
        path = folder / f"{stem}-{part:02d}.vot"
        url = f"{service.url}/sync?{urlencode({'REQUEST': 'doQuery', 'LANG': 'ADQL', 'QUERY': adql})}"
        known = finished(folder, path.name)
        if known is None or known.url != url:
            # without MAXREC the service would stop at its own limit
            content = service.answer(adql, maxrec=expected + 1)
            rows += len(parse_votable(BytesIO(content), f"{path.name} from {url}").array)
            write_whole(path, content)
            known = note_finished(path, url)
        else:
            rows += len(parse_votable(path, path.name).array)
        fetched.append(known)
        came = sum(file.bytes for file in fetched)
        progress(came, None if not rows else max(came, round(came / rows * expected)))
    if rows != expected:
        for file in fetched:
            file.path.unlink()
        raise InputRefused(
            f"{table}: expected {expected:,} rows, as {service.url} counts them, found {rows:,}, which were dropped; "
            f"{service.options}"
        )
    return fetched


class _Tap:
    """A TAP service as pyvo speaks to it."""

    def __init__(self, request: FetchRequest, archive: str) -> None:
        import pyvo

        self.url = request.options["tap_url"].rstrip("/")
        self.options = f"the options {archive}.tap_url, {archive}.parts and those that name the table"
        self.network = Network.of(request)
        self.service = pyvo.dal.TAPService(self.url, session=patient_session(self.network))

    def answer(self, adql: str, maxrec: int | None = None) -> bytes:
        """The VOTable as served. Raises FetchFailed with the service's own words."""
        from pyvo.dal.exceptions import DALServiceError

        def once() -> bytes:
            query = self.service.create_query(adql, maxrec=maxrec)
            content = b"".join(blocks_of(query.execute_stream(), self.network, decode=True))
            try:
                query.raise_if_error()
            except DALServiceError as fault:
                try:
                    parse_votable(BytesIO(content), "its answer")
                    said = ""
                except InputRefused as refused:  # the status of the document says more than that of HTTP
                    said = f" ({refused})"
                raise FetchFailed(f"{self.url} refused {adql!r}: {fault}{said}; {self.options}") from None
            return content

        return ask(once, self.network, self.url, self.options)

    def rows(self, adql: str) -> list[tuple]:
        return [tuple(row) for row in parse_votable(BytesIO(self.answer(adql)), f"{self.url} ({adql})").array]


def fetch_vizier(
    folder: Path, request: FetchRequest, progress: Progress, archive: str, table: str, name: str
) -> list[FetchedFile]:
    """The table as one VOTable `name`, through astroquery, all its columns and rows."""
    from astroquery.query import cache_conf
    from astroquery.vizier import Vizier

    options = f"the option {archive}.vizier_server"
    network = Network.of(request)
    known = finished(folder, name)
    asked = urlencode({"-source": table, "-out.max": "unlimited"})
    url = f"https://{request.options['vizier_server']}/viz-bin/votable?{asked}"
    if known is None or known.url != url:
        # row_limit: the default is 50 rows; "**": also the columns that VizieR hides by default
        service = Vizier(
            columns=["**"], row_limit=-1, vizier_server=request.options["vizier_server"], timeout=network.timeout
        )
        service._session = patient_session(network)
        # astroquery would take an old answer from its own cache in the home folder
        with cache_conf.set_temp("cache_active", False):
            response = ask(lambda: service.get_catalogs_async(table), network, "VizieR", options)
        content = require_answer(response, "VizieR", options).content
        if not len(parse_votable(BytesIO(content), f"{name} from {url}").array):
            raise InputRefused(f"{table}: expected rows at {url}, found none; {options}")
        write_whole(folder / name, content)
        known = note_finished(folder / name, url)
    progress(known.bytes, known.bytes)
    return [known]
