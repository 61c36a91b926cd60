"""What ends `swimmy pipeline`: a summary on stdout that a person can read, 100 characters wide."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swimmy_db.pipeline.summary import Summary

WIDTH = 100


def print_summary(folder: Path | None) -> None:
    """Cut flow, the paper's tables beside ours, the best checkpoint, times and places."""
    from swimmy_db.cli.render import print_lines

    from swimmy_db.pipeline.summary import summarise
    from swimmy_db.workspace import Workspace

    print_lines(summary_lines(summarise(Workspace.locate(folder))))


def summary_lines(summary: "Summary") -> list[str]:
    kind = "SIMULATED SURVEY" if summary.is_simulated else "Survey"
    lines = [f"{kind}: {summary.survey} {summary.release}"]
    if summary.is_simulated:
        lines.append("Embedded in swimmy_db for trials: nothing below is an observation or a discovery.")
    for name, title in TITLES.items():
        rows = summary.sections[name]
        if not rows:
            lines += ["", title, f"  {_nothing(rows)}"]
        for sample, own in by_sample(rows or []).items():
            lines += ["", f"{title} (sample {sample})", *(f"  {line}" for line in _section(name, own))]
        if name == "table1" and summary.is_blind:
            lines.append("  Blind: without MPA-JHU nothing can be told apart, and all galaxies train (section 5).")
    lines += ["", "Time"]
    times = "   ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())
    lines += [f"  {line}" for line in _wrapped(f"{times}   together {sum(summary.seconds.values()):.1f} s")]
    lines += ["", "Where things are"]
    width = max(map(len, summary.places))
    lines += [f"  {name.ljust(width)}  {place}" for name, place in summary.places.items()]
    lines += [f"  {'left out'.ljust(width)}  {summary.n_rejects:,} rows of meta.rejects, with their reasons"]
    return lines


TITLES = {
    "cut_flow": "Cut flow, sections 2.1 and 2.2",
    "table1": "Table 1: the data",
    "table2": "Table 2: galaxies selected as anomalies, of all, of the DR16Q quasars, of the XELGs",
    "table4": "Table 4: matches with the Milliquas catalogue, and those that are selected",
    "best": "Best checkpoint and the median of all, appendix 1",
    "candidates": "Candidates in the central disc",
}


def by_sample(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each sample, without its name; the paper's own sample first."""
    samples = sorted({row["sample"] for row in rows}, key=lambda sample: (sample != "specz", sample))
    return {
        sample: [{name: row[name] for name in row if name != "sample"} for row in rows if row["sample"] == sample]
        for sample in samples
    }


def _nothing(rows: list[dict[str, Any]] | None) -> str:
    return "not made yet" if rows is None else "none: this survey has no labels for it"


def _section(name: str, rows: list[dict[str, Any]]) -> list[str]:
    from swimmy_db.cli.render import aligned

    if name == "best":
        return [line for row in rows for line in _best(row)]
    shown = [{key: "" if value is None else value for key, value in row.items()} for row in rows]
    return aligned(list(shown[0]), [list(row.values()) for row in shown], WIDTH - 2)


def _best(row: dict[str, Any]) -> list[str]:
    rates = [
        f"  selects {row[f'rate_{name}']:6.1%} of {label} (median checkpoint: {row[f'median_rate_{name}']:.1%})"
        for name, label in (("dr16q", "the DR16Q quasars"), ("xelg", "the XELGs"), ("all", "all galaxies"))
        if row[f"rate_{name}"] is not None
    ]
    chosen = f"chosen of {row['n_checkpoints']} by {row['rule']}"
    return [f"{row['checkpoint_id']}, {chosen}", *rates]


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split("   "):
        if len(lines[-1]) + len(word) + 3 > WIDTH - 2:
            lines.append("")
        lines[-1] = f"{lines[-1]}   {word}".removeprefix("   ")
    return lines
