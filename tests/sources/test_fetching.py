"""Options of archives, and that every archive of the registry can say what it would fetch."""

import csv
import re
import tomllib
from pathlib import Path

import pytest

from swimmy_db.config import load_preset
from swimmy_db.errors import UsageError
from swimmy_db.sources.fetching import FetchRequest, choice, defaults, options_of, pairs, planned
from swimmy_db.sources.network import Network
from swimmy_db.sources.registry import SOURCES

TOML = Path(__file__).parents[2] / "swimmy_db" / "sources" / "archives.toml"
OURS = sorted(set(SOURCES) - {"hsc"})


def request(name: str, **given: str) -> FetchRequest:
    return FetchRequest(load_preset("paper"), options_of(name, given))


def test_every_archive_has_its_options_and_nothing_else_has():
    assert set(defaults()) == {"network", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_every_archive_says_what_it_would_fetch(name, tmp_path):
    listing = tmp_path / "list.csv"
    with open(listing, "w", newline="") as out:
        csv.writer(out).writerows([["plate", "mjd", "fiberid"], [266, 51630, 1]])
    given = {"list": str(listing)} if name == "sdss-spectra" else {}
    plan = SOURCES[name].plan(request(name, **given))
    assert "http" in plan
    assert "to expect" in plan
    assert callable(SOURCES[name].fetch)


def test_no_address_is_in_the_code():
    for path in TOML.parent.glob("*.py"):
        found = [address for address in re.findall(r"https?://[^\s\"'{]+", path.read_text()) if "." in address]
        assert not found, path.name


def test_names_are_plain_or_of_the_archive_and_network_is_everybodys():
    options = options_of("gama", {"gama.release": "dr4", "network.tries": "2", "dr16q.via": "tap"})
    assert (options["release"], options["network.tries"]) == ("dr4", "2")
    assert "via" not in options
    assert options_of("gama", {"release": "dr4"})["release"] == "dr4"
    with pytest.raises(UsageError, match=r"option gama\.relaese: gama has no such option"):
        options_of("gama", {"gama.relaese": "dr4"})


def test_an_archive_without_options_here_gets_what_is_given():
    assert options_of("hsc", {"hsc.release": "dr4", "gama.release": "dr3"})["release"] == "dr4"


def test_the_network_s_patience_is_a_number():
    network = Network.of(request("gama"))
    document = tomllib.loads(TOML.read_text())["network"]
    assert vars(network) == document
    assert Network.of(FetchRequest(load_preset("paper"))) == network
    with pytest.raises(UsageError, match=r"network\.timeout: expected a number, found 'long'"):
        Network.of(request("gama", **{"network.timeout": "long"}))


def test_options_of_several_values():
    assert pairs("7.2 = VII/290/catalog, 8 = VII/294/catalog") == {"7.2": "VII/290/catalog", "8": "VII/294/catalog"}
    assert pairs("") == {}
    with pytest.raises(UsageError, match="option release: expected one of dr3, dr4, found 'dr2'"):
        choice(request("gama", release="dr2"), "release", ("dr3", "dr4"))


def test_a_plan_counts_requests_and_bytes():
    assert planned(["a"], 1, 2_500_000).splitlines() == ["a", "1 request, about 2.5 MB to expect"]
    assert planned(["a", "b"], 1200, "unknown bytes").splitlines()[-1] == "1,200 requests, unknown bytes to expect"


@pytest.mark.parametrize(("name", "key"), [("gama", "gama.base_url"), ("gama", "base_url"), ("hsc", "hsc.hsc_sql_url")])
def test_an_address_with_a_password_is_refused_because_it_would_be_kept(name, key):
    with pytest.raises(UsageError, match="must not hold a user or a password") as refused:
        options_of(name, {key: "https://me:pw@mirror.example/"})
    assert "pw@" not in str(refused.value)
