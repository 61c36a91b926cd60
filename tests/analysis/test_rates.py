"""Rates against the Wilson formula as Wilson wrote it, and against what chance gives."""

import math

import numpy as np
import pytest

from swimmy_db.analysis.rates import pooled, rate_of, selection_rate, shuffled_rates


def wilson(k: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    centre = (k / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    return centre - half, centre + half


@pytest.mark.parametrize(("k", "n"), [(14, 23), (443, 701), (5955, 49319), (0, 7), (7, 7), (1, 1)])
def test_the_interval_is_wilsons(k, n):
    rate = rate_of(k, n)
    assert (rate.k, rate.n, rate.rate) == (k, n, k / n)
    assert (rate.lower, rate.upper) == pytest.approx(wilson(k, n), abs=1e-9)
    assert 0.0 <= rate.lower <= rate.rate <= rate.upper <= 1.0


def test_no_member_is_no_rate():
    rate = rate_of(0, 0)
    assert rate.n == 0
    assert math.isnan(rate.rate)
    with pytest.raises(ValueError, match="3 of 2"):
        rate_of(3, 2)


def test_a_rate_counts_the_members_only():
    selected = np.array([True, True, False, False, True])
    assert selection_rate(selected, [True, False, True, False, False])[:2] == (1, 2)
    assert selection_rate(selected)[:2] == (3, 5)


def test_pooling_adds_counts_and_not_rates():
    assert pooled([rate_of(1, 2), rate_of(1, 8)])[:3] == (2, 10, 0.2)


def test_shuffled_labels_give_the_base_rate():
    random = np.random.default_rng(0)
    selected = random.random((2, 1000)) < np.array([[0.12], [0.30]])
    members = np.arange(1000) < 60
    rates = shuffled_rates(selected, members, draws=2000, seed=1)
    assert rates.shape == (2000, 2)
    # The mean of hypergeometric draws; its standard error over 2000 draws of 60 is below 0.0014.
    assert rates.mean(axis=0) == pytest.approx(selected.mean(axis=1), abs=0.006)
    p = selected[0].mean()
    expected = math.sqrt(p * (1 - p) / 60 * (1000 - 60) / 999)
    assert rates[:, 0].std() == pytest.approx(expected, rel=0.08)
    assert set(np.round(rates[:, 0] * 60, 6) % 1) == {0.0}
