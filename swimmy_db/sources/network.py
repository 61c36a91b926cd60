"""How patient to be with a server, and how its answers are read."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3 import HTTPResponse

from swimmy_db.errors import UsageError
from swimmy_db.sources.fetching import NETWORK, FetchRequest, option

CHUNK = 1 << 20
RETRIED = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Network:
    """How patient to be with a server; the options network.* (archives.toml says what each is)."""

    tries: int
    timeout: float
    first_wait: float
    longest_wait: float
    slow_seconds: float
    slow_bytes: int

    @classmethod
    def of(cls, request: FetchRequest) -> "Network":
        """Raises UsageError for a value that is not a number."""
        values = {}
        for name, kind in cls.__annotations__.items():
            text = option(request, f"{NETWORK}.{name}")
            try:
                values[name] = kind(text)
            except ValueError:
                raise UsageError(f"option {NETWORK}.{name}: expected a number, found {text!r}") from None
        return cls(**values)

    def wait(self, failures: int, asked: float | None = None) -> None:
        """Wait after the nth failure in a row; at least as long as the server asked for."""
        time.sleep(max(min(self.first_wait * 2.0 ** (failures - 1), self.longest_wait), asked or 0.0))


def new_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "swimmy_db"
    return session


class SlowDrip(Exception):
    """So few bytes come that the file would not be here in days."""


def blocks_of(raw: HTTPResponse, network: Network, decode: bool = False) -> Iterator[bytes]:
    """The body as it comes; decode: without its Content-Encoding.

    Raises SlowDrip; urllib3's HTTPError for a lost connection.
    """
    window, came = time.monotonic(), 0
    # read1 returns what there is; read would wait for the whole block and not see a drip
    while block := raw.read1(CHUNK, decode_content=decode):
        yield block
        came += len(block)
        if time.monotonic() - window > network.slow_seconds:
            if came < network.slow_bytes:
                raise SlowDrip(f"only {came} bytes came in {network.slow_seconds:g} s")
            window, came = time.monotonic(), 0


def shortly(fault: Exception) -> str:
    """The innermost reason, without the objects that requests and urllib3 wrap around it."""
    while fault.__context__ is not None or fault.__cause__ is not None:
        fault = fault.__cause__ or fault.__context__
    return f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__


def retry_after_of(response: requests.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()) if text else None
    except (ValueError, TypeError):
        return None
