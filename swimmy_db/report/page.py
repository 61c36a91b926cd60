"""report/index.html: one file that asks nothing of the network, from a Jinja template, own script and Vega's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from math import ceil
from typing import Any

import jinja2
import vl_convert

from swimmy_db.catalog import Catalog
from swimmy_db.contracts import contracts_of, load_contract
from swimmy_db.report.candidates import CandidateList
from swimmy_db.report.cells import HtmlTable
from swimmy_db.report.figure import Drawn
from swimmy_db.report.links import load_links
from swimmy_db.report.sections import Section
from swimmy_db.report.stamp_strips import StampSheet, Strip
from swimmy_db.sql_models import load_models

STRIPS_A_LINE = 15


@dataclass(frozen=True)
class Tile:
    """A headline number: what, how much, and what the paper has."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Provenance:
    """What the page was made from: rows of meta.stages, model.runs, files by source, settings, versions."""

    made_at: str
    stages: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    settings: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    acknowledgements: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """Everything that the template prints. exports: files beside the page, by the name of what they hold."""

    survey: str
    is_simulated: bool
    introduction: str
    tiles: list[Tile]
    sections: list[Section]
    provenance: Provenance
    exports: dict[str, list[str]] = field(default_factory=dict)


def render(page: Page, catalog: Catalog) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("swimmy_db.report", "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    places = object_places(page, catalog)
    environment.filters["sql_of"] = lambda tables: sql_of(tables, catalog)
    environment.filters["place_of"] = places.get
    environment.filters["first_link"] = lambda place: load_links()[0].at(*place)
    environment.filters["as_json"] = as_json
    environment.filters["kind"] = kind_of
    environment.filters["lines_of"] = lines_of
    environment.filters["position"] = position_on_scale
    text = {name: page_file(name) for name in ("page.css", "page.js")}
    return environment.get_template("index.html").render(
        page=page,
        links=[link._asdict() for link in load_links()],
        css=text["page.css"],
        script=text["page.js"],
        vega=vega_bundle(),
    )


def kind_of(block: Drawn | HtmlTable | CandidateList) -> str:
    """Which part of the template prints a block."""
    if isinstance(block, Drawn):
        return "missing" if block.reason else "sheet" if block.sheet is not None else "chart"
    if isinstance(block, CandidateList):
        return "candidates"
    return "missing" if block.reason else "table"


def lines_of(strips: list[Strip], sheet: StampSheet) -> list[list[Strip]]:
    """Strips in lines that fit the page, as equally long as can be; single stamps flow by themselves."""
    if not sheet.row_labels:
        return [strips]
    per_line = ceil(len(strips) / ceil(len(strips) / STRIPS_A_LINE))
    return [strips[start : start + per_line] for start in range(0, len(strips), per_line)]


def as_json(value: Any) -> str:
    """JSON inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return jinja2.utils.markupsafe.Markup(text.replace("<", "\\u003c"))


def position_on_scale(share: float | None) -> float:
    """A share as x of the little pictures beside numbers, 150 units wide."""
    return 5.0 + 140.0 * (share or 0.0)


def sql_of(tables: Sequence[str], catalog: Catalog) -> list[dict[str, str]]:
    """How each table is made: its .sql file, or what its contract says where Python computes it."""
    models = {model.name: model for model in load_models()}
    bands = tuple(band for (band,) in catalog.rows("select band from survey.bands order by position"))
    found = []
    for table in tables:
        if table in models:
            found.append({"table": table, "path": models[table].path, "text": models[table].text.strip()})
        elif table in contracts_of(table.partition(".")[0]):
            contract = load_contract(table, bands)
            columns = "\n".join(f"{name}: {column.comment}" for name, column in contract.columns.items())
            text = f"computed, not selected: {contract.description}\n\n{columns}"
            found.append({"table": table, "path": "swimmy_db", "text": text})
    return found


def object_places(page: Page, catalog: Catalog) -> dict[int, tuple[float, float]]:
    """Right ascension and declination, degrees, of every object that a figure shows: what its links are made of."""
    ids = {
        strip.object_id
        for section in page.sections
        for block in section.blocks
        if isinstance(block, Drawn) and block.sheet is not None
        for _, strips in block.sheet.groups
        for strip in strips
        if strip.object_id is not None
    }
    rows = catalog.rows("select object_id, ra, dec from survey.galaxies where object_id = any(?)", [sorted(ids)])
    return {object_id: (ra, dec) for object_id, ra, dec in rows}


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script, from vl-convert's wheel; fit to stand in a script element."""
    return vl_convert.javascript_bundle().replace("</script", "<\\/script")


@cache
def page_file(name: str) -> str:
    return (resources.files("swimmy_db.report") / "page" / name).read_text(encoding="utf-8")
