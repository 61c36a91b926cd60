"""The benchmark at its small size: it ends on a wrong answer, never on time, and its figures are what was measured."""

import importlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def _on_path():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("name", ["crossmatch", "stamps", "preprocessing"])
def test_the_answers_are_theirs(name, tmp_path):
    run = importlib.import_module("run")
    (outcome,) = run.run_contests([name], "small", 1, None)
    assert set(outcome.compared) == set(outcome.timings) - {outcome.contest.ours}
    assert len(outcome.compared) >= 1
    importlib.import_module("page").write_page(tmp_path, [outcome], run.machine(), datetime.now(UTC), "small")
    page = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    for rival in outcome.compared:
        assert f"{outcome.ratio(rival):.1f}x" in page
    assert (tmp_path / "benchmark.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["training", "scoring"])
def test_the_network_s_work_is_done_where_keras_is_not(name):
    (outcome,) = importlib.import_module("run").run_contests([name], "small", 1, None)
    assert outcome.timings["swimmy_db"].seconds[0] > 0


def test_a_wrong_answer_ends_the_run(tmp_path):
    crossmatch = importlib.import_module("crossmatch")
    contest = crossmatch.contest(tmp_path, "small", {"ours": Path(sys.executable)})
    ours, theirs = contest.contenders[:2]
    hold = importlib.import_module("contest")
    for contender in (ours, theirs):
        hold.run(contender)
    assert "pairs" in contest.same_answer(ours.answer, theirs.answer)
    pairs = pq.read_table(theirs.answer)
    pq.write_table(pairs.slice(1), theirs.answer)
    with pytest.raises(AssertionError, match="pairs"):
        contest.same_answer(ours.answer, theirs.answer)
    swapped = pairs.set_column(1, "right_id", [np.roll(pairs["right_id"].to_numpy(), 1)])
    pq.write_table(swapped, theirs.answer)
    with pytest.raises(AssertionError, match="counterparts"):
        contest.same_answer(ours.answer, theirs.answer)


def test_a_contender_that_fails_is_named_with_its_last_words(tmp_path):
    contest = importlib.import_module("contest")
    broken = contest.Contender("broken", [sys.executable, "-c", "raise SystemExit('no such table')"])
    with pytest.raises(contest.ContenderFailed, match=r"(?s)broken.*no such table"):
        contest.run(broken)


def test_ratios_are_within_a_round():
    contest = importlib.import_module("contest")
    timings = {"ours": contest.Timing([1.0, 2.0, 4.0]), "slow": contest.Timing([3.0, 8.0, 8.0])}
    held = contest.Outcome(contest.Contest("w", 1, "", "ours", (), {}, lambda *_: ""), timings, {})
    assert held.ratio("slow") == 3.0
    assert held.spread("slow") == (2.0, 4.0)
