"""Tables 1 and 3 against numpy on the same arrays (2 and 4 are in tests/sql/test_scores.py)."""

import numpy as np
import pytest
from scipy import stats

GROUPS = (
    ("test data", ("dr16q", "xelg", "agn_liner_composite", "training", "other_specz"), 49319),
    ("(1) SDSS MPA-JHU", ("xelg", "agn_liner_composite", "training"), 25714),
    ("(1-1) training data", ("training",), 21151),
    ("(1-2) XELGs", ("xelg",), 701),
    ("(1-3) AGN, LINERs, composites (not printed)", ("agn_liner_composite",), 25714 - 21151 - 701),
    ("(3) DR16Q quasars", ("dr16q",), 23),
    ("(4) other spec-z", ("other_specz",), 23582),
)


def test_table1_counts_the_classes(searched):
    t = searched.t
    classes = t.classes[t.is_specz]
    rows = searched.survey.records("from paper.table1 where sample = 'specz' order by position")
    assert [row["label"] for row in rows] == [label for label, _, _ in GROUPS]
    for row, (_, members, paper) in zip(rows, GROUPS, strict=True):
        n = int(np.isin(classes, members).sum())
        bounds = stats.binomtest(n, len(classes)).proportion_ci(method="wilson")
        assert (row["our_n"], row["our_total"], row["paper_n"]) == (n, len(classes), paper)
        assert (row["our_fraction"], row["paper_fraction"]) == pytest.approx((n / len(classes), paper / 49319))
        assert (row["our_fraction_lower"], row["our_fraction_upper"]) == pytest.approx((bounds.low, bounds.high))


@pytest.mark.parametrize("sample", ["specz", "colour"])
def test_table3_is_the_catalogue_of_the_candidates(searched, sample):
    t = searched.t
    members = t.is_specz if sample == "specz" else ~t.is_specz
    verdict = getattr(searched, sample)
    places = np.flatnonzero(members)
    training = t.scores[searched.number][:, t.classes == "training"]
    rows = searched.survey.records(f"from paper.table3 where sample = '{sample}' order by object_id")
    chosen = np.flatnonzero(verdict.selected.any(axis=0))
    assert [row["object_id"] for row in rows] == t.ids[members][chosen].tolist()
    assert len(rows) > 10
    for row, k in zip(rows, chosen, strict=True):
        scores, residuals, selected = verdict.scores[:, k], verdict.residuals[:, k], verdict.selected[:, k]
        assert row["band"] == "&".join(band for band, is_in in zip("gri", selected, strict=False) if is_in)
        assert row["s_anom"] == "({})".format(", ".join(f"{score:.5f}" for score in scores[:3]))
        assert (row["ra"], row["dec"]) == (pytest.approx(places[k] / 100), -1.0)
        assert row["redshift"] == (t.redshift[places[k]] if sample == "specz" else None)
        assert (row["class"], row["milliquas_class"]) == (t.classes[places[k]], t.milliquas[places[k]])
        assert row["max_level"] == max(verdict.level[:3, k][selected[:3]], key=["2sigma", "3sigma", "3.5sigma"].index)
        p = (1 + (training >= scores[:, None]).sum(axis=1)) / (training.shape[1] + 1)
        for position, band in enumerate("grizy"):
            assert (row[f"s_anom_{band}"], row[f"residual_{band}"]) == (scores[position], residuals[position])
            assert row[f"sigma_{band}"] == pytest.approx(stats.norm.isf(p[position] / 2), abs=1e-12)
