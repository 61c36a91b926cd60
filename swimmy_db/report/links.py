"""Links from an object to the pages of archives, by position; the templates are page/links.toml."""

import math
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple


class Link(NamedTuple):
    """A place to look an object up: its name, what one finds there, and the URL with {ra}, {dec} to fill in."""

    name: str
    title: str
    url: str

    def at(self, ra: float, dec: float) -> str:
        """The URL for a position in degrees."""
        filled = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}"}
        filled |= {"ra_rad": f"{math.radians(ra):.9f}", "dec_rad": f"{math.radians(dec):.9f}"}
        url = self.url
        for name, value in filled.items():
            url = url.replace(f"{{{name}}}", value)
        return url


@cache
def load_links() -> tuple[Link, ...]:
    text = (resources.files("swimmy_db.report") / "page" / "links.toml").read_text(encoding="utf-8")
    return tuple(Link(**entry) for entry in tomllib.loads(text)["links"])
