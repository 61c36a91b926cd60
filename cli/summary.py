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
        for sample in _samples(name, rows) or [None]:
            lines += ["", f"{title}{f' (sample {sample})' if sample else ''}"]
            own = [row for row in rows or [] if row["sample"] == sample]
            lines += [f"  {line}" for line in _section(name, own)] if own else [f"  {_nothing(rows)}"]
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
    "cut_flow": "Cut flow, sections 2.1 and 2.2, appendix 3",
    "table1": "Table 1: the data",
    "table2": "Table 2: galaxies selected as anomalies, of all, of the DR16Q quasars, of the XELGs",
    "table4": "Table 4: matches with the Milliquas catalogue, and those that are selected",
    "best": "Best checkpoint and the median of all, appendix 1",
    "candidates": "Candidates in the central disc",
}

# what the colour sample has nothing of its own in
CLASSIFIED = ("table1", "table4", "best")


def _nothing(rows: list[dict[str, Any]] | None) -> str:
    return "not made yet" if rows is None else "none: this survey has no labels for it"


def _samples(name: str, rows: list[dict[str, Any]] | None) -> list[str]:
    """The samples that a section has rows of, the colour sample last: nobody has classified its galaxies."""
    samples = list(dict.fromkeys(row["sample"] for row in rows or []))
    kept = [sample for sample in samples if sample != "colour" or len(samples) == 1 or name not in CLASSIFIED]
    return sorted(kept, key=lambda sample: sample == "colour")


def _section(name: str, rows: list[dict[str, Any]]) -> list[str]:
    """The rows of one sample, without the columns that are empty in all of them."""
    from swimmy_db.cli.render import aligned

    if name == "best":
        return [line for row in rows for line in _best(row)]
    kept = [key for key in rows[0] if key != "sample" and any(row[key] is not None for row in rows)]
    shown = [["" if row[key] is None else row[key] for key in kept] for row in rows]
    return aligned(kept, shown, WIDTH - 2)


def _best(row: dict[str, Any]) -> list[str]:
    rates = [
        f"  selects {row[f'rate_{name}']:6.1%} of {label} (median checkpoint: {row[f'median_rate_{name}']:.1%})"
        for name, label in (("dr16q", "the DR16Q quasars"), ("xelg", "the XELGs"), ("all", "all galaxies"))
        if row[f"rate_{name}"] is not None
    ]
    chosen = f"chosen of {row['n_checkpoints']} by {row['rule']}"
    return [f"sample {row['sample']}: {row['checkpoint_id']}, {chosen}", *rates]


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split("   "):
        if len(lines[-1]) + len(word) + 3 > WIDTH - 2:
            lines.append("")
        lines[-1] = f"{lines[-1]}   {word}".removeprefix("   ")
    return lines
