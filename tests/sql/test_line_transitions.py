"""The lines of the search enter and leave the bands where the paper's figure 10 says (FORMATS.md 6.2), by our SQL."""

import numpy as np
import pytest

from swimmy_db.sources.filter_curves import read_filter_curves
from swimmy_db.sql_models import load_models, run_model

REDSHIFTS = np.arange(0.040, 0.2205, 0.0005)
LINES = ("oii_3726", "oii_3729", "h_beta", "oiii_5007", "h_alpha")


@pytest.fixture(scope="module")
def throughput(make_survey):
    """(line, band): throughput over the band's maximum at each redshift, as EW_band of a line of 1 Angstrom."""
    survey = make_survey()
    names = ["band", "wavelength", "response"]
    curves = read_filter_curves(survey.settings.bands)
    survey.add_columns("raw.filter_curves", **{name: curves[name].to_pylist() for name in names})
    models = {model.name: model for model in load_models("select")}
    run_model(survey.connection, models["survey.lines"])
    # what survey.line_measurements would hold of galaxies with one line each
    survey.connection.execute(
        "create table survey.line_measurements as select l * 1000 + z as object_id, line, 1.0 as ew, 1.0 as ew_flux, "
        "redshift as spectrum_redshift from (select unnest($lines) as line, unnest(range(len($lines))) as l), "
        "(select unnest($redshifts) as redshift, unnest(range(len($redshifts))) as z)",
        {"lines": list(LINES), "redshifts": REDSHIFTS.tolist()},
    )
    run_model(survey.connection, models["survey.band_line_strengths"])
    rows = survey.rows("select object_id, band, ew_band from survey.band_line_strengths order by object_id")
    found = {(line, band): [] for line in LINES for band in "grizy"}
    for number, band, share in rows:
        found[LINES[number // 1000], band].append(share)
    return {key: np.array(shares) for key, shares in found.items()}


def crossings(shares):
    """(redshift, +1 where the line enters the band and -1 where it leaves), at half of the maximum."""
    steps = np.diff((shares > 0.5).astype(int))
    return [(REDSHIFTS[i + 1], steps[i]) for i in np.flatnonzero(steps)]


# FORMATS.md 6.2 has the edges of the official curves of 2018; speclite's, which the search uses, differ by up to 10 A
@pytest.mark.parametrize(
    ("line", "band", "redshift", "step"),
    [
        ("oiii_5007", "g", 0.089, -1),
        ("oiii_5007", "r", 0.093, 1),
        ("h_alpha", "r", 0.061, -1),
        ("h_alpha", "i", 0.058, 1),
        ("oii_3726", "g", 0.096, 1),
        ("oii_3729", "g", 0.096, 1),
    ],
)
def test_half_maximum_edges_are_the_papers_transitions(throughput, line, band, redshift, step):
    found = [z for z, direction in crossings(throughput[line, band]) if direction == step]
    assert found, "the line never crosses the band's edge in the paper's range"
    assert min(found, key=lambda z: abs(z - redshift)) == pytest.approx(redshift, abs=0.006)


def test_figure_10_follows(throughput):
    """Section 4.1: [O III] is in g only at z < 0.09, in r above; H alpha is in r at the lowest redshifts only."""
    z = REDSHIFTS
    assert np.all(throughput["oiii_5007", "g"][z < 0.089] > 0.5)
    assert np.all(throughput["oiii_5007", "g"][z > 0.091] < 0.5)
    assert np.all(throughput["oiii_5007", "r"][(z > 0.0935) & (z < 0.2)] > 0.5)
    assert np.all(throughput["h_alpha", "r"][z < 0.06] > 0.5)
    assert np.all(throughput["h_alpha", "r"][z > 0.064] < 0.5)
    assert np.all(throughput["oii_3726", "g"][(z > 0.095) & (z < 0.2)] > 0.5)
    # "the weaker [O II] line is within the band in most of the target redshift range": by the tail below its edge too
    assert np.mean(throughput["oii_3726", "g"][(z > 0.05) & (z < 0.2)] > 0.05) > 0.7


def test_h_alpha_is_in_i_but_for_the_telluric_a_band(throughput):
    """At z of 0.158 to 0.160 H alpha falls on 7606 A, where the atmosphere's oxygen takes half of the light."""
    shares, z = throughput["h_alpha", "i"], REDSHIFTS
    below = z[(z > 0.064) & (z < 0.2) & (shares <= 0.5)]
    assert len(below) > 0
    assert below.min() > 0.156
    assert below.max() < 0.161
    assert np.all((6564.61 * (1 + below) > 7590) & (6564.61 * (1 + below) < 7620))
