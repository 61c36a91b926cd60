"""The account: where it is looked for, and that nothing shows it."""

import json

import pytest
from requests import Request

from swimmy_db.errors import NotReady
from swimmy_db.sources import hsc_credentials
from swimmy_db.sources.hsc_credentials import KEYRING_SERVICE, Account, find_account

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
