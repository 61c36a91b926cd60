"""Requests that a client library (astroquery, pyvo) makes for us: patience with the server, and plain words."""

from collections.abc import Callable
from typing import TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from swimmy_db.errors import FetchFailed
from swimmy_db.sources.network import RETRIED, Network, SlowDrip, new_session, shortly

Answer = TypeVar("Answer")
LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    HTTPError,
    SlowDrip,
    TimeoutError,
)


class _PatientAdapter(HTTPAdapter):
    """Waits and asks again where the server says so (429, 503 with Retry-After); never waits without an end."""

    def __init__(self, network: Network) -> None:
        self.timeout = network.timeout
        super().__init__(
            # a lost connection is `ask`'s business, which also sees one that is lost within the answer
            max_retries=Retry(
                total=None,
                connect=0,
                read=0,
                other=0,
                status=network.tries - 1,
                status_forcelist=RETRIED,
                allowed_methods=None,  # queries are POSTs, and asking twice does no harm
                backoff_factor=network.first_wait,
                backoff_max=network.longest_wait,
                retry_after_max=int(network.longest_wait),
                raise_on_status=False,
            )
        )

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        # pyvo gives no timeout at all
        kwargs["timeout"] = kwargs.get("timeout") or self.timeout
        return super().send(request, **kwargs)


def patient_session(network: Network) -> requests.Session:
    """A session for astroquery and pyvo."""
    session = new_session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _PatientAdapter(network))
    return session


def ask(work: Callable[[], Answer], network: Network, what: str, options: str) -> Answer:
    """The answer of `work`, which is asked again where the connection is lost on the way.

    Raises FetchFailed, naming the options, after network.tries attempts.
    """
    for attempt in range(1, network.tries + 1):
        try:
            return work()
        except LOST as fault:
            last = fault
            if attempt < network.tries:
                network.wait(attempt)
    raise FetchFailed(
        f"{what}: the connection was lost ({shortly(last)}), {network.tries} times in a row; what was asked before is "
        f"kept (options network.tries, network.timeout; the address comes from {options})"
    )


def require_answer(response: requests.Response, what: str, options: str) -> requests.Response:
    """Raises FetchFailed for a status that says that there is no answer."""
    if response.status_code != 200:
        said = " ".join(response.text[:300].split())
        raise FetchFailed(
            f"{what}: HTTP {response.status_code} {response.reason} from {response.url.partition('?')[0]}: {said!r}; "
            f"the address comes from {options}"
        )
    return response
