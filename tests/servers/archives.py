"""The archives beside HSC on one loopback server, each speaking its own protocol, serving the embedded survey's files.

SAS, GAMA, GSWLC and quasars.org are files; CAS runs the SQL that it is sent, VizieR's TAP the ADQL, both on DuckDB;
VizieR's own form takes astroquery's script. FORMATS.md sections 3, 4 and 9.
"""

import csv
import gzip
import hashlib
import io
import re
import zipfile
from pathlib import Path
from urllib.parse import parse_qs

import duckdb
import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.io.votable.tree import Info, VOTableFile
from astropy.table import MaskedColumn, Table
from servers.files import Asked, Server

SAS_GALSPEC = "/sas/dr8/common/sdss-spectro/redux"
SAS_DR16Q = "/sas/dr16/eboss/qso/DR16Q"
SPECTRA = "/sas/dr16/sdss/spectro/redux/{run2d}/spectra/lite/{plate:04d}/spec-{plate:04d}-{mjd}-{fiber:04d}.fits"
# VizieR's columns of Milliquas, and the columns of the text (layout B of FORMATS.md 4.1) that they are
MILLIQUAS = {
    "recno": None,
    "RAJ2000": (0, 11),
    "DEJ2000": (12, 23),
    "Name": (25, 50),
    "Type": (51, 55),
    "Rmag": (56, 61),
    "Bmag": (62, 67),
    "Comment": (68, 70),
    "R": (71, 72),
    "B": (73, 74),
    "z": (76, 82),
    "rName": (83, 88),
    "rz": (90, 95),
    "Qpct": (101, 103),
    "XName": (105, 126),
    "RName": (128, 149),
    "Lobe1": (151, 172),
    "Lobe2": (174, 195),
}
NUMBERS = ("RAJ2000", "DEJ2000", "Rmag", "Bmag", "z")
TAP = "/TAPVizieR/tap"
CAS = "/dr17/en/tools/search/x_results.aspx"


def serve_archives(server: Server, downloads: Path) -> None:
    """Put every archive on the server, with the native files of the embedded survey below `downloads`."""
    for kind in ("Info", "Line", "Extra"):
        name = f"galSpec{kind}-dr8.fits"
        server.files[f"{SAS_GALSPEC}/{name}"] = (downloads / "mpa-jhu" / name).read_bytes()
    server.files[f"{SAS_DR16Q}/DR16Q_v4.fits"] = (downloads / "dr16q" / "DR16Q_v4.fits").read_bytes()
    for folder, listing in ((SAS_GALSPEC, "redux.sha1sum"), (SAS_DR16Q, "DR16Q.sha1sum")):
        sums = [
            f"{hashlib.sha1(content).hexdigest()}  {path.rpartition('/')[2]}\n"
            for path, content in server.files.items()
            if path.startswith(folder)
        ]
        server.files[f"{folder}/{listing}"] = "".join(sums).encode()
    text = (downloads / "milliquas" / "milliquas.txt").read_bytes()
    server.files["/milliquas.zip"] = zipped(text.decode())
    info = Table.read(downloads / "mpa-jhu" / "galSpecInfo-dr8.fits")
    server.files["/dr3/data/cat/SpecCat/v27/SpecObj.fits"] = gama_file(info)
    server.files["/dr4/data/cat/SpecCat/v27/SpecObjv27.fits"] = gama_file(info[:-2])
    server.files["/gswlc/GSWLC-X2.dat.gz"] = gzip.compress(gswlc_text(info).encode(), mtime=0)
    server.headers["/gswlc/GSWLC-X2.dat.gz"] = {"Content-Encoding": "x-gzip"}
    server.services[CAS] = Cas(downloads / "mpa-jhu")
    tables = {
        "VII/290/catalog": {"RAJ2000": "RAdeg", "DEJ2000": "DEdeg"},  # 7.2 is reported to call them so
        "VII/294/catalog": {},
    }
    made = {name: milliquas_table(text.decode(), renamed) for name, renamed in tables.items()}
    vizier = Vizier(made | {"VII/289/dr16q": dr16q_table(downloads / "dr16q" / "DR16Q_v4.fits")})
    server.services[f"{TAP}/sync"] = vizier.tap
    server.services["/viz-bin/votable"] = vizier.form


def gama_file(info: Table) -> bytes:
    """SpecObj with the spectra that have a result."""
    kept = info[info["PLATEID"] > 0]
    made = {
        "SPECID": np.array([str(text).strip() for text in kept["SPECOBJID"]], "S24"),
        "SURVEY": np.full(len(kept), b"SDSS"),
        "RA": np.asarray(kept["RA"], "f8"),
        "DEC": np.asarray(kept["DEC"], "f8"),
        "Z": np.asarray(kept["Z"], "f4"),
        "NQ": np.full(len(kept), 4, "i2"),
        "CATAID": np.arange(len(kept), dtype="i4"),
    }
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(Table(made))]).writeto(out)
    return out.getvalue()


