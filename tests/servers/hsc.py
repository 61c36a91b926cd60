"""A stand-in for the services of HSC-SSP on a loopback port (FORMATS.md sections 2 and 9), serving a survey's files.

The job service runs the SQL that was submitted, on DuckDB with the archive's schema and search functions; the cutout
service and the PSF picker serve from the survey's tars. Faults are attributes that a test sets.
"""

import base64
import gzip
import io
import json
import math
import re
import tarfile
import threading
import time
from collections.abc import Callable
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import duckdb
import numpy as np

USER, PASSWORD = "astronomer@local", "S3cret/pass word%42"
SCHEMA = "pdr3_wide"
FORCED2 = ("psfflux", "sdssshape")


class Answer(NamedTuple):
    """One answer in place of the real one; `what` is a pattern that the path must contain."""

    what: str
    status: int
    headers: dict[str, str]
    body: bytes


class HscServer:
    """The services, started by `with`. `requests` lists what was asked: (endpoint, detail)."""

    def __init__(self, folder: Path, password: str = PASSWORD) -> None:
        self.password = password
        self.requests: list[tuple[str, object]] = []
        # faults of the job service
        self.answers: list[Answer] = []
        self.silences: list[float] = []
        self.polls_to_end = 2
        self.job_errors: list[str] = []
        self.never_ends = False
        self.lose_rows: dict[str, int] = {}  # how often the last row of results whose SQL contains it is lost
        self.crlf = False
        self.missing = ""
        self.echo_request = False
        # faults of the cutout service
        self.cuts: list[int] = []
        self.announce_length = False
        self.omitted: set[tuple[int, str]] = set()
        self.single_omitted: set[tuple[int, str]] = set()
        self.change: Callable[[int, str, bytes, bool], bytes] = lambda object_id, band, payload, single: payload
        self.arrange: Callable[[list], list] = lambda members: members
        self.drip: tuple[int, float] | None = None
        self.busiest = 0
        self.fwhm: Callable[[str], float] = lambda name: 0.7

        self._jobs: dict[int, dict] = {}
        self._lock = threading.Lock()
        self._open_requests = 0
        self._database = duckdb.connect()
        self._load_catalogue(folder)
        self._load_cutouts(folder / "cutouts")

    def __enter__(self) -> "HscServer":
        service = self

        class Handler(_Handler):
            server_of = service

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def settings(self) -> dict[str, str]:
        """The settings that lead a client here, impatient enough for a test."""
        return {
            "hsc_sql_url": f"{self.base}/datasearch/api/catalog_jobs/",
            "hsc_cutout_url": f"{self.base}/das_cutout/pdr3/cgi-bin/cutout",
            "hsc_psf_url": f"{self.base}/psf/pdr3/cgi/getpsf",
            "hsc_poll_first": "0.005",
            "hsc_poll_max": "0.02",
            "hsc_backoff": "0.01",
            "hsc_timeout": "5",
            "hsc_retries": "3",
        }

    def asked(self, endpoint: str) -> list[object]:
        return [detail for name, detail in self.requests if name == endpoint]

    def note(self, endpoint: str, detail: object) -> None:
        with self._lock:
            self.requests.append((endpoint, detail))

    # --- the catalogue

    def _load_catalogue(self, folder: Path) -> None:
        run = self._database.execute
        run(f"create schema {SCHEMA}")
        for name, table in (
            ("objects", "all_forced"),
            ("masks", "masks"),
            ("specz", "specz"),
            ("patch_qa", "patch_qa"),
        ):
            path = folder / f"{name}.csv"
            lines = path.read_text(encoding="ascii").splitlines()
            comments = sum(line.startswith("#") for line in lines)
            names = lines[comments - 1].lstrip("# ").split(",")
            run(
                f"create table {SCHEMA}.{table} as select * from read_csv(?, skip = ?, header = false, names = ?, "
                "nullstr = ['', 'null'], sample_size = -1)",
                [str(path), comments, names],
            )
        columns = [row[0] for row in run(f"describe {SCHEMA}.all_forced").fetchall()]
        second = [name for name in columns if any(part in name for part in FORCED2)]
        first = [name for name in columns if name not in second]
        first.append("ra || ',' || dec as coord")
        run(f"create table {SCHEMA}.forced as select {', '.join(first)} from {SCHEMA}.all_forced")
        run(f"create table {SCHEMA}.forced2 as select object_id, {', '.join(second)} from {SCHEMA}.all_forced")
        run(f"drop table {SCHEMA}.all_forced")
        run("create macro tractSearch(id, t) as (id >> 42) = t, (id, t1, t2) as (id >> 42) between t1 and t2")
        run(
            "create macro coneSearch(coord, ra0, dec0, radius) as "
            "2 * asin(sqrt(pow(sin(radians(split_part(coord, ',', 2)::double - dec0) / 2), 2) "
            "+ cos(radians(dec0)) * cos(radians(split_part(coord, ',', 2)::double)) "
            "* pow(sin(radians(split_part(coord, ',', 1)::double - ra0) / 2), 2))) <= radians(radius / 3600.0)"
        )
        run(
            "create macro boxSearch(coord, ra1, ra2, dec1, dec2) as "
            "split_part(coord, ',', 2)::double between dec1 and dec2 and case when ra1 <= ra2 "
            "then split_part(coord, ',', 1)::double between ra1 and ra2 "
            "else split_part(coord, ',', 1)::double >= ra1 or split_part(coord, ',', 1)::double <= ra2 end"
        )

    def run_sql(self, sql: str) -> tuple[list[str], list[tuple]]:
        with self._database.cursor() as cursor:
            found = cursor.execute(sql)
            return [column[0] for column in found.description], found.fetchall()

    def check_sql(self, sql: str) -> None:
        with self._database.cursor() as cursor:
            cursor.execute(f"explain {sql}")

    def result(self, job: dict) -> bytes:
        """The file of a job, in its format, with the archive's quirks."""
        names, rows = self.run_sql(job["sql"])
        for text, left in self.lose_rows.items():
            if left and text in job["sql"] and "count(*)" not in job["sql"]:
                self.lose_rows[text] -= 1
                rows = rows[:-1]
        if job["out_format"] == "fits":
            return _fits(names, rows)
        end = "\r\n" if self.crlf else "\n"
        lines = ["# [query]", *(f"# {line}" for line in job["sql"].splitlines()), "# [result]", "# " + ",".join(names)]
        lines += [",".join(self._cell(value) for value in row) for row in rows]
        content = (end.join(lines) + end).encode("ascii")
        return gzip.compress(content) if job["out_format"] == "csv.gz" else content

    def _cell(self, value: object) -> str:
        if value is None:
            return self.missing
        text = repr(value) if isinstance(value, float) else str(value)
        return f'"{text}"' if "," in text else text

    def call(self, endpoint: str, body: dict) -> tuple[int, bytes]:
        """One call of the job API; returns status and content."""
        if body.get("credential") != {"account_name": USER, "password": self.password}:
            return 401, b"<html><body>401 Unauthorized</body></html>"
        if not isinstance(body.get("clientVersion"), float):
            return 406, b"clientVersion is missing"
        if endpoint == "submit":
            return self._submit(body)
        job = self._jobs.get(body.get("id"))
        self.note(endpoint, body.get("id"))
        if job is None or job["status"] == "deleted":
            return 404, b"no such job"
        status, content = 200, b""
        if endpoint == "status":
            self._advance(job)
            content = json.dumps({key: job[key] for key in ("id", "status", "error", "sql", "out_format")}).encode()
        elif endpoint == "download":
            status, content = (200, self.result(job)) if job["status"] == "done" else (406, b"the job is not done")
        else:
            job["status"] = {"cancel": "canceled", "delete": "deleted"}[endpoint]
        return status, content

    def _submit(self, body: dict) -> tuple[int, bytes]:
        wanted = body["catalog_job"]
        self.note("syntax check", not body.get("skip_syntax_check", False))
        try:
            if wanted["release_version"] != "pdr3":
                raise ValueError(f"unknown release {wanted['release_version']}")
            self.check_sql(wanted["sql"])
        except (duckdb.Error, ValueError) as fault:
            words = f"{fault}" + (json.dumps(body) if self.echo_request else "")
            return 406, words.encode()
        with self._lock:
            job = {"id": len(self._jobs) + 1, "status": "waiting", "error": None, "polls": 0}
            job |= {"sql": wanted["sql"], "out_format": wanted["out_format"]}
            self._jobs[job["id"]] = job
            self.requests.append(("submit", wanted["sql"]))
        return 200, json.dumps({"id": job["id"], "status": "waiting"}).encode()

    def _advance(self, job: dict) -> None:
        with self._lock:
            job["polls"] += 1
            if job["status"] in ("done", "error", "canceled") or self.never_ends:
                job["status"] = "running" if self.never_ends else job["status"]
            elif job["polls"] < self.polls_to_end:
                job["status"] = "running"
            elif self.job_errors:
                job["status"], job["error"] = "error", self.job_errors.pop(0)
            else:
                job["status"] = "done"

    # --- the cutouts

    def _load_cutouts(self, folder: Path) -> None:
        self._stamps: dict[tuple[str, int], bytes] = {}
        self._ids: list[int] = []
        positions: dict[int, tuple[float, float]] = {}
        self.tracts: dict[int, int] = {}
        for path in sorted(folder.glob("*.tar")):
            rows = path.with_suffix(".txt").read_text(encoding="ascii").splitlines()
            with tarfile.open(path) as archive:
                payloads = {
                    int(re.match(r".*/(\d+)-", info.name)[1]): archive.extractfile(info).read() for info in archive
                }
            for lineno, row in enumerate(rows[1:], 2):
                cells, _, comment = row.partition("#")
                _, _, name, tract, ra, dec, *_ = cells.split()
                object_id = int(comment.split("=")[1])
                positions[object_id] = (float(ra.removesuffix("deg")), float(dec.removesuffix("deg")))
                self.tracts[object_id] = int(tract)
                if lineno in payloads:
                    self._stamps[name, object_id] = payloads[lineno]
        self._ids = list(positions)
        self._places = np.array([positions[object_id] for object_id in self._ids])

    def object_at(self, ra: float, dec: float) -> int | None:
        if not self._ids:
            return None
        across = (self._places[:, 0] - ra + 180) % 360 - 180
        apart = np.hypot(across * math.cos(math.radians(dec)), self._places[:, 1] - dec) * 3600
        nearest = int(apart.argmin())
        return self._ids[nearest] if apart[nearest] < 1.0 else None

    def stamp(self, row: dict[str, str], single: bool) -> tuple[int, str, bytes] | None:
        """Object, member's name without folder and line, content; None where the service has nothing."""
        name = {"g": "HSC-G", "r": "HSC-R", "i": "HSC-I", "z": "HSC-Z", "y": "HSC-Y"}.get(row["filter"], row["filter"])
        object_id = self.object_at(angle(row["ra"], True), angle(row["dec"], False))
        # the smallest stamp that the search can use is 96 pixels wide
        if min(angle(row["sw"], False), angle(row["sh"], False)) * 3600 < 48 * 0.168:
            raise ListRefused("sw, sh: too small for this test")
        payload = self._stamps.get((name, object_id))
        key = (object_id, name)
        if payload is None or key in self.single_omitted or (key in self.omitted and not single):
            return None
        tract = self.tracts[object_id]
        return object_id, f"cutout-{name}-{tract}-{row['rerun']}.fits", self.change(object_id, name, payload, single)

    def tar_of(self, text: str) -> bytes:
        """The tar that answers a list."""
        rows = parse_list(text)
        members = []
        for lineno, row in rows:
            found = self.stamp(row, single=False)
            if found is not None:
                members.append((lineno, found[1], found[2]))
        self.note("cutouts", len(rows))
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for lineno, name, payload in self.arrange(members):
                entry = tarfile.TarInfo(f"arch-231123-{len(self.requests):06d}/{lineno}-{name}")
                entry.size = len(payload)
                archive.addfile(entry, io.BytesIO(payload))
        return stream.getvalue()

    def kernels_of(self, text: str) -> bytes:
        """The PSF picker's tar: float64 kernels, even or odd on a side, with an alternate WCS."""
        from astropy.io import fits

        rows = parse_list(text)
        self.note("psf", len(rows))
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for lineno, row in rows:
                ra, dec = angle(row["ra"], True), angle(row["dec"], False)
                object_id = self.object_at(ra, dec)
                if object_id is None or (object_id, row["filter"]) in self.omitted:
                    continue
                shape = (43, 42) if object_id % 2 else (41, 43)
                kernel = gaussian(shape, self.fwhm(row["filter"]) / 0.168)
                header = fits.Header({"CTYPE1A": "LINEAR", "CRVAL1A": -(shape[1] // 2), "CRVAL2A": -(shape[0] // 2)})
                content = io.BytesIO()
                fits.PrimaryHDU(kernel, header).writeto(content)
                tract = self.tracts[object_id]
                patch = object_id >> 32 & 1023
                place = f"{patch >> 5},{patch & 31}"
                name = f"{lineno}-psf-calexp-{row['rerun']}-{row['filter']}-{tract}-{place}-{ra:.5f}-{dec:.5f}.fits"
                entry = tarfile.TarInfo(name)
                entry.size = content.tell()
                content.seek(0)
                archive.addfile(entry, content)
        return stream.getvalue()


class ListRefused(Exception):
    """A list that does not follow the grammar."""


def gaussian(shape: tuple[int, int], fwhm_pixels: float) -> np.ndarray:
    """A circular Gaussian of sum 1, float64, its peak on pixel shape // 2."""
    y, x = np.indices(shape)
    sigma = fwhm_pixels / 2.3548200450309493
    kernel = np.exp(-((x - shape[1] // 2) ** 2 + (y - shape[0] // 2) ** 2) / (2 * sigma**2))
    return kernel / kernel.sum()


def parse_list(text: str) -> list[tuple[int, dict[str, str]]]:
    """Rows of a list with their line numbers, which begin at 2."""
    lines = text.split("\n")
    if not lines[0].startswith("#?"):
        raise ListRefused("the first line has to start with #?")
    names = lines[0][2:].split()
    rows = []
    for lineno, line in enumerate(lines[1:], 2):
        cells = line.partition("#")[0].split()
        if not cells:
            continue
        if len(cells) != len(names):
            raise ListRefused(f"line {lineno}: {len(names)} values expected")
        rows.append(
            (lineno, {"filter": "HSC-I", "tract": "any", "rerun": "any"} | dict(zip(names, cells, strict=True)))
        )
    if len(rows) > 1000:
        raise ListRefused("too many lines")
    return rows


def angle(text: str, is_ra: bool) -> float:
    """Degrees of `12.5`, `12.5deg`, `8asec`, `02:03:04` (hours for a right ascension)."""
    from astropy.coordinates import Angle

    for suffix, factor in (("asec", 3600), ("arcsec", 3600), ("amin", 60), ("arcmin", 60), ("deg", 1), ("degrees", 1)):
        if text.endswith(suffix) and not text.endswith(f"arc{suffix}"):
            return float(text.removesuffix(suffix)) / factor
    if ":" in text:
        return float(Angle(text, unit="hourangle" if is_ra else "deg").deg)
    return float(text)


def _fits(names: list[str], rows: list[tuple]) -> bytes:
    """A FITS table with a companion <column>_isnull for every column."""
    from astropy.io import fits

    columns = []
    for position, name in enumerate(names):
        values = [row[position] for row in rows]
        known = [value for value in values if value is not None]
        if all(isinstance(value, bool) for value in known):
            kind, nothing = "L", False
        elif all(isinstance(value, int) for value in known):
            kind, nothing = "K", 0
        elif all(isinstance(value, float | int) for value in known):
            kind, nothing = "D", 0.0
        else:
            kind, nothing = f"{max(map(len, known))}A", ""
        columns.append(fits.Column(name, kind, array=[nothing if value is None else value for value in values]))
        columns.append(fits.Column(f"{name}_isnull", "L", array=[value is None for value in values]))
    stream = io.BytesIO()
    fits.BinTableHDU.from_columns(columns).writeto(stream)
    return stream.getvalue()


class _Handler(BaseHTTPRequestHandler):
    server_of: HscServer

    def log_message(self, *_: object) -> None:
        """The tests' output is for the tests."""

    def do_GET(self) -> None:
        self._served("GET")

    def do_POST(self) -> None:
        self._served("POST")

    def _served(self, method: str) -> None:
        service = self.server_of
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with service._lock:
            service._open_requests += 1
            service.busiest = max(service.busiest, service._open_requests)
            planned = next((a for a in service.answers if a.what in self.path), None)
            if planned is not None:
                service.answers.remove(planned)
            silence = service.silences.pop(0) if service.silences else 0.0
        time.sleep(silence)
        try:
            if planned is not None:
                service.note("planned", (planned.what, time.monotonic()))
                self._send(planned.status, planned.body, planned.headers)
            else:
                self._route(method, urlsplit(self.path), content)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            with service._lock:
                service._open_requests -= 1

    def _route(self, method: str, url, content: bytes) -> None:
        service = self.server_of
        if "/catalog_jobs/" in url.path:
            status, body = service.call(url.path.rpartition("/")[2], json.loads(content))
            self._send(status, body)
            return
        expected = base64.b64encode(f"{USER}:{service.password}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            self._send(401, b"<html><title>401</title><body><h1>Unauthorized</h1></body></html>")
            return
        try:
            query = {key: values[-1] for key, values in parse_qs(url.query).items()}
            if method == "GET" and "getpsf" in url.path:
                self._single_kernel(query)
            elif method == "GET":
                self._single(query)
            elif "getpsf" in url.path:
                self._send_tar(service.kernels_of(self._list(content)))
            else:
                self._send_tar(service.tar_of(self._list(content)))
        except ListRefused as fault:
            self._send(400, str(fault).encode())

    def _list(self, content: bytes) -> str:
        """The part `list` of a multipart body."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        for part in BytesParser().parsebytes(head + content).walk():
            if part.get_param("name", header="content-disposition") == "list":
                return part.get_payload(decode=True).decode("utf-8")
        raise ListRefused("no part named list")

    def _single(self, row: dict[str, str]) -> None:
        self.server_of.note("single", (row["filter"], float(row["ra"].removesuffix("deg"))))
        found = self.server_of.stamp({"rerun": "any", **row}, single=True)
        if found is None:
            text = "<html><body>Rectangle not found in observed area<pre>Traceback ...</pre></body></html>"
            self._send(404, text.encode())
        else:
            self._send(200, found[2])

    def _single_kernel(self, row: dict[str, str]) -> None:
        service = self.server_of
        columns = ("rerun", "filter", "tract", "patch", "ra", "dec")
        values = " ".join(row[name] for name in columns)
        with tarfile.open(fileobj=io.BytesIO(service.kernels_of(f"#? {' '.join(columns)}\n{values}\n"))) as archive:
            members = archive.getmembers()
            if members:
                self._send(200, archive.extractfile(members[0]).read())
            else:
                self._send(404, b"no PSF at the position")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def _send_tar(self, body: bytes) -> None:
        service = self.server_of
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        if service.announce_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with service._lock:
            cut = service.cuts.pop(0) if service.cuts else None
        if service.drip is not None:
            size, pause = service.drip
            for start in range(0, len(body), size):
                self.wfile.write(body[start : start + size])
                self.wfile.flush()
                time.sleep(pause)
            return
        self.wfile.write(body[:cut])
