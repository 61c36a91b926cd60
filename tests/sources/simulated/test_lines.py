"""BPT classes at known places of the diagram, and equivalent widths at the XELG limit."""

import numpy as np
import pytest

from swimmy_db.sources.simulated.lines import (
    bpt_class,
    composite,
    group_ews,
    liner,
    measured_ews,
    recipe,
    seyfert,
    star_forming,
)


def ratios(log_nii, log_oiii):
    return recipe(h_alpha=290.0, nii_6584=290.0 * 10**log_nii, h_beta=100.0, oiii_5007=100.0 * 10**log_oiii)


@pytest.mark.parametrize(
    ("log_nii", "log_oiii", "expected"),
    [(-1.0, 0.4, 1), (-0.5, -0.5, 1), (-0.2, -0.1, 3), (-0.1, 0.9, 4), (0.1, -0.3, 4), (0.3, 0.5, 4)],
)
def test_classes_of_bright_lines(log_nii, log_oiii, expected):
    assert bpt_class(ratios(log_nii, log_oiii), np.ones(17)) == expected


def test_weak_lines_are_low_s_to_n_liners_star_forming_or_unclassifiable():
    weak = ratios(0.0, 0.0) / 50.0  # H beta 2 +- 1
    assert bpt_class(weak, np.ones(17)) == 5
    assert bpt_class(ratios(-0.6, 0.0) / 60.0, np.ones(17)) == 2
    assert bpt_class(np.zeros(17), np.ones(17)) == -1


def test_recipes_lie_where_their_names_say():
    for seed in range(20):
        errors = np.full(17, 1e-6)
        assert bpt_class(seyfert(np.random.default_rng(seed)), errors) == 4
        assert bpt_class(composite(np.random.default_rng(seed)), errors) == 3
        assert bpt_class(liner(np.random.default_rng(seed)), errors) == 4
        assert bpt_class(star_forming(np.random.default_rng(seed), seed / 20), errors) in (1, 3)


def test_no_class_hangs_on_rounding():
    ews = recipe(h_alpha=80.0, nii_6584=100.0 / 1.1 - 80.0)
    assert group_ews(ews, 0.1)["halpha_nii"] == pytest.approx(100.0)
    noisy = measured_ews(ews, 0.0, 0.1, np.random.default_rng(0))
    assert abs(group_ews(noisy, 0.1)["halpha_nii"] - 100.0) > 0.05
