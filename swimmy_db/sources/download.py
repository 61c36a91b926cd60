"""Bring one file over HTTP, whatever the network does: resumed by range, checked, and never half there.

Why not what exists: astroquery's `_download_file` resumes without If-Range, so a file that changed on the server
becomes a mixture of two; it asks for the whole file first and does not notice a body that ends early. astropy's and
pooch's downloads start over at every failure, which 1.9 GB over a poor line do not survive.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from swimmy_db.errors import FetchFailed, InputRefused
from swimmy_db.sources.fetched_files import finished, full_disk, note_finished, write_note
from swimmy_db.sources.fetching import FetchedFile, Progress
from swimmy_db.sources.network import (
    CHUNK,
    RETRIED,
    Network,
    SlowDrip,
    blocks_of,
    new_session,
    retry_after_of,
    shortly,
)

HEAD = 512
_MAGIC = {"fits": (b"SIMPLE", b"\x1f\x8b"), "zip": (b"PK\x03\x04",), "text": ()}
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Remote:
    """A file to bring: its address, its name here, the options that the address comes from, and what it has to be.

    kind: fits, zip or text. checksum: (name of the algorithm in hashlib, hexadecimal digest), where one is published.
    """

    url: str
    name: str
    options: str
    kind: str = "text"
    checksum: tuple[str, str] | None = None


class NotThere(FetchFailed):
    """The server answers that there is no such file (404 or 410)."""


def download_all(
    remotes: Sequence[Remote], folder: Path, network: Network, progress: Progress, expected: int | None = None
) -> list[FetchedFile]:
    """Bring the files one after the other; `progress` counts the bytes of all. expected: their sum, if known."""
    fetched: list[FetchedFile] = []
    with new_session() as session:
        for remote in remotes:
            before = sum(file.bytes for file in fetched)

            def so_far(done: int, total: int | None, before: int = before) -> None:
                alone = total if len(remotes) == 1 else None
                progress(before + done, alone or (None if expected is None else max(expected, before + done)))

            fetched.append(download(remote, folder, network, so_far, session))
    return fetched


def download(
    remote: Remote, folder: Path, network: Network, progress: Progress, session: requests.Session | None = None
) -> FetchedFile:
    """Bring the file to folder/name, going on where an earlier attempt stopped.

    What came lies in `.<name>.part` until it is whole and right. A file that was brought whole before is not asked
    for again. Raises NotThere; FetchFailed where the server cannot be reached or the disk is full (what came stays);
    InputRefused for a web page in place of the file, or a checksum that differs (what came is dropped).
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = finished(folder, remote.name)
    if known is not None and known.url == remote.url:
        progress(known.bytes, known.bytes)
        return known
    attempt = _Attempt(remote, folder, network, progress, session or new_session())
    failures = 0
    while True:
        try:
            attempt.run()
            break
        except _Again as again:
            failures = 0 if again.progressed else failures + 1
            if failures >= network.tries:
                raise FetchFailed(
                    f"{remote.name}: {again}, {failures} times in a row, for {remote.url}; {attempt.kept()} (options "
                    f"network.tries, network.timeout; the address comes from {remote.options})"
                ) from None
            _wait(again.wait, max(failures, 1), network, remote)
    return attempt.finish()


def _wait(asked: float | None, failures: int, network: Network, remote: Remote) -> None:
    if asked is not None and asked > network.longest_wait:
        raise FetchFailed(
            f"{remote.name}: the server asks to wait {asked:,.0f} s before {remote.url} is asked for again; "
            "run the same command again then, or raise the option network.longest_wait"
        )
    network.wait(failures, asked)


class _Again(Exception):
    """The attempt failed in a way that another one may not."""

    def __init__(self, what: str, progressed: bool = False, wait: float | None = None) -> None:
        super().__init__(what)
        self.progressed = progressed
        self.wait = wait


