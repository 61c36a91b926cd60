"""docs/search-works.md: tables put between its markers, and its figures. The prose is written by hand."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from swimmy_db.analysis.rates import Rate, rate_of

BASE = "whole sample"
MARKER = r"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
COLOURS = ("#1b4f72", "#2e86c1", "#b9770e", "#7d6608", "#6c3483", "#922b21", "#616a6b")


def fill(page: Path, tables: Mapping[str, str]) -> None:
    """Replace what stands between <!-- begin NAME --> and <!-- end NAME -->. Raises ValueError if a marker lacks."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        text, found = re.subn(
            MARKER.format(name=re.escape(name)),
            lambda match, table=table: f"{match[1]}{table}\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
        if found != 1:
            raise ValueError(f"{page}: expected one pair of markers {name!r}, found {found}")
    page.write_text(text, encoding="utf-8")


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(rate: Rate) -> str:
    """`63 % (55-70), 90/143`, or a dash for an empty group."""
    if rate.n == 0:
        return "-"
    return f"{100 * rate.rate:.0f} % ({100 * rate.lower:.0f}-{100 * rate.upper:.0f}), {rate.k}/{rate.n}"


def rate_table(
    groups: Sequence[str], columns: Mapping[str, Mapping[str, Sequence[int]]], label: str, over_base: bool = False
) -> str:
    """Rows: groups; columns: methods, (k, n) by group; over_base adds the multiple of the method's candidate rate."""
    rows = []
    for group in groups:
        cells = []
        for counts in columns.values():
            if group not in counts:
                cells.append("-")
                continue
            rate = rate_of(*counts[group])
            text = percent(rate)
            if over_base and group != BASE and rate.n:
                text += f"; **{rate.rate / rate_of(*counts[BASE]).rate:.1f}x**"
            cells.append(text)
        rows.append([group, *cells])
    return markdown([label, *columns], rows)


def with_errors(rates: Sequence[Rate]) -> tuple[np.ndarray, np.ndarray]:
    """Percentages (n,) and the lengths (2, n) of their intervals below and above."""
    values = np.array([[rate.rate, rate.rate - rate.lower, rate.upper - rate.rate] for rate in rates]).reshape(-1, 3).T
    # At 0 and 1 the bound is the rate itself, but for rounding.
    return 100 * values[0], 100 * values[1:].clip(min=0.0)


