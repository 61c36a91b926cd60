"""MPA-JHU's tables from SDSS CAS for a small sample, by position, through astroquery (FORMATS.md sections 3.1, 3.3)."""

import csv
import hashlib
import io
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from swimmy_db.contracts import load_contract
from swimmy_db.errors import FetchFailed, InputRefused, UsageError
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, planned
from swimmy_db.sources.text_columns import narrowest_type, typed

KINDS = ("Info", "Line", "Extra")
BYTES_A_ROW = 4000  # of the three tables together, as CSV
ADDRESS = "the option mpa-jhu.cas_url"


def fetch_near(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """galSpecInfo.csv, galSpecLine.csv and galSpecExtra.csv, row-aligned: the spectra near the listed positions.

    A query's answer is kept, so that a restart asks only for the rest; progress counts the queries' bytes.
    """
    from swimmy_db.sources.fetched_files import note_finished, write_whole

    chunks = _chunks(request)
    rows: dict[str, list[list[str]]] = {}
    came = 0
    for chunk in chunks:
        of_chunk = {}
        for kind in KINDS:
            sql = query(f"galSpec{kind}", chunk, request)
            kept = folder / f".{hashlib.sha256(sql.encode()).hexdigest()}.csv"
            if not kept.exists():
                write_whole(kept, _answer(request, sql))
            text = kept.read_text(encoding="utf-8")
            came += len(text)
            progress(came, None)
            of_chunk[kind] = _rows(text)
        _require_aligned(of_chunk, chunk)
        for kind in KINDS:
            rows.setdefault(kind, of_chunk[kind][:1]).extend(of_chunk[kind][1:])
    fetched = []
    for kind in KINDS:
        path = folder / f"galSpec{kind}.csv"
        out = io.StringIO()
        # two positions of different queries may have the same spectrum near them
        unique = {row[0]: row for row in rows[kind][1:]}
        csv.writer(out, lineterminator="\n").writerows([rows[kind][0], *unique.values()])
        write_whole(path, out.getvalue().encode())
        fetched.append(
            note_finished(path, f"{_search_url(request)}?cmd={' '.join(_template(f'galSpec{kind}').split())}")
        )
    return fetched


def plan_near(request: FetchRequest) -> str:
    """The first query, and how many there are."""
    chunks = _chunks(request)
    positions = sum(len(chunk) for chunk in chunks)
    asked = [_search_url(request), query("galSpecInfo", chunks[0], request)]
    return planned(asked, len(KINDS) * len(chunks), positions * BYTES_A_ROW)


def query(table: str, positions: list[tuple[float, float]], request: FetchRequest) -> str:
    """The SQL for one table near some positions (RA, Dec in degrees)."""
    nearby, radius = request.options["cas_nearby"], float(request.options["radius_arcsec"]) / 60.0
    near = " union ".join(f"select specObjID from {nearby}({ra!r},{dec!r},{radius:.6g})" for ra, dec in positions)
    return _template(table).replace("{near}", near)


def _template(table: str) -> str:
    text = (resources.files("swimmy_db.sql") / "remote" / "sdss" / "galspec_near.sql").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return code.replace("{table}", table)


def _search_url(request: FetchRequest) -> str:
    return f"{request.options['cas_url'].rstrip('/')}/dr{request.options['cas_release']}/en/tools/search/x_results.aspx"


def _chunks(request: FetchRequest) -> list[list[tuple[float, float]]]:
    """The positions, as many as one query takes. Raises UsageError, InputRefused for the option `positions`."""
    positions = _positions(request)
    size = int(request.options["cas_positions"])
    return [positions[start : start + size] for start in range(0, len(positions), size)]


def _positions(request: FetchRequest) -> list[tuple[float, float]]:
    """RA and Dec in degrees: of the list, or of the survey's galaxies."""
    path = request.options["positions"]
    if not path:
        positions = [(float(ra), float(dec)) for ra, dec in request.ask_survey("galaxy_positions")]
        if not positions:
            raise UsageError(
                "mpa-jhu from CAS needs the option mpa-jhu.positions, a CSV file with columns ra and dec, or a "
                "workspace whose galaxies are selected (`swimmy select`)"
            )
        return positions
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            names = [name.strip().lower() for name in next(lines, [])]
            ra, dec = names.index("ra"), names.index("dec")
            positions = [(float(row[ra]), float(row[dec])) for row in lines if row]
    except (OSError, IndexError, ValueError) as fault:
        raise InputRefused(
            f"{path}: expected columns ra and dec in degrees (mpa-jhu.positions), found: {fault}"
        ) from None
    if not positions:
        raise InputRefused(f"{path}: expected positions (option mpa-jhu.positions), found none")
    return positions


def _answer(request: FetchRequest, sql: str) -> bytes:
    """CAS's CSV. Raises FetchFailed with its own words where it refuses the query."""
    from astroquery.sdss import SDSSClass, conf

    from swimmy_db.sources.network import Network
    from swimmy_db.sources.services import ask, patient_session, require_answer

    network = Network.of(request)
    service = SDSSClass()
    service._session = patient_session(network)
    with conf.set_temp("skyserver_baseurl", request.options["cas_url"].rstrip("/")):
        response = ask(
            lambda: service.query_sql_async(
                sql, data_release=int(request.options["cas_release"]), timeout=network.timeout, cache=False
            ),
            network,
            "SDSS CAS",
            ADDRESS,
        )
    text = require_answer(response, "SDSS CAS", ADDRESS).text
    if "error_message" in text or not text.lstrip().startswith("#Table1"):
        said = " ".join(text[:400].split())
        raise FetchFailed(f"SDSS CAS refused the query (options mpa-jhu.cas_release, mpa-jhu.cas_nearby): {said!r}")
    return text.encode()


def _rows(text: str) -> list[list[str]]:
    """Header and rows, without the line #Table1."""
    return list(csv.reader(line for line in text.splitlines() if line and not line.startswith("#")))


def _require_aligned(rows: dict[str, list[list[str]]], chunk: list[tuple[float, float]]) -> None:
    ids = {kind: [row[0] for row in lines[1:]] for kind, lines in rows.items()}
    if len({tuple(column) for column in ids.values()}) != 1:
        counts = ", ".join(f"galSpec{kind} {len(column)}" for kind, column in ids.items())
        raise FetchFailed(
            f"SDSS CAS: expected the same spectra of all three tables near {chunk[0]} ..., found {counts} rows"
        )


def count_csv_rows(path: Path) -> int:
    """Rows of a CSV file, without header and comments."""
    with open(path, encoding="utf-8") as stream:
        return sum(1 for line in stream if line.strip() and not line.startswith("#")) - 1


def read_cas_csv(path: Path, table: str) -> Iterator[pa.Table]:
    """The rows of a CAS answer as one table; the contract of `table` decides the types, so that ids stay exact.

    Raises InputRefused with file, line, column, expected and found.
    """
    with open(path, "rb") as stream:
        skipped = 1 if stream.readline().startswith(b"#") else 0
    types = {}
    for name, column in load_contract(table).columns.items():
        types |= {spelling.lower(): column.arrow_type for spelling in (name, *column.aliases)}
    try:
        header = pacsv.open_csv(path, pacsv.ReadOptions(skip_rows=skipped)).schema.names
        convert = pacsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), null_values=[])
        texts = pacsv.read_csv(path, pacsv.ReadOptions(skip_rows=skipped), convert_options=convert)
    except (OSError, pa.ArrowInvalid) as fault:
        raise InputRefused(f"{path}: expected a CSV file of SDSS CAS, found: {str(fault).splitlines()[0]}") from None
    columns = {}
    for name in header:
        to = types.get(name.lower()) or narrowest_type(texts[name], None) or pa.string()
        columns[name] = typed(texts[name], to, name, path, skipped + 2)
    yield pa.table(columns)
