"""Catalogue jobs of HSC-SSP: submit, wait, download, delete (FORMATS.md section 2.1).

The number of every running job is on disk before anything else happens, so that a restarted fetch goes on waiting
for the job that it paid for.
"""

import hashlib
import json
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from swimmy_db.config import Settings
from swimmy_db.publishing import sha256_of
from swimmy_db.sources.fetching import FetchedFile
from swimmy_db.sources.hsc_credentials import Account
from swimmy_db.sources.hsc_http import SHOWN, Body, CutShort, HscError, HscHttp, NotThere, RequestRefused, Waits
from swimmy_db.sources.hsc_release import Release
from swimmy_db.sources.hsc_sql import Query

LEDGER = ".jobs.json"
CHUNK = 64 << 10
LONGEST_REPLY = 16 << 20
RUNNING, DONE = ("waiting", "running"), "done"


class JobFailed(HscError):
    """The server ran the job and it ended in an error; the message holds the server's words."""


class JobStuck(HscError):
    """The job has not ended within hsc_job_hours_max."""


class Ledger:
    """What is known of the jobs of one folder, by result name: job number or finished file; written at each change."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER
        self._lock = threading.Lock()
        try:
            self._entries: dict[str, dict[str, Any]] = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            # a ledger that cannot be read costs some jobs a second run, no result
            self._entries = {}

    def get(self, name: str, sql: str) -> dict[str, Any]:
        """The entry of a result, {} where there is none or it is of another query."""
        with self._lock:
            entry = self._entries.get(name, {})
        return entry if entry.get("query") == mark_of(sql) else {}

    def outdated_job(self, name: str, sql: str) -> int | None:
        """The job of a result that was asked for by another query; nobody waits for it any more."""
        with self._lock:
            entry = self._entries.get(name, {})
        return None if entry.get("query") == mark_of(sql) else entry.get("job")

    def put(self, name: str, sql: str, **entry: Any) -> None:
        with self._lock:
            self._entries[name] = {"query": mark_of(sql), **entry}
            self._write()

    def forget(self, name: str) -> None:
        with self._lock:
            self._entries.pop(name, None)
            self._write()

    def _write(self) -> None:
        temporary = self.path.with_name(f"{LEDGER}.tmp")
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(self._entries, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)


def mark_of(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()[:16]


class JobClient:
    """The job service of one release, for one account."""

    def __init__(self, account: Account, settings: Settings, release: Release) -> None:
        self.http = HscHttp(account, settings)
        self.auth = account.in_body()
        self.settings = settings
        self.release = release

    def bring(self, query: Query, folder: Path, ledger: Ledger) -> FetchedFile:
        """The query's result as a file in the folder; at once where it lies there already.

        Raises WrongPassword, RequestRefused, JobFailed, JobStuck, ServiceUnavailable.
        """
        target = folder / f"{query.name}.{self.release.out_format}"
        known = ledger.get(query.name, query.sql)
        if known.get("sha256") and target.is_file() and sha256_of(target) == known["sha256"]:
            return self._fetched(target, known["sha256"], datetime.fromisoformat(known["at"]))
        job = known.get("job")
        if job is None or not self._is_alive(job):
            outdated = ledger.outdated_job(query.name, query.sql)
            job = self.submit(query)
            ledger.put(query.name, query.sql, job=job)
            if outdated is not None:
                self.discard("cancel", outdated)
                self.discard("delete", outdated)
        try:
            self.await_end(job, query.name)
        except JobFailed:
            ledger.forget(query.name)
            raise
        self.download(job, query.name, target)
        fetched = self._fetched(target, sha256_of(target), datetime.now(UTC))
        ledger.put(query.name, query.sql, sha256=fetched.sha256, at=fetched.fetched_at.isoformat())
        self.discard("delete", job)
        return fetched

    def submit(self, query: Query) -> int:
        """Hand in the query; returns the job's number."""
        body = {
            "catalog_job": {
                "sql": query.sql,
                "out_format": self.release.out_format,
                "include_metainfo_to_body": True,
                "release_version": self.release.release_version,
            },
            "nomail": True,
            "skip_syntax_check": False,
        }
        what = f"submit {query.name}"
        try:
            # a long syntax check ends in a proxy's 502: it is left out the next time
            job = self._call("submit", body, what, after_502={**body, "skip_syntax_check": True})
        except RequestRefused as fault:
            raise RequestRefused(
                f"{fault}\nNames of tables and columns are the release's (hsc_releases.toml, setting release); the "
                "setting hsc_release_file names a file that corrects them. The query:\n" + query.sql
            ) from None
        if not isinstance(job.get("id"), int):
            found = self.http.account.scrub(repr(job))[:SHOWN]
            raise HscError(f"{what}: expected a job with an id, found {found} (setting hsc_sql_url)")
        return job["id"]

    def status(self, job: int) -> dict[str, Any]:
        return self._call("status", {"id": job}, f"status of job {job}")

    def await_end(self, job: int, name: str) -> None:
        """Look at the job, less and less often, until it is done. Raises JobFailed or JobStuck."""
        pause = self.settings.hsc_poll_first
        end = time.monotonic() + self.settings.hsc_job_hours_max * 3600
        while True:
            found = self.status(job)
            state = found.get("status")
            if state == DONE:
                return
            if state not in RUNNING:
                words = self.http.account.scrub(str(found.get("error") or "no reason given"))
                raise JobFailed(f"{name}: job {job} ended as {state!r}: {words}")
            if time.monotonic() >= end:
                raise JobStuck(
                    f"{name}: job {job} is still {state} after {self.settings.hsc_job_hours_max:g} h (setting "
                    "hsc_job_hours_max). It goes on at the archive: the same command waits for it again; if it never "
                    "ends, cancel it on the archive's page"
                )
            self.http.pause(min(pause, max(0.0, end - time.monotonic())))
            pause = min(2 * pause, self.settings.hsc_poll_max)

    def download(self, job: int, name: str, target: Path) -> None:
        """The job's result to `target`, which appears when it is complete."""
        waits = Waits(self.http)
        partial = target.with_name(f".{target.name}.part")
        while True:
            response = self.http.send(
                "POST", f"{self.release.sql_url}download", f"download {name}", self.auth, json=self._body({"id": job})
            )
            body = Body(response, self.http)
            try:
                with response, open(partial, "wb") as stream:
                    while block := body.read(CHUNK):
                        stream.write(block)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(partial, target)
                return
            except CutShort as fault:
                cut = f"download {name}: {fault}"
            except OSError as fault:
                partial.unlink(missing_ok=True)
                raise HscError(
                    f"{target}: {fault.strerror or fault}. The job {job} waits at the archive: make room, "
                    "then the same command goes on"
                ) from None
            partial.unlink(missing_ok=True)
            waits.wait(cut)

    def discard(self, how: str, job: int) -> None:
        """Cancel or delete the job at the archive; that it stays there would be no harm."""
        try:
            self._call(how, {"id": job}, f"{how} job {job}", reply=False)
        except HscError:
            return

    def _is_alive(self, job: int) -> bool:
        """Whether the archive still knows the job and it can come to an end."""
        try:
            return self.status(job).get("status") in (*RUNNING, DONE)
        except (NotThere, RequestRefused):
            return False

    def _call(
        self, endpoint: str, extra: dict[str, Any], what: str, reply: bool = True, after_502: dict | None = None
    ) -> dict[str, Any]:
        url = f"{self.release.sql_url}{endpoint}"
        body = self._body(extra)
        later = None if after_502 is None else self._body(after_502)
        waits = Waits(self.http)
        while True:
            with self.http.send("POST", url, what, self.auth, json=body, json_after_502=later) as response:
                try:
                    content = Body(response, self.http).read(LONGEST_REPLY) if reply else b"{}"
                except CutShort as fault:
                    content = None
                    cut = f"{what}: {fault}"
            if content is not None:
                break
            waits.wait(cut)
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise HscError(f"{what}: expected JSON from {url}, found something else (setting hsc_sql_url)")
        return found

    def _body(self, extra: dict[str, Any]) -> dict[str, Any]:
        # the credential is added at the moment of sending
        return {"clientVersion": self.release.client_version, **extra}

    def _fetched(self, path: Path, sha256: str, at: datetime) -> FetchedFile:
        return FetchedFile(path, self.release.sql_url, at, path.stat().st_size, sha256)