class _Attempt:
    """The state of one file between attempts: the part, and the note of which version of the file it is of."""

    def __init__(
        self, remote: Remote, folder: Path, network: Network, progress: Progress, session: requests.Session
    ) -> None:
        self.remote, self.network, self.progress, self.session = remote, network, progress, session
        self.path = folder / remote.name
        self.part = folder / f".{remote.name}.part"
        self.note = folder / f".{remote.name}.part.json"
        self.furthest = self.held()

    def held(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def kept(self) -> str:
        return f"{self.held():,} bytes are kept, the same command goes on from there"

    def run(self) -> None:
        """One request. Raises _Again where another may bring the rest."""
        offset, total, validator = self._resumable()
        if offset and offset == total:
            return
        # identity: what is written is what the server has, so that sizes, ranges and checksums are of one thing
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers |= {"Range": f"bytes={offset}-"} | ({"If-Range": validator} if validator else {})
        try:
            with self.session.get(
                self.remote.url, headers=headers, stream=True, timeout=self.network.timeout
            ) as response:
                self._judge_status(response)
                offset, total = self._where(response, offset)
                self._receive(response, offset, total)
        except (requests.ConnectionError, requests.Timeout, HTTPError, SlowDrip) as fault:
            raise self._again(f"the connection was lost ({shortly(fault)})") from None
        except requests.RequestException as fault:
            remote = self.remote
            raise FetchFailed(
                f"{remote.name}: {shortly(fault)} for {remote.url}; the address comes from {remote.options}"
            ) from None

    def _again(self, what: str) -> _Again:
        """Progress is what no attempt had before: from a server without ranges the same start comes every time."""
        came = self.held() - self.furthest
        self.furthest = max(self.furthest, self.held())
        return _Again(what, came >= self.network.slow_bytes)

    def _resumable(self) -> tuple[int, int | None, str | None]:
        """Where to go on, the file's size, and what makes sure that it is the same file; (0, None, None): from 0."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            held = self.part.stat().st_size
        except (OSError, ValueError):
            return 0, None, None
        total = note.get("total")
        if note.get("url") != self.remote.url or not held or held > (total or held):
            return 0, None, None
        # a weak ETag does not promise equal bytes (RFC 9110, 13.1.5)
        etag = note.get("etag")
        validator = etag if etag and not etag.startswith("W/") else note.get("last_modified")
        if validator is None and self.remote.checksum is None:
            return 0, None, None
        return held, total, validator

    def _judge_status(self, response: requests.Response) -> None:
        remote, status = self.remote, response.status_code
        if status in (200, 206):
            return
        if status == 416:  # the part is as long as the file, or longer: what it is can only be found out anew
            self.part.unlink(missing_ok=True)
            raise _Again("the server has no such range")
        if status in RETRIED:
            raise _Again(f"HTTP {status} {response.reason}", wait=retry_after_of(response))
        said = (
            f"{remote.name}: HTTP {status} {response.reason} for {remote.url}; the address comes from {remote.options}"
        )
        raise NotThere(said) if status in (404, 410) else FetchFailed(said)

    def _where(self, response: requests.Response, asked: int) -> tuple[int, int | None]:
        """Offset of the body in the file, and the file's size where it is known."""
        length = response.headers.get("Content-Length")
        size = int(length) if length and length.isdigit() else None
        about = {
            "url": self.remote.url,
            "etag": response.headers.get("ETag"),
            "last_modified": response.headers.get("Last-Modified"),
        }
        if response.status_code == 206:
            spans = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
            note = json.loads(self.note.read_text(encoding="utf-8")) if asked else {}
            same = all(about[key] in (None, note.get(key)) for key in ("etag", "last_modified"))
            if spans is None or int(spans[1]) != asked or not same:
                self.part.unlink(missing_ok=True)
                raise _Again("the server sent another range or another version than was asked for")
            return asked, int(spans[2]) if spans[2] != "*" else (None if size is None else asked + size)
        # 200: the server knows no ranges, or the file is another one than last time
        self.part.unlink(missing_ok=True)
        write_note(self.note, about | {"total": size})
        return 0, size

    def _receive(self, response: requests.Response, offset: int, total: int | None) -> None:
        self._require_space(offset, total)
        with open(self.part, "ab") as out:
            for block in blocks_of(response.raw, self.network):
                try:
                    out.write(block)
                    out.flush()
                except OSError as fault:
                    raise full_disk(fault, self.part, None if total is None else total - offset) or fault from None
                offset += len(block)
                if offset - len(block) < HEAD <= offset:
                    self._judge_head()
                self.progress(offset, total)
        if total is not None and offset < total:
            raise self._again(f"the connection ended after {offset:,} of {total:,} bytes")
        if total is not None and offset > total:
            self.part.unlink()
            raise _Again(f"expected {total:,} bytes, found {offset:,}")

    def _require_space(self, offset: int, total: int | None) -> None:
        if total is not None and shutil.disk_usage(self.part.parent).free < total - offset:
            raise full_disk(OSError(errno.ENOSPC, "no space"), self.part, total - offset)

    def _judge_head(self) -> None:
        """A server that is ill or wants a login sends a page with status 200; better seen now than 1.7 GB later."""
        with open(self.part, "rb") as handle:
            head = handle.read(HEAD)
        is_page = head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))
        magic = _MAGIC[self.remote.kind]
        if not is_page and (not magic or head.startswith(magic)):
            return
        title = _TITLE.search(head)
        text = (title[1] if title else head[:60]).strip().decode("latin-1")
        found = f"a web page {text!r}" if is_page else repr(head[:40])
        self.part.unlink()
        expected = {"fits": "a FITS file", "zip": "a zip file", "text": "a file of text"}[self.remote.kind]
        raise InputRefused(
            f"{self.remote.name}: expected {expected}, found {found} at {self.remote.url}; the address comes from "
            f"{self.remote.options}"
        )

    def finish(self) -> FetchedFile:
        """Check the whole, give it its name, and note it."""
        self._judge_head()
        digests = {"sha256": hashlib.sha256()}
        if self.remote.checksum is not None:
            digests.setdefault(self.remote.checksum[0], hashlib.new(self.remote.checksum[0]))
        with open(self.part, "rb+") as handle:
            while block := handle.read(CHUNK):
                for digest in digests.values():
                    digest.update(block)
            os.fsync(handle.fileno())
        if self.remote.checksum is not None:
            algorithm, expected = self.remote.checksum
            found = digests[algorithm].hexdigest()
            if found != expected.lower():
                self.part.unlink()
                raise InputRefused(
                    f"{self.remote.name}: expected {algorithm} {expected}, found {found}: {self.remote.url} is damaged "
                    f"or not the file of the list; what came was dropped ({self.remote.options})"
                )
        os.replace(self.part, self.path)
        self.note.unlink(missing_ok=True)
        return note_finished(self.path, self.remote.url, digests["sha256"].hexdigest())
