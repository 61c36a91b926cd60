"""How often a class is selected, with its uncertainty, and what chance alone would give."""

from typing import NamedTuple

import numpy as np
from astropy.stats import binom_conf_interval
from numpy.typing import ArrayLike, NDArray


class Rate(NamedTuple):
    """k of n were selected: the rate and its 95 % Wilson interval; NaN where n is 0."""

    k: int
    n: int
    rate: float
    lower: float
    upper: float


def selection_rate(selected: ArrayLike, members: ArrayLike | None = None) -> Rate:
    """The rate of `selected` (n,) bool among `members` (n,) bool (all, if not given)."""
    chosen = np.asarray(selected, bool)
    chosen = chosen if members is None else chosen[np.asarray(members, bool)]
    return rate_of(int(chosen.sum()), len(chosen))


def rate_of(k: int, n: int) -> Rate:
    """k of n, with the Wilson interval at 95 %. Raises ValueError unless 0 <= k <= n."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no rate")
    if n == 0:
        return Rate(0, 0, np.nan, np.nan, np.nan)
    lower, upper = binom_conf_interval(k, n, confidence_level=0.95, interval="wilson")
    return Rate(k, n, k / n, float(lower), float(upper))


def pooled(rates: list[Rate]) -> Rate:
    """One rate of several independent samples: successes and trials added."""
    return rate_of(sum(rate.k for rate in rates), sum(rate.n for rate in rates))


def shuffled_rates(
    selected: NDArray[np.bool_], members: NDArray[np.bool_], draws: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Rates (draws, checkpoint) of as many objects as `members` has (n,), picked at random without replacement.

    selected: (checkpoint, n) bool. What a class whose label means nothing would score: on average each checkpoint's
    rate over all objects. All checkpoints judge the same pick, so that choosing the best of them can be imitated too.
    """
    random = np.random.default_rng(seed)
    size = int(members.sum())
    picks = np.stack([random.permutation(len(members))[:size] for _ in range(draws)])
    return np.stack([row[picks].mean(axis=1) for row in selected], axis=1)
