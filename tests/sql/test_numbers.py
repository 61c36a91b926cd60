"""normal_isf and the Wilson bounds against scipy."""

import duckdb
import numpy as np
import pytest
from scipy import stats

from swimmy_db.sql_models import load_macros


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as made:
        for macro in load_macros():
            if {"normal_isf", "wilson_lower"} & set(macro.names):
                made.execute(macro.text)
        yield made


def test_normal_isf_equals_scipy_over_the_whole_range(connection):
    tails = 10.0 ** np.arange(-300, -0.01, 0.7)
    probabilities = np.unique(np.concatenate([tails, 1 - tails, np.linspace(1e-3, 0.999, 997), [0.075, 0.925, 0.5]]))
    probabilities = probabilities[(probabilities > 0) & (probabilities < 1)]
    listing = connection.execute("select list_transform(?, lambda p: normal_isf(p))", [probabilities.tolist()])
    found = np.array(listing.fetchone()[0])
    np.testing.assert_allclose(found, stats.norm.isf(probabilities), rtol=1e-12, atol=1e-12)


def test_normal_isf_at_and_beyond_the_ends(connection):
    values = ", ".join(f"normal_isf({p})" for p in ("0", "1.0", "-0.1", "1.1", "null", "'nan'::double"))
    assert connection.execute(f"select {values}").fetchone() == (np.inf, -np.inf, None, None, None, None)


def test_the_papers_sigmas_are_two_sided(connection):
    two, three, most = connection.execute(
        "select normal_isf(0.0455 / 2), normal_isf(0.0027 / 2), normal_isf(0.000465 / 2)"
    ).fetchone()
    assert (two, three, most) == pytest.approx((2, 3, 3.5), abs=1e-3)


@pytest.mark.parametrize(("k", "n"), [(14, 23), (443, 701), (0, 5), (5, 5), (1, 1), (74, 580), (5955, 49319)])
def test_wilson_bounds_equal_scipys(connection, k, n):
    truth = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    found = connection.execute("select wilson_lower(?, ?), wilson_upper(?, ?)", [k, n, k, n]).fetchone()
    assert found == pytest.approx((truth.low, truth.high), abs=1e-14)


def test_wilson_bounds_of_nothing_are_null(connection):
    assert connection.execute("select wilson_lower(0, 0), wilson_upper(0, 0)").fetchone() == (None, None)
