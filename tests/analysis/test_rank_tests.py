"""Spearman and Kolmogorov-Smirnov equal scipy's and their definitions, with ties, and say nothing of too little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from swimmy_db.analysis.rank_tests import Comparison, Correlation, kolmogorov_smirnov, spearman

SHORT = st.lists(st.integers(-5, 5), min_size=1, max_size=40)


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=60))
def test_spearman_is_the_correlation_of_mean_ranks(pairs):
    x, y = np.array(pairs, float).T
    found = spearman(x, y)
    assert found.n == len(pairs)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert (found.rho, found.p_value) == (None, None)
        return
    rho = np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1]
    assert found.rho == pytest.approx(rho, abs=1e-12)
    truth = stats.spearmanr(x, y)
    assert (found.rho, found.p_value) == (truth.statistic, truth.pvalue)


def test_spearman_of_two_pairs_is_nothing():
    assert spearman(np.array([1.0, 2.0]), np.array([2.0, 1.0])) == Correlation(2, None, None)


@given(SHORT, SHORT)
def test_kolmogorov_smirnov_is_the_largest_distance(first, second):
    found = kolmogorov_smirnov(np.array(first, float), np.array(second, float))
    distances = [
        abs(np.mean(np.array(first) <= value) - np.mean(np.array(second) <= value)) for value in {*first, *second}
    ]
    assert found.statistic == pytest.approx(max(distances), abs=1e-12)
    assert found.p_value == stats.ks_2samp(first, second).pvalue
    assert (found.n_first, found.n_second) == (len(first), len(second))


def test_kolmogorov_smirnov_of_nobody_is_nothing():
    assert kolmogorov_smirnov(np.array([]), np.array([1.0])) == Comparison(0, 1, None, None)
