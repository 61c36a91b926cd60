"""The benchmark's page: a table of medians, ratios and their spread, and a plot of the ratios."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from contest import Outcome

HEAD = (
    "| work | who | median s | rate | peak MB | ours is faster by | spread | aim | the same answer |\n|" + " --- |" * 9
)


def write_page(
    folder: Path, outcomes: Sequence[Outcome], machine: Mapping[str, str], started: datetime, size: str
) -> None:
    """Write benchmark.md and benchmark.png."""
    folder.mkdir(parents=True, exist_ok=True)
    rounds = len(next(iter(outcomes[0].timings.values())).seconds)
    versions = {
        name: number
        for outcome in outcomes
        for timing in outcome.timings.values()
        for name, number in timing.versions.items()
    }
    lines = [
        "# Speed beside the tools that one would pick instead",
        "",
        f"Written by `make bench` on {started:%Y-%m-%d %H:%M} UTC, size `{size}`, {rounds} rounds. In every round each",
        "contender runs once, in turns; *faster by* is the median over rounds of the ratio within a round, *spread*",
        "its least and largest value. Every answer is checked against ours in every round. Scripts are timed after",
        "their imports, with reading and writing of files where the work says so; STILTS is timed whole, from FITS to",
        "FITS, and LSDB without the building of its catalogues. Ours trains in bf16, a run on every core: the seconds",
        "are an epoch's share; the check of training is made in float32.",
        "",
        ", ".join(f"{name}: {value}" for name, value in machine.items()) + ".",
        "",
        ", ".join(f"{name} {number}" for name, number in sorted(versions.items())) + ".",
        "",
        HEAD,
    ]
    lines += [row for outcome in outcomes for row in rows(outcome)]
    lines += ["", "![ratios](benchmark.png)", ""]
    (folder / "benchmark.md").write_text("\n".join(lines), encoding="utf-8")
    plot(folder / "benchmark.png", outcomes)


def rows(outcome: Outcome) -> list[str]:
    contest = outcome.contest
    found = []
    for name, timing in outcome.timings.items():
        ours = name == contest.ours
        rate = f"{contest.amount / timing.median:,.0f} {contest.unit}/s"
        ratio = "" if ours else f"**{outcome.ratio(name):.1f}x**"
        spread = "" if ours else "{:.1f} - {:.1f}".format(*outcome.spread(name))
        aim = contest.aims.get(name)
        told = "" if aim is None else f"{aim:g}x, {'met' if outcome.ratio(name) >= aim else '**not met**'}"
        cells = [contest.work if ours else "", name, f"{timing.median:.3g}", rate, f"{max(timing.memory):.0f}"]
        found.append("| " + " | ".join([*cells, ratio, spread, told, outcome.compared.get(name, "")]) + " |")
    return found


def plot(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Bars of the ratios, a mark at each aim."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    bars = [
        (
            f"{outcome.contest.work}\nagainst {name}",
            outcome.ratio(name),
            outcome.spread(name),
            outcome.contest.aims.get(name),
        )
        for outcome in outcomes
        for name in outcome.timings
        if name != outcome.contest.ours
    ]
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(bars) + 1.2), layout="constrained")
    places = range(len(bars))[::-1]
    axes.barh(list(places), [ratio for _, ratio, _, _ in bars], color="#0072B2", height=0.55)
    for place, (_, ratio, (low, high), aim) in zip(places, bars, strict=True):
        axes.plot([low, high], [place, place], color="black", lw=1)
        axes.annotate(f"{ratio:.1f}x", (high, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
        if aim is not None:
            axes.plot([aim, aim], [place - 0.4, place + 0.4], color="#D55E00", lw=2)
    axes.axvline(1, color="grey", lw=0.8)
    axes.set(xscale="log", xlabel="times faster than (black: spread over the rounds; orange: aim)")
    axes.set_yticks(list(places), [label for label, *_ in bars], fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
