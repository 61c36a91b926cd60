"""`swimmy why`: what became of one object, cut by cut, match by match, score by score."""

from typing import Any

from swimmy_db.catalog import Catalog
from swimmy_db.errors import UsageError
from swimmy_db.pipeline.query import answer

SECTIONS = ("cuts", "matches", "lines", "rejects", "scores", "candidates")


def explain_object(catalog: Catalog, object_id: int) -> dict[str, Any]:
    """`verdict` (one sentence), `object` (one row), and the rows of each of SECTIONS (None: not made yet).

    Raises NotReady before `swimmy select`; UsageError for an id that is not in the catalogue.
    """
    catalog.require("survey.parents", "select")
    found = answer(catalog, "explain_object", [object_id])
    if not found:
        held = catalog.value("select count(*) from survey.parents")
        raise UsageError(
            f"no object {object_id} among the {held:,} of this survey's catalogue; "
            "`swimmy match` finds objects by position"
        )
    explained = {"verdict": "", "object": found[0]}
    for section in SECTIONS:
        explained[section] = answer(catalog, f"explain_{section}", [object_id])
    explained["verdict"] = verdict(explained)
    return explained


def verdict(explained: dict[str, Any]) -> str:
    """The one sentence: where its way ended."""
    identity = explained["object"]
    if not identity["samples"]:
        failed = [cut for cut in explained["cuts"] if not cut["is_kept"]]
        reasons = "; ".join(_failed(cut) for cut in _first_of_each_sample(failed))
        return f"not in any sample: {reasons}"
    member = f"in sample {identity['samples']}, class {identity['class']}"
    if explained["candidates"]:
        return f"{member}; CANDIDATE in {', '.join(map(_selection, explained['candidates']))}"
    if explained["scores"]:
        return f"{member}; scored, not a candidate"
    if explained["rejects"]:
        reasons = ", ".join(
            dict.fromkeys(f"{row['stage']}{_in_band(row)}: {row['reason']}" for row in explained["rejects"])
        )
        return f"{member}; left out afterwards: {reasons}"
    return f"{member}; not scored yet: `swimmy pipeline` goes on"


def limit_text(cut: dict[str, Any]) -> str:
    """The condition for keeping, as mathematics: `0.05 < x < 0.2`."""
    sign = "<" if cut["is_strict"] else "<="
    lower, upper = cut["lower_limit"], cut["upper_limit"]
    below = "" if lower is None else f"{lower:g} {sign} "
    above = "" if upper is None else f" {sign} {upper:g}"
    return f"{below}x{above}" if below or above else "known"


def _first_of_each_sample(failed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for cut in failed:
        first.setdefault(cut["sample"], cut)
    return list(first.values())


def _failed(cut: dict[str, Any]) -> str:
    value = "missing" if cut["value"] is None else f"{cut['value']:g}"
    unit = f" {cut['unit']}" if cut["unit"] else ""
    return (
        f"sample {cut['sample']} drops it at step {cut['step']}, {cut['cut']!r} "
        f"(x = {cut['quantity']}: {value}{unit}, kept where {limit_text(cut)}; section {cut['section']})"
    )


def _selection(row: dict[str, Any]) -> str:
    # only the disc is scored by every checkpoint
    others = row["n_checkpoints_selecting"]
    agreeing = "" if others is None else f"; selected by {others} checkpoints"
    return f"{row['bands']} at {row['max_level']} ({row['sample']}, {row['aperture']}{agreeing})"


def _in_band(row: dict[str, Any]) -> str:
    return f" ({row['band']})" if row["band"] else ""
