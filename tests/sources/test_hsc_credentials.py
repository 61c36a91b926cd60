"""The account: where it is looked for, and that nothing shows it."""

import base64
import html
import json
from urllib.parse import quote, urlencode

import pytest
from requests import Request

from swimmy_db.config import load_preset
from swimmy_db.errors import NotReady
from swimmy_db.sources import hsc_credentials
from swimmy_db.sources.hsc_credentials import KEYRING_SERVICE, Account, find_account
from swimmy_db.sources.hsc_http import SHOWN, HscHttp

SECRET = "top$ecret"


def sent(account: Account) -> tuple[str, str]:
    """User and password as the job service would get them."""
    request = Request("POST", "https://example.org/", json={"id": 2**62 + 1, "clientVersion": 20190514.1})
    body = request.prepare()
    account.in_body()(body)
    found = json.loads(body.body)
    assert (found["id"], found["clientVersion"]) == (2**62 + 1, 20190514.1)
    assert body.headers["Content-Length"] == str(len(body.body))
    assert body.headers["Content-Type"] == "application/json"
    return found["credential"]["account_name"], found["credential"]["password"]


@pytest.fixture(autouse=True)
def _no_account(monkeypatch):
    for name in ("HSC_SSP_USER", "HSC_SSP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", None)


def test_the_environment_comes_first(monkeypatch):
    monkeypatch.setenv("HSC_SSP_USER", "me@local")
    monkeypatch.setenv("HSC_SSP_PASSWORD", SECRET)
    assert sent(find_account()) == ("me@local", SECRET)


def test_then_the_system_s_keyring(monkeypatch):
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class InMemory(KeyringBackend):
        priority = 1

        def __init__(self):
            super().__init__()
            self.entries = {}

        def get_password(self, service, username):
            return self.entries.get((service, username))

        def set_password(self, service, username, password):
            self.entries[service, username] = password

        def delete_password(self, service, username):
            del self.entries[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    try:
        keyring.set_password(KEYRING_SERVICE, "me@local", SECRET)
        monkeypatch.setenv("HSC_SSP_USER", "me@local")
        assert sent(find_account()) == ("me@local", SECRET)
    finally:
        keyring.set_keyring(before)


def test_a_keyring_that_fails_is_no_keyring(monkeypatch):
    keyring = pytest.importorskip("keyring")

    def locked(service, user):
        raise RuntimeError("the store is locked")

    monkeypatch.setattr(keyring, "get_credential", locked)
    with pytest.raises(NotReady, match="HSC_SSP_USER and HSC_SSP_PASSWORD"):
        find_account()


def test_then_a_prompt_at_a_terminal(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    answers = iter(["me@local", SECRET])
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(hsc_credentials, "_from_keyring", lambda user: None)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert sent(find_account()) == ("me@local", SECRET)


def test_nothing_shows_the_password():
    account = Account("me@local", SECRET)
    for thing in (account, account.basic(), account.in_body()):
        assert SECRET not in f"{thing!r} {thing}"
    assert account.scrub(f"you sent {SECRET}!") == "you sent ***!"
    request = Request("GET", "https://example.org/cutout", params={"ra": "1"}).prepare()
    account.basic()(request)
    assert SECRET not in request.url


ECHOES = {
    "as it is": lambda user, password, header: password,
    "JSON": lambda user, password, header: json.dumps({"password": password}),
    "JSON, Unicode kept": lambda user, password, header: json.dumps({"password": password}, ensure_ascii=False),
    "a Python dictionary": lambda user, password, header: repr({"password": password}),
    "HTML": lambda user, password, header: f"<p>{html.escape(password)}</p>",
    "an address": lambda user, password, header: f"https://x/?{urlencode({'password': password})}",
    "the request's header": lambda user, password, header: f"HTTP_AUTHORIZATION = {header}",
    "cut at the end of what is shown": lambda user, password, header: "x" * (SHOWN - len(password) // 2) + password,
    "with other white space": lambda user, password, header: f"<pre>{password}</pre>",
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("password", [SECRET, 'qu"o\\te  & <b>ra&ckets', "S3cret/pass word%42+", "pässwörd€"])
def test_a_service_that_echoes_the_password_does_not_show_it(password, echo):
    account = Account("me@local", password)
    request = Request("GET", "https://example.org/cutout").prepare()
    account.basic()(request)
    header = request.headers["Authorization"]
    assert base64.b64decode(header.split()[1]).decode() == f"me@local:{password}"
    shown = HscHttp(account, load_preset("paper")).said(ECHOES[echo]("me@local", password, header).encode())
    spellings = {password, " ".join(password.split()), password[: len(password) // 2], header.split()[1]}
    spellings |= {html.escape(password), quote(password, ""), json.dumps(password)[1:-1]}
    assert not [spelling for spelling in spellings if spelling in shown]
    assert len(shown) <= SHOWN
