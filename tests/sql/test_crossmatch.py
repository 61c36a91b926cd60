"""The one cross-match against astropy, and the separation macro."""

import duckdb
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swimmy_db.sql_models import load_macros


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as made:
        made.execute("create schema meta; create table meta.settings(name varchar, value double, text varchar)")
        for macro in load_macros():
            if {"crossmatch", "sky_cell", "angular_separation"} & set(macro.names):
                made.execute(macro.text)
        made.execute("create table sky_a (id bigint, ra double, dec double); create table sky_b as from sky_a")
        yield made


def fill(connection, table, positions):
    connection.execute(f"delete from {table}")
    ra, dec = [list(values) for values in zip(*positions, strict=True)] if len(positions) else ([], [])
    rows = "unnest(range(len($1))), unnest($1::double[]), unnest($2::double[])"
    connection.execute(f"insert into {table} select {rows}", [ra, dec])


def pairs_of(connection, radius):
    rows = connection.execute(f"from crossmatch('sky_a', id, 'sky_b', id, {radius!r})").fetchall()
    assert len(rows) == len({row[:2] for row in rows}), "a pair came out twice"
    connection.execute("create or replace temp table sky_kept as select *, sky_cell(ra, dec) as sky_cell from sky_b")
    kept = f"from crossmatch('sky_a', id, 'sky_kept', id, {radius!r}, right_cell := sky_cell)"
    assert sorted(connection.execute(kept).fetchall()) == sorted(rows), "a table that keeps its cells differs"
    return {(left, right): separation for left, right, separation in rows}


def astropy_separations(left, right):
    """All pairs' separations in arcsec (Vincenty's formula), (n_left, n_right); NaN where a position is not one."""
    grid = np.full((len(left), len(right)), np.nan)
    for i, (ra, dec) in enumerate(left):
        for j, (other_ra, other_dec) in enumerate(right):
            if np.all(np.isfinite([ra, dec, other_ra, other_dec])):
                here, there = SkyCoord(ra, dec, unit="deg"), SkyCoord(other_ra, other_dec, unit="deg")
                grid[i, j] = here.separation(there).arcsec
    return grid


CENTRES = [
    (0.0, 0.0),
    (359.9999, 0.0),
    (360.0, -45.0),
    (180.0, 45.0),
    (12.3, 90.0),
    (77.0, -90.0),
    (200.0, 89.9999),
    (0.0, -89.99999),
    (30.58684, -5.99814),
]
RADII = st.one_of(
    st.sampled_from([0.01, 0.3, 1.0, 30.0, 600.0]),
    st.floats(np.log10(0.01), np.log10(600.0)).map(lambda exponent: float(10.0**exponent)),
)


@st.composite
def catalogues(draw):
    """Two small catalogues that crowd one place: offsets of the radius's order, ties, duplicates, NaN; may be empty."""
    radius = draw(RADII)
    ra, dec = draw(st.sampled_from(CENTRES))
    offset = st.floats(-1.5, 1.5).map(lambda value: value * radius / 3600)

    def position(east, north):
        moved = np.clip(dec + north, -90, 90)
        stretch = max(np.cos(np.radians(moved)), 1e-6)
        return ((ra + east / stretch) % 360, float(moved))

    usual = st.builds(position, offset, offset)
    # the four neighbours at one distance, half the radius away or on its edge: ties, and right ascensions below 0
    tied = st.tuples(st.sampled_from([0.5, 1.0]), st.sampled_from([(0, 1), (1, 0), (0, -1), (-1, 0)])).map(
        lambda drawn: position(drawn[0] * drawn[1][0] * radius / 3600, drawn[0] * drawn[1][1] * radius / 3600)
    )
    odd = st.sampled_from([(float("nan"), dec), (ra, float("nan")), (ra, dec), (ra, float("inf"))])
    anywhere = st.tuples(st.floats(0, 360), st.floats(-90, 90))
    catalogue = st.lists(st.one_of(usual, usual, tied, odd, anywhere), max_size=6)
    left, right = draw(catalogue), draw(catalogue)
    # the same source in both, and twice in one
    right += draw(st.lists(st.sampled_from(left), max_size=2)) if left else []
    return left, right, radius