def plot_rates(path: Path, groups: Sequence[str], columns: Mapping[str, Mapping[str, Sequence[int]]]) -> None:
    """Selection rates with Wilson intervals, a colour a method; each method's dotted line is its own candidate rate."""
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    width = 0.8 / len(columns)
    for position, ((name, counts), colour) in enumerate(zip(columns.items(), COLOURS, strict=False)):
        present = [(i, rate_of(*counts[group])) for i, group in enumerate(groups) if group in counts]
        x = np.array([i for i, _ in present]) + (position - (len(columns) - 1) / 2) * width
        rates, errors = with_errors([rate for _, rate in present])
        axes.errorbar(x, rates, yerr=errors, fmt="o", ms=4, lw=1.2, color=colour, label=name)
        if BASE in counts:
            axes.axhline(100 * rate_of(*counts[BASE]).rate, color=colour, lw=0.7, ls=":")
    axes.set_xticks(range(len(groups)), groups, rotation=20, ha="right")
    axes.set_ylabel("selected, %")
    axes.set_ylim(-2, 102)
    axes.legend(fontsize=8, ncols=2)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_bins(path: Path, panels: Mapping[str, tuple[str, Mapping[str, Mapping[str, Sequence[int]]]]]) -> None:
    """One panel a table: title -> (x label, method -> bin -> (k, n))."""
    figure, axes = plt.subplots(1, len(panels), figsize=(4.6 * len(panels), 3.8), layout="constrained", squeeze=False)
    for axis, (title, (label, columns)) in zip(axes[0], panels.items(), strict=True):
        for (name, counts), colour in zip(columns.items(), COLOURS, strict=False):
            bins = list(counts)
            found = [(i, rate_of(*counts[b])) for i, b in enumerate(bins) if counts[b][1]]
            rates, errors = with_errors([rate for _, rate in found])
            places = [i for i, _ in found]
            axis.errorbar(places, rates, yerr=errors, fmt="o-", ms=4, lw=1, color=colour, label=name)
        axis.set_xticks(range(len(bins)), bins, rotation=30, ha="right", fontsize=8)
        axis.set_xlabel(label)
        axis.set_title(title, fontsize=10)
        axis.set_ylim(-2, 102)
        axis.legend(fontsize=7)
    axes[0][0].set_ylabel("selected, %")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_curve(path: Path, checkpoints: Sequence[Mapping[str, float]], classes: Sequence[str]) -> None:
    """Left: losses by training step. Right: each class's rate over the candidate rate, all checkpoints and medians."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    steps = np.array([row["steps"] for row in checkpoints])
    epochs = np.array([row["epoch"] for row in checkpoints])
    for name, colour in (("train_loss", COLOURS[1]), ("validation_loss", COLOURS[2])):
        left.plot(steps, [row[name] for row in checkpoints], ".", color=colour, label=name.replace("_", " "))
    left.set_xlabel("training steps")
    left.set_ylabel("mean squared error")
    left.legend(fontsize=8)
    for name, colour in zip(classes, COLOURS, strict=False):
        ratios = np.array([row[name] / row[BASE] if row[BASE] else np.nan for row in checkpoints])
        right.plot(steps, ratios, ".", ms=3, alpha=0.35, color=colour)
        medians = [(steps[epochs == e].mean(), np.median(ratios[epochs == e])) for e in np.unique(epochs)]
        right.plot(*np.array(medians).T, "-", color=colour, label=name)
    for level in (3, 4):
        right.axhline(level, color="grey", lw=0.7, ls=":")
    right.axhline(1, color="black", lw=0.7)
    right.set_xlabel("training steps")
    right.set_ylabel("rate / whole sample's candidate rate")
    right.set_ylim(bottom=0, top=1.25 * right.get_ylim()[1])
    right.legend(fontsize=8, ncols=4, loc="upper center")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_long(path: Path, rows: Sequence[Mapping[str, float]], without: Mapping[str, str]) -> None:
    """Rates by training step, thin lines the runs, thick their mean; dashed the same galaxies redrawn without."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    runs = sorted({row["run_id"] for row in rows})
    steps = sorted({row["steps"] for row in rows})

    def curve(axis: plt.Axes, name: str, scale: float, **style: str) -> None:
        values = np.array([[scale * row[name] for row in rows if row["run_id"] == run] for run in runs])
        axis.plot(steps, values.T, color=style["color"], lw=0.6, alpha=0.5)
        axis.plot(steps, values.mean(axis=0), **style)

    for name, colour in (("train_loss", COLOURS[1]), ("validation_loss", COLOURS[2])):
        curve(left, name, 1.0, color=colour, label=name.replace("_", " "))
    for name, colour in (("XELG", COLOURS[0]), ("DR16Q", COLOURS[2]), ("type I", COLOURS[4]), (BASE, COLOURS[6])):
        curve(right, name, 100.0, color=colour, label=name)
        for what, group in without.items():
            if group == name:
                curve(right, f"{name} without {what}", 100.0, color=colour, ls="--", label=f"{name} without {what}")
    left.set_ylabel("mean squared error")
    left.set_yscale("log")
    right.set_ylabel("selected, %")
    right.set_ylim(-2, 95)
    for axis in (left, right):
        axis.set_xlabel("training steps")
        axis.legend(fontsize=8, loc="upper right", ncols=2)
    figure.savefig(path, dpi=110)
    plt.close(figure)
