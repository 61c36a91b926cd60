"""One piece of work, those who can do it, and how they are timed: interleaved, each answer checked in each round."""

import contextlib
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

CONTENDERS = Path(__file__).parent / "contenders"
FAILED_LINES = 15
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Contender:
    """A command that does the work in a new process.

    A script of ours prints one JSON line with `seconds` (of the work, after its imports) and `versions`. A program
    that is no script (`whole_process`) is timed from outside, its start included.
    """

    name: str
    command: Sequence[str | Path]
    answer: Path | None = None
    whole_process: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contest:
    """A row of the benchmark. `ours` is a contender's name; aim: by what factor it should beat each of the others.

    amount and unit: how much work one command does. same_answer(ours, other): raises AssertionError where two answers
    (paths that the contenders wrote) differ; returns what was compared, in words.
    """

    work: str
    amount: float
    unit: str
    ours: str
    contenders: Sequence[Contender]
    aims: Mapping[str, float]
    same_answer: Callable[[Path, Path], str]


@dataclass
class Timing:
    """Seconds of every round, and the peak resident memory (MB) of the contender's processes, sampled."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class Outcome:
    """What a contest came to: timings by contender, and what was found equal with each."""

    contest: Contest
    timings: dict[str, Timing]
    compared: dict[str, str]

    def ratio(self, name: str) -> float:
        """How many times longer than we `name` took: the median over the rounds of the rounds' own ratios."""
        ours = self.timings[self.contest.ours].seconds
        theirs = self.timings[name].seconds
        return statistics.median(their / our for our, their in zip(ours, theirs, strict=True))

    def spread(self, name: str) -> tuple[float, float]:
        ours = self.timings[self.contest.ours].seconds
        ratios = [their / our for our, their in zip(ours, self.timings[name].seconds, strict=True)]
        return min(ratios), max(ratios)


class ContenderFailed(Exception):
    """A command that did not end well: its name and the last lines that it printed."""


def hold(contest: Contest, rounds: int, report: Callable[[str], None] = print) -> Outcome:
    """Run every contender in every round, in turns that begin with another one each time.

    Raises AssertionError for answers that differ, ContenderFailed for a command that fails.
    """
    timings = {contender.name: Timing() for contender in contest.contenders}
    compared: dict[str, str] = {}
    ours = next(contender for contender in contest.contenders if contender.name == contest.ours)
    for number in range(rounds):
        start = number % len(contest.contenders)
        for contender in (*contest.contenders[start:], *contest.contenders[:start]):
            seconds, memory, versions = run(contender)
            timing = timings[contender.name]
            timing.seconds.append(seconds)
            timing.memory.append(memory)
            timing.versions = {**contender.versions, **versions}
            report(f"{contest.work}: round {number + 1}, {contender.name}: {seconds:.3f} s, {memory:.0f} MB")
        for contender in contest.contenders:
            if contender is not ours and contender.answer is not None:
                compared[contender.name] = contest.same_answer(ours.answer, contender.answer)
    return Outcome(contest, timings, compared)


def run(contender: Contender) -> tuple[float, float, dict[str, str]]:
    """Seconds, peak memory (MB) and versions of one run of a contender's command, in a new process."""
    if contender.answer is not None:
        shutil.rmtree(contender.answer, ignore_errors=True)
        contender.answer.unlink(missing_ok=True)
    with tempfile.TemporaryFile("w+") as printed:
        begin = time.perf_counter()
        process = psutil.Popen([str(part) for part in contender.command], stdout=printed, stderr=subprocess.STDOUT)
        memory = 0.0
        while True:
            memory = max(memory, resident(process))
            try:
                process.wait(LOOK_SECONDS)
            except psutil.TimeoutExpired:
                continue
            break
        elapsed = time.perf_counter() - begin
        printed.seek(0)
        lines = printed.read().splitlines()
    if process.returncode:
        raise ContenderFailed(f"{contender.name} failed:\n" + "\n".join(lines[-FAILED_LINES:]))
    if contender.whole_process:
        return elapsed, memory, {}
    told = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
    return told["seconds"], memory, told["versions"]


def resident(process: psutil.Process) -> float:
    """MB of a process and its children together; pages that they share count for each."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total / 1e6


def script(name: str, python: str | Path, *arguments: object) -> list[str]:
    """The command that runs contenders/<name>.py."""
    return [str(python), str(CONTENDERS / f"{name}.py"), *map(str, arguments)]