@given(catalogues())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_crossmatch_finds_the_pairs_that_astropy_finds(connection, drawn):
    left, right, radius = drawn
    fill(connection, "sky_a", left)
    fill(connection, "sky_b", right)
    found = pairs_of(connection, radius)
    truth = astropy_separations(left, right)
    # a pair within a billionth of the radius's edge may fall on either side
    assert {pair for pair in found if abs(truth[pair] - radius) > 1e-7} == {
        (int(i), int(j)) for i, j in np.argwhere(truth <= radius) if abs(truth[i, j] - radius) > 1e-7
    }
    for pair, separation in found.items():
        assert separation == pytest.approx(truth[pair], abs=1e-7, rel=1e-9)


@pytest.mark.parametrize("radius", [1.0, 45.0])
def test_crossmatch_of_a_whole_sky_equals_search_around_sky(connection, radius):
    random = np.random.default_rng(7)
    n = 3000
    ra, dec = random.uniform(0, 360, n), np.degrees(np.arcsin(random.uniform(-1, 1, n)))
    # half of the second catalogue lies near sources of the first, within twice the radius
    angle, distance = random.uniform(0, 2 * np.pi, n), random.uniform(0, 2 * radius, n) / 3600
    near = SkyCoord(ra, dec, unit="deg").directional_offset_by(angle * u.rad, distance * u.deg)
    fill(connection, "sky_a", np.column_stack([ra, dec]).tolist())
    fill(connection, "sky_b", np.column_stack([near.ra.deg, near.dec.deg]).tolist())
    left, right, separations, _ = search_around_sky(SkyCoord(ra, dec, unit="deg"), near, radius * u.arcsec)
    found = pairs_of(connection, radius)
    assert set(found) == set(zip(left.tolist(), right.tolist(), strict=True))
    assert len(found) > n / 3
    by_pair = dict(zip(zip(left.tolist(), right.tolist(), strict=True), separations.arcsec, strict=True))
    assert max(abs(found[pair] - by_pair[pair]) for pair in found) < 1e-7


@given(catalogues())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_crossmatch_is_the_same_from_either_side(connection, drawn):
    left, right, radius = drawn
    fill(connection, "sky_a", left)
    fill(connection, "sky_b", right)
    found = pairs_of(connection, radius)
    fill(connection, "sky_a", right)
    fill(connection, "sky_b", left)
    assert {(j, i): separation for (i, j), separation in pairs_of(connection, radius).items()} == found


@pytest.mark.parametrize("empty", ["sky_a", "sky_b"])
def test_an_empty_catalogue_matches_nothing(connection, empty):
    for table in ("sky_a", "sky_b"):
        fill(connection, table, [] if table == empty else [(10.0, 10.0)] * 3)
    assert pairs_of(connection, 600.0) == {}


def test_the_radius_is_inclusive_and_an_impossible_position_matches_nothing(connection):
    fill(connection, "sky_a", [(10.0, 0.0), (10.0, 95.0), (None, 0.0)])
    fill(connection, "sky_b", [(10.0, 0.0), (10.0, 1.0 / 3600), (190.0, 85.0), (10.0, None)])
    separations = pairs_of(connection, 1.0000001)
    assert set(separations) == {(0, 0), (0, 1)}
    assert separations[0, 0] == 0.0
    assert set(pairs_of(connection, 0.9999999)) == {(0, 0)}


@given(st.tuples(st.floats(0, 360), st.floats(-90, 90), st.floats(0, 360), st.floats(-90, 90)))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_angular_separation_is_astropys(connection, angles):
    (found,) = connection.execute("select angular_separation(?, ?, ?, ?)", list(angles)).fetchone()
    ra, dec, other_ra, other_dec = angles
    truth = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(other_ra, other_dec, unit="deg")).arcsec
    # near the antipode the arcsine is flat: a milliarcsecond there, far less elsewhere
    assert found == pytest.approx(truth, abs=1e-7 if truth < 6e5 else 5e-3)
