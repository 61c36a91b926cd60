"""Figures 5 to 7, 9 to 12, 14, 17 and 19 and table 6 against numpy and scipy on the same arrays."""

import hashlib

import numpy as np
import pytest
from scipy import stats

SELECTION = ("g", "r", "i")


def of_specz(drawn):
    t = drawn.t
    n = int(t.is_specz.sum())
    return t, n, t.ids[:n], drawn.specz


def by_checksum(ids):
    return sorted(ids, key=lambda object_id: hashlib.md5(str(object_id).encode()).hexdigest())


def test_figure5_counts_scores_in_bins_of_a_tenth_dex(drawn):
    _, n, _, verdict = of_specz(drawn)
    for position, band in enumerate(SELECTION):
        rows = drawn.survey.records(f"from paper.figure5 where sample = 'specz' and band = '{band}' order by bin")
        bins = np.floor(10 * np.log10(verdict.scores[position])).astype(int)
        assert {row["bin"]: row["n_all"] for row in rows} == dict(
            zip(*np.unique(bins, return_counts=True), strict=True)
        )
        chosen = bins[verdict.selected[position]]
        assert {row["bin"]: row["n_selected"] for row in rows if row["n_selected"]} == dict(
            zip(*np.unique(chosen, return_counts=True), strict=True)
        )
        for row in rows:
            assert row["n_total"] == n
            assert row["median_s_anom"] == pytest.approx(np.median(verdict.scores[position]), rel=1e-14)
            assert row["limit_2sigma"] == verdict.limits["2sigma"][position]
            assert row["limit_3sigma"] == verdict.limits["3sigma"][position]
            assert (row["s_anom_low"], row["s_anom_high"]) == pytest.approx(
                (10 ** (row["bin"] / 10), 10 ** ((row["bin"] + 1) / 10))
            )


def test_figure6_labels_galaxies_with_sigmas_of_the_training_distribution(drawn):
    t, n, ids, verdict = of_specz(drawn)
    training = t.scores[drawn.number][:, t.classes == "training"]
    rows = drawn.survey.records("from paper.figure6 where sample = 'specz'")
    assert {(row["panel"], row["place"]) for row in rows} == {
        (panel, place) for panel in ("training", "dr16q", "xelg") for place in range(1, 16)
    }
    for panel in ("training", "dr16q", "xelg"):
        shown = {row["place"]: row["object_id"] for row in rows if row["panel"] == panel}
        assert [shown[place] for place in range(1, 16)] == by_checksum(ids[t.classes[:n] == panel].tolist())[:15]
    for row in rows:
        position, place = "grizy".index(row["band"]), int(np.flatnonzero(ids == row["object_id"])[0])
        p = (1 + np.sum(training[position] >= row["s_anom"])) / (training.shape[1] + 1)
        assert row["sigma"] == pytest.approx(stats.norm.isf(p / 2), abs=1e-12)
        assert row["s_anom"] == verdict.scores[position, place]
        assert row["is_selected"] == verdict.selected[position, place]


def test_figure7_draws_25_of_each_band(drawn):
    _, _, ids, verdict = of_specz(drawn)
    for position, band in enumerate(SELECTION):
        found = drawn.survey.rows(
            f"select object_id from paper.figure7 where sample = 'specz' and selection_band = '{band}' order by place"
        )
        assert [row[0] for row in found] == by_checksum(ids[verdict.selected[position]].tolist())[:25]


def test_figure9_accumulates_xelgs_from_the_strongest_down(drawn):
    t, n, _, verdict = of_specz(drawn)
    xelgs = t.classes[:n] == "xelg"
    for position, band in enumerate(SELECTION):
        ew, selected = t.ew_band[position, :n][xelgs], verdict.selected[position][xelgs]
        rows = drawn.survey.records(f"from paper.figure9 where sample = 'specz' and band = '{band}' order by place")
        assert [row["ew_band"] for row in rows] == sorted(ew, reverse=True)
        for row in rows:
            at_least = ew >= row["ew_band"]
            assert (row["n_selected_above"], row["n_unselected_above"]) == (
                np.sum(at_least & selected),
                np.sum(at_least & ~selected),
            )
            assert row["selection_rate_above"] == np.mean(selected[at_least])
            assert (row["n_selected"], row["n_unselected"]) == (np.sum(selected), np.sum(~selected))
        strong = ew > 100
        name = f"XELGs with EW_{band} > 100 A selected in {band}"
        assert drawn.survey.rows(
            f"select our_n, our_total, our_value from paper.numbers where name = '{name}' and sample = 'specz'"
        ) == [(np.sum(selected & strong), np.sum(strong), np.mean(selected[strong]))]


def test_figure10_is_the_rate_in_15_bins_of_redshift(drawn):
    t, n, _, verdict = of_specz(drawn)
    edges = np.linspace(0.05, 0.2, 16)
    for position, band in enumerate(SELECTION):
        rows = drawn.survey.records(f"from paper.figure10 where band = '{band}' order by bin")
        every, _ = np.histogram(t.redshift[:n], edges)
        chosen, _ = np.histogram(t.redshift[:n][verdict.selected[position]], edges)
        assert [row["n_all"] for row in rows] == every.tolist()
        assert [row["n_selected"] for row in rows] == chosen.tolist()
        np.testing.assert_allclose([row["selection_rate"] for row in rows], chosen / every, rtol=1e-14)
        np.testing.assert_allclose([row["redshift_low"] for row in rows], edges[:-1], rtol=1e-12)
        bounds = [
            stats.binomtest(int(k), int(m)).proportion_ci(method="wilson") for k, m in zip(chosen, every, strict=True)
        ]
        np.testing.assert_allclose([row["selection_rate_upper"] for row in rows], [b.high for b in bounds], atol=1e-12)


