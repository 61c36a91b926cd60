"""swimmy_db against the tools that an astronomer would pick instead, in one run: `make bench`.

    python benchmarks/run.py [--size full|small] [--rounds 5] [--theirs PYTHON] [--only WORD ...] [--to FOLDER]

Every contender runs in every round, in turns; every answer is checked against ours in every round, and a wrong one
ends the run. Writes benchmark.md and benchmark.png into the folder. --theirs: the Python that has TensorFlow and LSDB;
without it, or without STILTS on the path, those contenders are left out and the page says so.
"""

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import crossmatch
import network
import preprocessing
import stamps
from contest import Outcome, hold
from page import write_page

CONTESTS = {
    "crossmatch": crossmatch.contest,
    "stamps": stamps.contest,
    "preprocessing": preprocessing.contest,
    "training": network.training,
    "scoring": network.scoring,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("full", "small"), default="full")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--theirs", type=Path, help="a Python with TensorFlow and LSDB")
    parser.add_argument("--only", nargs="*", choices=list(CONTESTS), default=list(CONTESTS))
    parser.add_argument("--to", type=Path, default=Path(__file__).resolve().parent.parent / "docs")
    arguments = parser.parse_args()
    started = datetime.now(UTC)
    outcomes = run_contests(arguments.only, arguments.size, arguments.rounds, arguments.theirs)
    write_page(arguments.to, outcomes, machine(), started, arguments.size)


def run_contests(names: list[str], size: str, rounds: int, theirs: Path | None) -> list[Outcome]:
    """Hold the named contests one after the other. Raises AssertionError where an answer is wrong."""
    import sys

    pythons = {"ours": Path(sys.executable)} | ({} if theirs is None else {"theirs": theirs})
    outcomes = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
            outcomes.append(hold(CONTESTS[name](Path(folder), size, pythons), rounds))
    return outcomes


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    told = {"python": platform.python_version(), "system": platform.platform(), "cores": str(os.cpu_count())}
    processor = Path("/proc/cpuinfo")
    if processor.is_file():
        lines = processor.read_text(encoding="utf-8").splitlines()
        told["processor"] = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), ""
        )
    told["load before"] = " ".join(f"{load:.1f}" for load in os.getloadavg())
    return told


if __name__ == "__main__":
    main()