def gswlc_text(info: Table) -> str:
    """24 columns without a header; every fifth galaxy has no mass and no rate (-99)."""
    lines = []
    for number, row in enumerate(info[info["PLATEID"] > 0]):
        mass = (-99.0, -99.0, -99.0, -99.0) if number % 5 == 0 else (10.5, 0.05, 0.2, 0.1)
        cells = [1237650000000000000 + number, -99, row["PLATEID"], row["MJD"], row["FIBERID"]]
        cells += [f"{row['RA']:.6f}", f"{row['DEC']:.6f}", f"{row['Z']:.4f}", 1.25, *mass]
        cells += [0.5, 0.1, 0.4, 0.1, 0.3, 0.1, 0, 3, 1, 2, 1]
        lines.append(" ".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def spectrum_file(plate: int, mjd: int, fiber: int, flux: np.ndarray) -> bytes:
    """A lite file of DR17, whose columns are in lower case."""
    loglam = (3.58 + 1e-4 * np.arange(len(flux))).astype("f4")
    coadd = {"flux": flux.astype("f4"), "loglam": loglam, "ivar": np.ones(len(flux), "f4")}
    about = {"plug_ra": [10.0], "plug_dec": [1.0], "plate": [plate], "mjd": [mjd], "fiberid": [fiber], "z": [0.125]}
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *(fits.BinTableHDU(Table(made)) for made in (coadd, about))]).writeto(out)
    return out.getvalue()


# the 17 fields of the older layout: where each begins there, and its columns in the newer one
LAYOUT_A = {
    **{0: (0, 11), 12: (12, 23), 25: (25, 50), 51: (51, 55), 56: (56, 61), 62: (62, 67), 68: (68, 70), 72: (71, 72)},
    **{74: (73, 74), 76: (76, 82), 83: (83, 88), 90: (90, 95), 97: (101, 103), 101: (105, 126), 124: (128, 149)},
    **{147: (151, 172), 170: (174, 195)},
}


def in_layout_a(text: str) -> str:
    """The same catalogue in the layout of v5 to v7.x, which has no RXPct."""
    lines = []
    for line in text.splitlines():
        made = [" "] * 192
        for start, (first, last) in LAYOUT_A.items():
            cell = line[first:last]
            made[start : start + len(cell)] = cell
        lines.append("".join(made))
    return "\n".join(lines) + "\n"


def zipped(text: str) -> bytes:
    """milliquas.zip as quasars.org serves it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("milliquas.txt", text)
    return packed.getvalue()


class Cas:
    """SkyServer's SQL search: runs what it is sent; answers CSV after a line #Table1, or a body with error_message."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect()
        for kind in ("Info", "Line", "Extra"):
            table = Table.read(folder / f"galSpec{kind}-dr8.fits")
            table = table[Table.read(folder / "galSpecInfo-dr8.fits")["PLATEID"] > 0]
            columns = {"specObjID": pa.array([int(text) for text in table["SPECOBJID"]], pa.uint64())}
            for name in table.colnames:
                if name != "SPECOBJID":
                    values = table[name].filled() if hasattr(table[name], "filled") else table[name]
                    values = [v.decode() if isinstance(v, bytes) else v for v in values.tolist()]
                    columns[name.lower()] = pa.array(values)
            rows = pa.table(columns)
            self.connection.register("rows", rows)
            self.connection.execute(f"create table galSpec{kind} as from rows; ")
            self.connection.unregister("rows")
        self.connection.execute("create schema dbo")
        self.connection.execute(
            "create macro dbo.fGetNearbySpecObjEq(ra0, dec0, arcmin) as table select specObjID from main.galSpecInfo "
            "where degrees(acos(least(1, sin(radians(dec)) * sin(radians(dec0)) + cos(radians(dec)) * "
            "cos(radians(dec0)) * cos(radians(ra - ra0))))) * 60 < arcmin"
        )

    def __call__(self, asked: Asked) -> tuple[int, str, bytes]:
        query = parse_qs(asked.query)
        if query.get("format") != ["csv"] or query.get("searchtool") != ["SQL"]:
            return 200, "text/html", b"<html>SkyServer</html>"
        try:
            cursor = self.connection.cursor().execute(query["cmd"][0])
        except duckdb.Error as fault:
            return 200, "text/plain", f'{{"error_message": "{fault}"}}'.encode()
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column[0] for column in cursor.description])
        writer.writerows(cursor.fetchall())
        return 200, "text/plain", b"#Table1\n" + out.getvalue().encode()


