"""Talking to the HSC-SSP services over HTTP: which answers are errors, which are tried again, and when.

Nothing here keeps what was sent: exceptions of `requests` hold the request with its password, so they are never
chained to ours.
"""

import html
import re
import tarfile
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from swimmy_db.config import Settings
from swimmy_db.errors import FetchFailed
from swimmy_db.sources.hsc_credentials import Account

RETRIED = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT = 300.0  # s, between two attempts, unless the service asks for more
LONGEST_ASKED = 3600.0  # s; a Retry-After beyond it is not believed
ADDRESSES = "the settings hsc_sql_url, hsc_cutout_url and hsc_psf_url name the addresses"
SHOWN = 600  # characters of a service's own words
_TAGS = re.compile(r"<(script|style|title)\b.*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)


class HscError(FetchFailed):
    """An HSC-SSP service did not do what it was asked."""


class WrongPassword(HscError):
    """401: the service does not know the user or the password."""


class RequestRefused(HscError):
    """406 and other 4xx: the service refuses the query or the list; `words` is its reason, None for a redirect."""

    def __init__(self, message: str, words: str | None = None) -> None:
        super().__init__(message)
        self.words = words


class NotThere(HscError):
    """404: the service has nothing there; `words` is its reason."""

    def __init__(self, message: str, words: str) -> None:
        super().__init__(message)
        self.words = words


class ServiceUnavailable(HscError):
    """5xx, 429, time-outs and cut connections, still after all attempts.

    `broke`: the service's words where it was there, but broke at this very request each time (500).
    """

    def __init__(self, message: str, broke: str | None = None) -> None:
        super().__init__(message)
        self.broke = broke


class Stopped(HscError):
    """Another part of the same fetch failed, so this one does not go on."""


class HscHttp:
    """One account's requests to the services, each tried again after a wait where that can help."""

    def __init__(self, account: Account, settings: Settings) -> None:
        self.account = account
        self.settings = settings
        self._local = threading.local()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let every thread that waits or is about to ask give up at once, with Stopped."""
        self._stopped.set()

    def resume(self) -> None:
        """Allow requests again, once the threads that were stopped are gone."""
        self._stopped.clear()

    def said(self, start: bytes) -> str:
        """The start of what a service sent, as text in which the password does not stand."""
        # before and after the markup goes, and before it is shortened: half a password is one too
        sent = self.account.scrub(start.decode("utf-8", errors="replace"))
        return self.account.scrub(plain_text(sent))[:SHOWN]

    def pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise Stopped("stopped")

    @property
    def _session(self) -> requests.Session:
        # a session for each thread: they are not made to be shared
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            # a tar must arrive as it is; a csv.gz too
            self._local.session.headers["Accept-Encoding"] = "identity"
        return self._local.session

    def send(
        self,
        method: str,
        url: str,
        what: str,
        auth: AuthBase,
        json_after_502: dict[str, Any] | None = None,
        **options: Any,
    ) -> requests.Response:
        """The answer, status 200, its body unread. `what` names the request in messages.

        json_after_502: another body for the attempts after a proxy gave up on the first one.

        Raises WrongPassword, RequestRefused and NotThere at once, ServiceUnavailable after hsc_retries attempts.
        """
        waits = Waits(self)
        while True:
            self.pause(0)
            response, fault = self._once(method, url, auth, options)
            if response is not None and response.status_code == 200:
                return response
            asked = broke = None
            if response is not None:
                fault = self._judge(response, what)
                broke = fault if response.status_code == 500 else None
                if response.status_code == 502 and json_after_502 is not None:
                    options["json"] = json_after_502
                asked = retry_after(response.headers.get("Retry-After"))
            waits.wait(f"{what}: {fault}", asked, broke)

    def _once(
        self, method: str, url: str, auth: AuthBase, options: dict[str, Any]
    ) -> tuple[requests.Response | None, str]:
        timeout = (min(30.0, self.settings.hsc_timeout), self.settings.hsc_timeout)
        try:
            response = self._session.request(
                # a redirect would carry the password to another place
                method,
                url,
                auth=auth,
                timeout=timeout,
                stream=True,
                allow_redirects=False,
                **options,
            )
        except requests.Timeout:
            return None, f"no answer within {self.settings.hsc_timeout:g} s (setting hsc_timeout)"
        except requests.RequestException as fault:
            return None, f"no connection ({type(fault).__name__})"
        return response, ""

    def _judge(self, response: requests.Response, what: str) -> str:
        """Why the answer is no result, if it is worth another attempt. Raises where it is not."""
        status, words = response.status_code, self.words(response)
        if status in (401, 403):
            raise WrongPassword(f"{what}: the service refuses the user or the password ({status}): {words}")
        if status == 404:
            raise NotThere(f"{what}: not there (404): {words}; {ADDRESSES}", words)
        if status in RETRIED:
            return f"status {status}: {words}"
        if 300 <= status < 400:
            raise RequestRefused(f"{what}: the service has moved to {response.headers.get('Location')!r}; {ADDRESSES}")
        raise RequestRefused(f"{what}: refused ({status}): {words}", words)

    def words(self, response: requests.Response) -> str:
        """The start of a service's message as plain text, in which the password does not stand."""
        try:
            start = response.raw.read(64 << 10, decode_content=True)
        except Exception:  # the status has said what matters
            start = b""
        finally:
            response.close()
        return self.said(start)


class CutShort(tarfile.ReadError):
    """An answer's body ended before its time, or came too slowly; whoever reads a tar from it sees it truncated."""


class Body:
    """An answer's content as it arrives. `fault` says why it ended early, for a person."""

    def __init__(self, response: requests.Response, http: HscHttp) -> None:
        self.raw = response.raw
        self.http = http
        self.window = http.settings.hsc_timeout
        self.least = http.settings.hsc_rate_min * http.settings.hsc_timeout
        self.start = b""
        self.fault: str | None = None
        self._waited = 0.0
        self._bytes = 0

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end. Raises CutShort."""
        blocks = []
        while size > 0:
            block = self._some(size)
            if not block:
                break
            blocks.append(block)
            size -= len(block)
        content = b"".join(blocks)
        if len(self.start) < SHOWN:
            self.start += content[:SHOWN]
        return content

    def _some(self, size: int) -> bytes:
        self.http.pause(0)
        clock = time.monotonic()
        try:
            block = self.raw.read1(size, decode_content=False) or b""
        except (HTTPError, OSError) as fault:
            self.fault = f"the connection was cut ({type(fault).__name__})"
            raise CutShort(self.fault) from None
        # only the time that the service took counts, not ours between two reads
        self._waited += time.monotonic() - clock
        self._bytes += len(block)
        if self._waited > self.window:
            if self._bytes < self.least:
                self.fault = (
                    f"{self._bytes} bytes in {self._waited:.0f} s are too slow (settings hsc_rate_min, hsc_timeout)"
                )
                raise CutShort(self.fault)
            self._waited, self._bytes = 0.0, 0
        return block


class Waits:
    """The pauses after failed attempts: doubled each time, begun again after progress, as many as hsc_retries."""

    def __init__(self, http: HscHttp) -> None:
        self.http = http
        self.failed = 0

    def wait(self, fault: str, asked: float | None = None, broke: str | None = None) -> None:
        """Pause, at least as long as the service asked. Raises ServiceUnavailable where enough was tried."""
        self.failed += 1
        settings = self.http.settings
        if self.failed > settings.hsc_retries:
            raise ServiceUnavailable(
                f"{fault}; gave up after {self.failed} attempts (settings hsc_retries, hsc_backoff). What has arrived "
                "is kept: the same command goes on from there",
                broke,
            )
        pause = min(LONGEST_WAIT, settings.hsc_backoff * 2 ** (self.failed - 1))
        self.http.pause(max(pause, min(asked or 0.0, LONGEST_ASKED)))

    def progress(self) -> None:
        """Something arrived: the next failure is a first one again."""
        self.failed = 0


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After asks for, a number or a date; None where there is none that can be read."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def plain_text(text: str) -> str:
    """A message, plain or HTML, as one line."""
    if "<" in text:
        text = html.unescape(_TAGS.sub(" ", text))
    return " ".join(text.split())
