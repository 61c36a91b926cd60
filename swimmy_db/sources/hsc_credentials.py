"""The HSC-SSP account: from the environment, the system's keyring, or a prompt; it is never written down."""

import base64
import contextlib
import getpass
import html
import json
import os
import sys
from urllib.parse import quote, quote_plus

from pydantic import SecretStr
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from swimmy_db.errors import NotReady

USER = "HSC_SSP_USER"
PASSWORD = "HSC_SSP_PASSWORD"
KEYRING_SERVICE = "hsc-ssp"


class Account:
    """User and password; printing, formatting or inspecting it shows neither."""

    __slots__ = ("_password", "_user")

    def __init__(self, user: str, password: str) -> None:
        self._user = SecretStr(user)
        self._password = SecretStr(password)

    def __repr__(self) -> str:
        return "Account(...)"

    def scrub(self, text: str) -> str:
        """The text without the password in any spelling that a service may echo: as is, in JSON, HTML, URL or Basic."""
        for spelling in self._spellings():
            text = text.replace(spelling, "***")
        return text

    def _spellings(self) -> list[str]:
        """The longest first, so that none leaves a part of another."""
        user, password = self._user.get_secret_value(), self._password.get_secret_value()
        found = {password, json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1]}
        found |= {html.escape(password), repr(password)[1:-1]}
        found |= {quote(password), quote(password, ""), quote_plus(password)}
        found.add(base64.b64encode(f"{user}:{password}".encode()).decode())
        return sorted(found - {""}, key=len, reverse=True)

    def basic(self) -> AuthBase:
        """For the cutout service and the PSF picker: HTTP Basic."""
        return _Basic(self)

    def in_body(self) -> AuthBase:
        """For the catalogue jobs: the credential goes into the JSON body, at the moment of sending."""
        return _InBody(self)


class _Basic(AuthBase):
    def __init__(self, account: Account) -> None:
        self.account = account

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        user, password = self.account._user.get_secret_value(), self.account._password.get_secret_value()
        # as bytes: requests takes text for latin-1, and where it is not, raises an error that holds the password
        return HTTPBasicAuth(user.encode(), password.encode())(request)


class _InBody(AuthBase):
    def __init__(self, account: Account) -> None:
        self.account = account

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        body = json.loads(request.body)
        body["credential"] = {
            "account_name": self.account._user.get_secret_value(),
            "password": self.account._password.get_secret_value(),
        }
        request.prepare_body(json.dumps(body).encode(), None)
        return request


def find_account() -> Account:
    """The account of $HSC_SSP_USER and $HSC_SSP_PASSWORD, else of the keyring, else asked for at the terminal.

    Raises NotReady, naming the variables, where there is none and nobody to ask.
    """
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    if user and password:
        return Account(user, password)
    stored = _from_keyring(user)
    if stored is not None:
        return stored
    if sys.stdin is not None and sys.stdin.isatty():
        # the prompt goes to the terminal itself, not to standard output
        user = user or getpass.getpass("HSC-SSP user: ")
        return Account(user, getpass.getpass("HSC-SSP password: "))
    raise NotReady(
        f"the HSC-SSP services ask for an account: set {USER} and {PASSWORD}, or store it in the system's keyring "
        f"(`keyring set {KEYRING_SERVICE} USER`, with {USER}=USER); accounts are free at hsc-release.mtk.nao.ac.jp"
    )


def _from_keyring(user: str | None) -> Account | None:
    """The stored account; None without the package `keyring`, without a keyring, or without an entry."""
    try:
        import keyring
    except ImportError:
        return None
    # A backend may raise anything (no session bus, a locked store): then there is no keyring.
    with contextlib.suppress(Exception):
        found = keyring.get_credential(KEYRING_SERVICE, user)
        if found is not None and found.username and found.password:
            return Account(found.username, found.password)
    return None
