"""survey.matches over drawn skies: who is matched, ranks with ties, and who else claims a source, against numpy."""

import numpy as np
from astropy.coordinates import SkyCoord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swimmy_db.sql_models import load_models, run_model

RADII = {"mpa_jhu": 1.0, "milliquas": 1.0, "dr16q": 0.5}
PLACES = [(0.0, 0.0), (359.99999, -0.00001), (123.0, 90.0), (45.0, -89.99999), (210.0, 33.0)]


@st.composite
def skies(draw):
    """Galaxies and sources around one place on a grid of 0.25", so that distances tie; some without a position."""
    ra, dec = draw(st.sampled_from(PLACES))

    def position(east, north):
        moved = float(np.clip(dec + north * 0.25 / 3600, -90, 90))
        return (ra + east * 0.25 / 3600 / max(np.cos(np.radians(moved)), 1e-6)) % 360, moved

    steps = st.integers(-5, 5)
    positions = st.builds(position, steps, steps)
    galaxies = draw(st.lists(st.one_of(positions, positions, st.just((float("nan"), dec))), max_size=4))
    source = st.tuples(
        st.sampled_from(sorted(RADII)),
        st.one_of(positions, positions, positions, st.just((ra, float("nan")))),
        st.sampled_from([None, 1.0, 7.5]),
    )
    return galaxies, draw(st.lists(source, max_size=8))


def expected_pairs(galaxies, sources):
    """(galaxy, source): separation in arcsec, of those within the catalogue's radius."""
    pairs = {}
    for g, here in enumerate(galaxies):
        for s, (catalog, there, _) in enumerate(sources):
            if np.all(np.isfinite([*here, *there])):
                separation = SkyCoord(*here, unit="deg").separation(SkyCoord(*there, unit="deg")).arcsec
                if separation <= RADII[catalog]:
                    pairs[g, s] = float(separation)
    return pairs


def fill(survey, galaxies, sources):
    connection = survey.connection
    connection.execute("create or replace table survey.galaxies (object_id bigint, ra double, dec double)")
    connection.execute(
        "create or replace table survey.catalogue_sources (catalog varchar, source_id varchar, ra double, dec double, "
        "signal_to_noise double, radius_arcsec double, source_file varchar, file_row bigint, sky_cell bigint)"
    )
    for g, (ra, dec) in enumerate(galaxies):
        connection.execute("insert into survey.galaxies values (?, ?, ?)", [g, ra, dec])
    for s, (catalog, (ra, dec), signal) in enumerate(sources):
        row = [catalog, str(s), ra, dec, signal, RADII[catalog], "drawn", s]
        connection.execute(
            "insert into survey.catalogue_sources values ($1, $2, $3, $4, $5, $6, $7, $8, sky_cell($3, $4))", row
        )


@given(skies())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_matches_are_those_of_astropy_with_their_ranks(make_survey, drawn):
    galaxies, sources = drawn
    if not hasattr(make_survey, "drawn"):
        make_survey.drawn = make_survey(match_radius_dr16q=0.5)
    survey = make_survey.drawn
    fill(survey, galaxies, sources)
    run_model(survey.connection, next(model for model in load_models("select") if model.name == "survey.matches"))
    found = {(row["object_id"], int(row["source_id"])): row for row in survey.records("from survey.matches")}
    expected = expected_pairs(galaxies, sources)
    # 1" is four steps of the grid: such a pair may fall on either side of the radius, and what counts it with it
    for g, s in found.keys() ^ expected.keys():
        separation = found[g, s]["separation_arcsec"] if (g, s) in found else expected[g, s]
        assert abs(separation - RADII[sources[s][0]]) < 1e-7
    for (g, s), row in found.items():
        mine = [other for (h, other) in found if h == g and sources[other][0] == sources[s][0]]
        assert row["n_within_radius"] == len(mine)
        assert row["n_galaxies_claiming"] == sum(other == s for (_, other) in found)
        if (g, s) in expected:
            assert abs(row["separation_arcsec"] - expected[g, s]) < 1e-7

        def before(other, g=g, s=s):
            """Nearer; at the same place the higher S/N, a missing one last, then the smaller id."""
            a, b = found[g, other]["separation_arcsec"], found[g, s]["separation_arcsec"]
            signals = [-np.inf if sources[k][2] is None else sources[k][2] for k in (other, s)]
            return (a, -signals[0], other) < (b, -signals[1], s)

        assert row["rank"] == 1 + sum(before(other) for other in mine if other != s)
