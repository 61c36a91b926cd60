"""Tests by rank that SQL cannot say, for figures 12 and 13: Spearman's correlation, Kolmogorov-Smirnov."""

from typing import NamedTuple

import numpy as np


class Correlation(NamedTuple):
    """Spearman's coefficient and the two-sided probability of one as large without any correlation."""

    n: int
    rho: float | None
    p_value: float | None


class Comparison(NamedTuple):
    """The largest distance between two cumulative distributions, and the probability of one as large by chance."""

    n_first: int
    n_second: int
    statistic: float | None
    p_value: float | None


def spearman(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Correlation of ranks, ties at their mean rank. None for fewer than three pairs, or where x or y is constant."""
    from scipy import stats

    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(len(x), None, None)
    found = stats.spearmanr(x, y)
    return Correlation(len(x), float(found.statistic), float(found.pvalue))


def kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Two-sided test of two samples; exact where both are small, as scipy decides. None where one of them is empty."""
    from scipy import stats

    if not len(first) or not len(second):
        return Comparison(len(first), len(second), None, None)
    found = stats.ks_2samp(first, second)
    return Comparison(len(first), len(second), float(found.statistic), float(found.pvalue))