def test_figure10_lines_follow_the_curves(drawn):
    lines = dict(drawn.survey.rows("select line, wavelength from survey.lines"))
    rows = drawn.survey.records("from paper.figure10_lines")
    assert {row["line"] for row in rows} == {"h_alpha", "oiii_5007", "oii_3729"}
    assert len(rows) == 3 * 3 * 151
    curves = {"g": (4000, 5500), "r": (5400, 7000), "i": (6900, 8500)}
    for row in rows:
        low, high = curves[row["band"]]
        observed = lines[row["line"]] * (1 + row["redshift"])
        expected = np.interp(observed, [low, (low + high) / 2, high], [0, 0.5, 0.1], left=0, right=0) / 0.5
        assert row["throughput"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("figure", [11, 12])
def test_figures_11_and_12_count_cells_and_name_the_unusual(drawn, figure):
    t, n, ids, verdict = of_specz(drawn)
    is_agn = (
        (t.classes == "dr16q") | np.array([m is not None for m in t.milliquas]) | (t.has_mpa & (t.bptclass >= 4))
    )[:n]
    xelg = t.classes[:n] == "xelg"
    known = t.has_mpa[:n] if figure == 11 else np.full(n, True)
    for position, band in enumerate(SELECTION):
        x = (t.ew_band if figure == 11 else t.magnitude)[position, :n]
        columns = np.floor(10 * np.log10(np.maximum(x, 0.1)) if figure == 11 else 10 * x)[known]
        rows_ = np.floor(10 * np.log10(verdict.scores[position]))[known]
        cells, counts = np.unique(np.stack([columns, rows_]), axis=1, return_counts=True)
        found = drawn.survey.rows(
            f"select x_bin, y_bin, n from paper.figure{figure}_density where sample = 'specz' and band = '{band}'"
        )
        assert sorted(found) == sorted(zip(*cells.astype(int).tolist(), counts.tolist(), strict=True))
        shown = known & (verdict.selected[position] | xelg | is_agn)
        points = drawn.survey.rows(
            f"select object_id, {'ew_band' if figure == 11 else 'magnitude'}, s_anom, is_selected, is_xelg, is_agn, "
            f"level from paper.figure{figure} where sample = 'specz' and band = '{band}' order by object_id"
        )
        assert points == [
            (
                ids[k],
                x[k],
                verdict.scores[position, k],
                verdict.selected[position, k],
                xelg[k],
                is_agn[k],
                verdict.level[position, k] or None,
            )
            for k in np.flatnonzero(shown)
        ]


def test_figure14_lists_the_most_anomalous_the_highest_first(drawn):
    t, _, ids, verdict = of_specz(drawn)
    for position, band in enumerate(SELECTION):
        most = verdict.selected[position] & np.isin(verdict.level[position], ["3sigma", "3.5sigma"])
        order = sorted(np.flatnonzero(most), key=lambda k: -verdict.scores[position, k])
        found = drawn.survey.rows(
            "select object_id, class from paper.figure14 "
            f"where sample = 'specz' and selection_band = '{band}' order by place"
        )
        assert found == [(ids[k], t.classes[k]) for k in order]


def test_figure17_lists_negative_residuals_the_highest_score_first(drawn):
    _, _, ids, verdict = of_specz(drawn)
    for position, band in enumerate(SELECTION):
        negative = (verdict.level[position] != "") & (verdict.residuals[position] <= 0)
        order = sorted(np.flatnonzero(negative), key=lambda k: -verdict.scores[position, k])[:25]
        found = drawn.survey.rows(
            "select object_id, n_positive_bands, is_candidate from paper.figure17 "
            f"where sample = 'specz' and selection_band = '{band}' order by place"
        )
        assert found == [(ids[k], np.sum(verdict.residuals[:, k] > 0), verdict.selected[:, k].any()) for k in order]
        assert len(order) > 3


def test_figure19_and_table6_are_the_colour_sample_at_3_5_sigma(drawn):
    t, verdict = drawn.t, drawn.colour
    ids = t.ids[~t.is_specz]
    most = verdict.selected & (verdict.level == "3.5sigma")
    for position, band in enumerate(SELECTION):
        order = sorted(np.flatnonzero(most[position]), key=lambda k: -verdict.scores[position, k])
        found = drawn.survey.rows(
            f"select object_id, level_shown from paper.figure19 where selection_band = '{band}' order by place"
        )
        assert found == [(ids[k], "3.5sigma") for k in order]
    assert most.sum() > 3
    table = drawn.survey.records("from paper.table6 order by object_id")
    chosen = np.flatnonzero(most.any(axis=0))
    assert [row["object_id"] for row in table] == ids[chosen].tolist()
    for row, k in zip(table, chosen, strict=True):
        assert row["band"] == "&".join(b for position, b in enumerate(SELECTION) if most[position, k])
        assert row["s_anom"] == "({})".format(", ".join(f"{s:.5f}" for s in verdict.scores[:3, k]))
        assert row["s_anom_i"] == verdict.scores[2, k]