def milliquas_table(text: str, renamed: dict[str, str]) -> Table:
    columns: dict[str, MaskedColumn] = {}
    lines = text.splitlines()
    for name, span in MILLIQUAS.items():
        if span is None:
            columns[name] = MaskedColumn(np.arange(1, len(lines) + 1, dtype="i4"))
            continue
        cells = [line[span[0] : span[1]].strip() for line in lines]
        blank = [not cell for cell in cells]
        if name in NUMBERS:
            values = np.array([float(cell or "nan") for cell in cells])
        elif name == "Qpct":
            values = np.array([int(cell or 0) for cell in cells], "i2")
        else:
            values = np.array(cells, "U30")
        columns[renamed.get(name, name)] = MaskedColumn(values, mask=blank)
    return Table(columns)


def dr16q_table(path: Path) -> Table:
    """VII/289, whose columns are fewer and otherwise named."""
    native = Table.read(path)
    names = {"SDSS_NAME": "SDSS", "RA": "RAJ2000", "DEC": "DEJ2000", "PLATE": "Plate", "MJD": "MJD", "FIBERID": "Fiber"}
    columns = {new: native[old].tolist() for old, new in (names | {"Z": "z", "SOURCE_Z": "r_z"}).items()}
    columns = {k: [v.decode() if isinstance(v, bytes) else v for v in values] for k, values in columns.items()}
    return Table({"recno": np.arange(1, len(native) + 1, dtype="i4"), **columns})


class Vizier:
    """TAP and the old form of VizieR. Both give fewer rows than there are unless they are asked for more."""

    tap_rows_unasked = 100
    form_rows_unasked = 50

    def __init__(self, tables: dict[str, Table]) -> None:
        self.tables = tables
        self.connection = duckdb.connect()
        self.connection.execute(
            "create schema TAP_SCHEMA; create table TAP_SCHEMA.columns(table_name text, column_name text)"
        )
        for name, table in tables.items():
            # SQL does not tell RName from rName: only positions keep their names, the others come back by number
            plain = {
                f"c{k}" if not column.startswith(("RA", "DE")) else column: pa.array(table[column].tolist())
                for k, column in enumerate(table.colnames)
            }
            self.connection.register("rows", pa.table(plain))
            self.connection.execute(f'create table "{name}" as from rows')
            self.connection.unregister("rows")
            # services differ in whether they list names with the quotes that they need
            quoted = name.startswith("VII/294")
            listed = [(f'"{name}"', f'"{column}"') if quoted else (name, column) for column in table.colnames]
            self.connection.executemany("insert into TAP_SCHEMA.columns values (?, ?)", listed)

    def tap(self, asked: Asked) -> tuple[int, str, bytes]:
        form = {key: value[0] for key, value in parse_qs(asked.body.decode()).items()}
        if form.get("REQUEST") != "doQuery" or form.get("LANG") != "ADQL":
            return 400, "text/xml", document(None, "ERROR", "expected doQuery in ADQL")
        try:
            cursor = self.connection.cursor().execute(form["QUERY"])
        except duckdb.Error as fault:
            return 400, "text/xml", document(None, "ERROR", str(fault))
        names, rows = [column[0] for column in cursor.description], cursor.fetchall()
        source = re.search(r'FROM "([^"]+)"', form["QUERY"])
        if source and len(names) > 1:
            whole = self.tables[source[1]]
            rows_of = {value: k for k, value in enumerate(whole["recno"].tolist())}
            table = whole[[rows_of[row[0]] for row in rows]]
        else:
            table = Table(rows=rows, names=names) if rows else Table({name: np.array([], "U1") for name in names})
        most = int(form.get("MAXREC", self.tap_rows_unasked))
        status = "OVERFLOW" if len(table) > most else "OK"
        return 200, "text/xml", document(table[:most], status)

    def form(self, asked: Asked) -> tuple[int, str, bytes]:
        script = dict(line.partition("=")[::2] for line in asked.body.decode().splitlines())
        table = self.tables.get(script.get("-source", ""))
        if table is None:
            return 200, "text/xml", document(None, "OK")
        most = script.get("-out.max", str(self.form_rows_unasked))
        kept = table if most == "unlimited" else table[: int(most)]
        if "-out.all" not in script:
            kept = kept[kept.colnames[:9]]
        return 200, "text/xml", document(kept, "OK")


def document(table: Table | None, status: str, said: str = "") -> bytes:
    """A VOTable, with the status as DALI has it."""
    votable = VOTableFile.from_table(table if table is not None else Table({"nothing": np.array([], "i4")}))
    if table is None:
        votable.resources[0].tables.clear()
    info = Info(name="QUERY_STATUS", value=status)
    info.content = said or None
    votable.resources[0].infos.append(info)
    out = io.BytesIO()
    votable.to_xml(out, tabledata_format="binary2")
    return out.getvalue()
