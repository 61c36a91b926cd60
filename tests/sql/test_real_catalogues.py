"""Real rows of seven catalogues through the real readers, every pair of them cross-matched by the one SQL macro.

The truth is astropy's search_around_sky, pair by pair and separation by separation. The files are in ../shared/data.
"""

from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky

from swimmy_db.contracts import conform, load_contract
from swimmy_db.sources.dr16q import read_dr16q
from swimmy_db.sources.gama import read_gama
from swimmy_db.sources.milliquas import read_milliquas
from swimmy_db.sources.user_list import read_user_list
from swimmy_db.sql_models import create_macros

CATALOGUES = Path(__file__).parents[3] / "shared" / "data" / "catalogues"


def archive(file, table, reader):
    rows = conform(pa.concat_tables(reader(CATALOGUES / file)), load_contract(table), file)
    return rows["ra"], rows["dec"]


def listed(file):
    return read_user_list(CATALOGUES / file)[1:]


READERS = {
    "milliquas": partial(archive, "milliquas_1000rows_2016_fixedwidth.txt", "raw.milliquas", read_milliquas),
    "gama": partial(archive, "gama_specobj_5rows_GAMA_HzVs28.fits", "raw.gama", read_gama),
    "dr12q": partial(archive, "boss_dr12q_superset_plate7102_140rows.fits.gz", "raw.dr16q", read_dr16q),
    "sdss": partial(listed, "sdss_mgs_10k_kcorrect_gst_tests_small.fits"),
    "sdss_spectra": partial(listed, "sdss_dr14_specphoto_10k.csv"),
    "green_peas": partial(listed, "greenpeas_cardamone2009_table4.csv"),
    "green_peas_dr16": partial(listed, "greenpeas_sdss_dr16_473rows.fits"),
    "gswlc": partial(listed, "gswlc2_reduced_1040rows.csv"),
}
N_ROWS = {
    "milliquas": 1000,
    "gama": 5,
    "dr12q": 140,
    "sdss": 10_000,
    "sdss_spectra": 10_000,
    "green_peas": 80,
    "green_peas_dr16": 473,
    "gswlc": 1040,
}
WITHIN_AN_ARCSEC = {
    ("gama", "sdss"): 1,
    ("sdss", "sdss_spectra"): 123,
    ("sdss", "gswlc"): 15,
    ("sdss_spectra", "green_peas_dr16"): 3,
    ("sdss_spectra", "gswlc"): 5,
    ("green_peas", "green_peas_dr16"): 51,
}
PAIRS = list(combinations_with_replacement(READERS, 2))


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """A connection with one table a catalogue (id, ra, dec), and the positions as numpy has them."""
    if not CATALOGUES.is_dir():
        pytest.skip("../shared/data/catalogues is absent")
    folder = tmp_path_factory.mktemp("catalogues")
    positions = {}
    with duckdb.connect() as connection:
        connection.execute("create schema meta; create table meta.settings(name varchar, value double, text varchar)")
        create_macros(connection)
        for name, read in READERS.items():
            ra, dec = read()
            pq.write_table(pa.table({"id": np.arange(len(ra)), "ra": ra, "dec": dec}), folder / f"{name}.parquet")
            connection.execute(f"create table {name} as from read_parquet('{folder / name}.parquet')")
            positions[name] = tuple(np.array(axis.to_pylist(), float) for axis in (ra, dec))
        yield connection, positions


def matched_by_astropy(left, right, radius):
    """{(row, row): separation in arcsec}; rows without a position match nothing."""
    known = [np.flatnonzero(np.isfinite(ra) & np.isfinite(dec)) for ra, dec in (left, right)]
    here, there = (
        SkyCoord(ra[rows], dec[rows], unit="deg") for (ra, dec), rows in zip((left, right), known, strict=True)
    )
    i, j, separations, _ = search_around_sky(here, there, radius * u.arcsec)
    rows = zip(known[0][i].tolist(), known[1][j].tolist(), strict=True)
    return dict(zip(rows, separations.arcsec, strict=True))


def test_the_readers_bring_every_row(sky):
    _, positions = sky
    assert {name: len(ra) for name, (ra, _) in positions.items()} == N_ROWS
    missing = {name: int(np.isnan(ra).sum()) for name, (ra, _) in positions.items()}
    assert missing == dict.fromkeys(READERS, 0) | {"gswlc": 138}, "138 rows of GSWLC have no position as served"


@pytest.mark.parametrize("radius", [1.0, 60.0, 600.0])
def test_every_pair_of_catalogues_is_matched_as_astropy_does(sky, radius):
    connection, positions = sky
    n_pairs = {}
    for left, right in PAIRS:
        rows = connection.execute(f"from crossmatch('{left}', id, '{right}', id, {radius})").fetchall()
        found = {(i, j): separation for i, j, separation in rows}
        assert len(found) == len(rows), "a pair came out twice"
        expected = matched_by_astropy(positions[left], positions[right], radius)
        edges = {pair: found.get(pair, expected.get(pair)) for pair in found.keys() ^ expected.keys()}
        assert all(abs(separation - radius) < 1e-7 for separation in edges.values()), (left, right, edges)
        for pair in found.keys() & expected.keys():
            assert abs(found[pair] - expected[pair]) < 1e-7, (left, right, pair)
        n_pairs[left, right] = len(found)
    for name, (ra, _) in positions.items():
        assert n_pairs[name, name] >= np.isfinite(ra).sum(), "each row matches itself"
    others = {pair: n for pair, n in n_pairs.items() if n and len(set(pair)) == 2}
    if radius == 1.0:
        assert others == WITHIN_AN_ARCSEC
    assert sum(others.values()) >= {1.0: 198, 60.0: 224, 600.0: 2441}[radius]
