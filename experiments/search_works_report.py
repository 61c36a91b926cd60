"""From the measurements of all seeds to the tables, the verdict and the figures of docs/search-works.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from search_works_counts import Counts, add_counts
from search_works_page import BASE, fill, markdown, percent, plot_bins, plot_curve, plot_rates, rate_table

from swimmy_db.analysis.rates import rate_of

CLASSES = (
    "XELG",
    "DR16Q",
    "Milliquas quasar",
    "type I",
    "type II",
    "LINER, composite",
    "training",
    "other spec-z",
    BASE,
)
DCAE = {"best": "DCAE, best", "median": "DCAE, median"}
METHODS = {
    **DCAE,
    "untrained": "untrained network",
    "PCA, 8 components": "PCA, 8 components",
    "nuclear colour excess": "nuclear colour excess, per band",
    "nuclear colour distance": "nuclear g-r, r-i distance",
}
Pooled = dict[str, dict[str, Counts]]


def write_report(page: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Fill the page's tables and draw its figures beside it."""
    pooled = pool(results)
    named = {label: pooled[name] for name, label in METHODS.items()}
    dcae = {label: pooled[name] for name, label in DCAE.items()}
    checkpoints = [row for result in results for row in result["checkpoints"]]
    matched = pool_matched(results)
    tables = {
        "setup": setup_table(results),
        "verdict": verdict(results, pooled, matched),
        "classes": rate_table(CLASSES, column_of(dcae, "class"), "class", over_base=True),
        "seeds": seeds_table(results),
        "methods": rate_table(CLASSES, column_of(named, "class"), "class", over_base=True),
        "matched": matched_table(matched),
        "shuffled": shuffled_table(results),
        "artefacts": rate_table(groups_of(dcae, "artefact"), column_of(dcae, "artefact"), "artefact"),
        "kinds": rate_table(groups_of(dcae, "kind"), column_of(dcae, "kind"), "what was planted"),
    }
    for table, label in (
        ("EW", "strongest group's EW, Angstrom"),
        ("line", "XELGs with > 100 Angstrom in"),
        ("origin", "XELGs whose lines are"),
        ("place", "planted lines are in"),
        ("i, training", "ordinary galaxies of the training sample, i mag"),
        ("i, other spec-z", "ordinary galaxies without MPA-JHU lines, i mag"),
        ("line share", "planted lines' share of a band's light (largest of g, r, i)"),
        ("nucleus to host", "nucleus over host, i band"),
        ("EW_band > 100, in that band", "band"),
        ("EW_band > 100, in any band", "band"),
    ):
        tables[table] = rate_table(groups_of(dcae, table), column_of(dcae, table), label)
    for band in ("g", "r", "i"):
        tables[f"class, {band}"] = rate_table(CLASSES, column_of(dcae, f"class, {band}"), f"selected in {band}")
    fill(page, tables)
    plot_rates(page.with_name("search-works-classes.png"), CLASSES, column_of(named, "class"))
    plot_curve(page.with_name("search-works-training.png"), checkpoints, ("XELG", "DR16Q", "type I", "type II"))
    plot_matched(page.with_name("search-works-matched.png"), matched)


def pool(results: Sequence[Mapping[str, Any]]) -> Pooled:
    """Method -> table -> group -> (k, n), the seeds added; the untrained networks are added up into one."""
    pooled: Pooled = {}
    for method in results[0]["counts"]:
        name = "untrained" if method.startswith("untrained") else method
        parts = [result["counts"][method] for result in results]
        pooled[name] = add_counts([*parts, *([pooled[name]] if name in pooled else [])])
    return pooled


def pool_matched(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Pooled]]:
    """without -> best or median -> as they are, without, only as they are -> table -> group -> (k, n)."""
    return {
        without: {
            which: {
                state: add_counts([result["matched"][without][which][state] for result in results])
                for state in ("as they are", "without", "only as they are")
            }
            for which in DCAE
        }
        for without in results[0]["matched"]
    }


def column_of(methods: Mapping[str, Mapping[str, Counts]], table: str) -> dict[str, Counts]:
    return {name: counts[table] for name, counts in methods.items() if table in counts}


def groups_of(methods: Mapping[str, Mapping[str, Counts]], table: str) -> list[str]:
    """The groups of a table that have members, in order."""
    found: dict[str, int] = {}
    for counts in methods.values():
        for name, (_, n) in counts.get(table, {}).items():
            found[name] = max(found.get(name, 0), n)
    return [name for name, n in found.items() if n]


def multiple(counts: Counts, group: str) -> float:
    """A group's rate over the whole sample's."""
    return rate_of(*counts[group]).rate / rate_of(*counts[BASE]).rate


