"""A file server on loopback, as SAS, GAMA, GSWLC and quasars.org are: ranges, ETags, and every way to go wrong."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Fault:
    """What is wrong with one answer: a status, a body that ends after `cut` bytes, or `drip` bytes a tenth second."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    drip: int | None = None


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int = 0


class Server:
    """Files by path, answers of services by path, and the faults that the next requests meet, in order."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.services: dict[str, Callable[[Asked], tuple[int, str, bytes]]] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.ranges = True
        self.validators = True
        self.asked: list[Asked] = []
        self.url = ""

    def requests_for(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]


@contextlib.contextmanager
def serving(server: Server | None = None) -> Iterator[Server]:
    """Start the server on a free loopback port; its threads end with the block."""
    server = server or Server()

    class Handler(_Handler):
        state = server

    http = _QuietServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """A client that was killed, or had enough, is what is tested here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def log_message(self, *args: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, unquote(parts.path), parts.query, dict(self.headers), body)
        self.state.asked.append(asked)
        queue = self.state.faults.get(asked.path, [])
        fault = queue.pop(0) if queue else Fault()
        with contextlib.suppress(ConnectionError):
            if fault.status is not None:
                asked.status = fault.status
                self._send(fault.status, {"Content-Length": str(len(fault.body))} | fault.headers, fault.body, fault)
            elif asked.path in self.state.services:
                asked.status, kind, content = self.state.services[asked.path](asked)
                headers = {"Content-Type": kind, "Content-Length": str(len(content))}
                self._send(asked.status, headers, content, fault)
            elif asked.path in self.state.files:
                asked.status = self._file(asked, fault)
            else:
                asked.status = 404
                page = b"<html><title>404 Not Found</title></html>"
                self._send(404, {"Content-Length": str(len(page))}, page, fault)

    def _file(self, asked: Asked, fault: Fault) -> int:
        content = self.state.files[asked.path]
        etag = f'"{sha256(content).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Last-Modified": "Mon, 06 Apr 2020 10:00:00 GMT"} if self.state.validators else {}
        changed = self.state.headers.get(asked.path, {})
        wanted = self.headers.get("Range")
        if_range = self.headers.get("If-Range")
        if not self.state.ranges or wanted is None or if_range not in (None, etag):
            self._send(200, headers | {"Content-Length": str(len(content))} | changed, content, fault)
            return 200
        start = int(wanted.removeprefix("bytes=").partition("-")[0])
        if start >= len(content):
            self._send(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}, b"", fault)
            return 416
        span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        length = {"Content-Length": str(len(content) - start)}
        self._send(206, headers | span | length | changed, content[start:], fault)
        return 206

    def _send(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault.drip is not None:
            for start in range(0, len(body), fault.drip):
                self.wfile.write(body[start : start + fault.drip])
                self.wfile.flush()
                time.sleep(0.1)
        elif fault.cut is not None:
            self.wfile.write(body[: fault.cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(body)