def verdict(results: Sequence[Mapping[str, Any]], pooled: Pooled, matched: Mapping[str, Any]) -> str:
    """Each requirement of the specification, what was measured, and whether it is met; pooled over the seeds."""
    best, median = pooled["best"]["class"], pooled["median"]["class"]
    type_one, base = rate_of(*best["type I"]), rate_of(*best[BASE])
    rows = []

    def judge(requirement: str, found: str, met: bool) -> None:
        rows.append([requirement, found, "yes" if met else "**no**"])

    for name in ("XELG", "DR16Q"):
        for counts, which, least in ((best, "best", 4.0), (median, "median", 3.0)):
            value = multiple(counts, name)
            judge(
                f"{name} at least {least:g} times the whole sample, {which} checkpoint", f"{value:.2f}", value >= least
            )
        values = [row[name] / row[BASE] for result in results for row in result["checkpoints"]]
        judge(
            f"{name}, median of all checkpoints' multiples, at least 3",
            f"{np.median(values):.2f}",
            np.median(values) >= 3,
        )
    judge(
        "type I: lower bound above the whole sample's rate",
        f"{100 * type_one.lower:.1f} % against {100 * base.rate:.1f} %",
        type_one.lower > base.rate,
    )
    for counts, which in ((best, "best"), (median, "median")):
        value = multiple(counts, "type II")
        judge(f"type II 0.5 to 2 times the whole sample, {which} checkpoint", f"{value:.2f}", 0.5 <= value <= 2)
    for without, group in (("lines", "XELG"), ("nucleus", "DR16Q")):
        real = rate_of(*matched[without]["best"]["as they are"]["class"][group])
        gone = rate_of(*matched[without]["best"]["without"]["class"][group])
        judge(
            f"{group}: the same galaxies without {without}, intervals apart",
            f"{percent(real)} against {percent(gone)}",
            real.lower > gone.upper,
        )
    untrained = pooled["untrained"]["class"]
    for group in ("XELG", "DR16Q"):
        real, other = rate_of(*best[group]), rate_of(*untrained[group])
        judge(
            f"{group}: rate above the untrained network's, intervals apart",
            f"{percent(real)} against {percent(other)}",
            real.lower > other.upper,
        )
        multiples = multiple(best, group), multiple(untrained, group)
        judge(
            f"{group}: multiple above the untrained network's",
            "{:.1f} against {:.1f}".format(*multiples),
            multiples[0] > multiples[1],
        )
    return markdown(["requirement", "measured", "met"], rows)


def setup_table(results: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for result in results:
        counts, seconds = result["counts"]["best"]["class"], result["seconds"]
        checkpoints = result["checkpoints"]
        rows.append(
            [
                str(result["seed"]),
                str(counts[BASE][1]),
                *(
                    str(counts[name][1])
                    for name in ("training", "XELG", "DR16Q", "Milliquas quasar", "type I", "type II")
                ),
                str(len(checkpoints)),
                f"{max(row['steps'] for row in checkpoints):.0f}",
                f"{seconds.get('train', 0):.0f}",
                f"{sum(seconds.values()):.0f}",
            ]
        )
    header = ["seed", "sample", "training", "XELG", "DR16Q", "quasar", "type I", "type II"]
    return markdown([*header, "checkpoints", "steps a run", "training, s", "all stages, s"], rows)


def seeds_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Multiples of the candidate rate by seed: best, median checkpoint, and the range over all checkpoints."""
    rows = []
    for result in results:
        best, median = result["counts"]["best"]["class"], result["counts"]["median"]["class"]
        row = [str(result["seed"]), f"{100 * rate_of(*best[BASE]).rate:.1f} %"]
        for name in ("XELG", "DR16Q", "type I", "type II"):
            values = [one[name] / one[BASE] for one in result["checkpoints"]]
            low, middle, high = np.percentile(values, [5, 50, 95])
            row.append(f"{multiple(best, name):.1f}; {multiple(median, name):.1f}; {middle:.1f} ({low:.1f}-{high:.1f})")
        rows.append(row)
    return markdown(["seed", "whole sample, best", "XELG", "DR16Q", "type I", "type II"], rows)


def matched_table(matched: Mapping[str, Mapping[str, Pooled]]) -> str:
    """As they are against without, best and median, for the classes, places, EW bins and nucleus-to-host ratios."""
    wanted = (
        ("lines", "class", ("XELG",), ""),
        ("lines", "origin", None, "XELG, lines "),
        ("lines", "EW", None, "EW "),
        ("lines", "place", None, "lines: "),
        ("lines", "line share", None, "share of light "),
        ("nucleus", "class", ("DR16Q", "Milliquas quasar", "type I"), ""),
        ("nucleus", "nucleus to host", None, "nucleus over host "),
    )
    rows = []
    for without, table, names, label in wanted:
        for group in names or matched[without]["best"]["as they are"][table]:
            states = matched[without]
            cells = [
                percent(rate_of(*states[which][state][table][group]))
                for which in DCAE
                for state in ("as they are", "without")
            ]
            only = rate_of(*states["best"]["only as they are"][table][group])
            rows.append([f"{label}{group} (no {without})", *cells, f"{100 * only.rate:.0f} %"])
    return markdown(
        ["group", "best, as they are", "best, without", "median, as they are", "median, without", "only as they are"],
        rows,
    )


def shuffled_table(results: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            str(result["seed"]),
            which,
            *(
                "{:.2f} ({:.2f}-{:.2f})".format(found["mean"], *found["percentiles"])
                for found in result["shuffled"][which].values()
            ),
        ]
        for result in results
        for which in ("median", "best")
    ]
    return markdown(["seed", "checkpoint", *(f"{name}: multiple" for name in results[0]["shuffled"]["best"])], rows)


def plot_matched(path: Path, matched: Mapping[str, Mapping[str, Pooled]]) -> None:
    panels = {}
    for title, without, table, label in (
        ("XELGs by EW", "lines", "EW", "strongest group's observed EW, Angstrom"),
        ("planted lines by place", "lines", "place", "place"),
        ("nuclei", "nucleus", "nucleus to host", "nucleus over host, i band"),
    ):
        states = matched[without]["best"]
        panels[title] = (label, {state: states[state][table] for state in ("as they are", "without")})
    plot_bins(path, panels)
