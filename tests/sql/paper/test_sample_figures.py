"""Figures 1, 2 and 4 of the tiny embedded survey against numpy on its own tables."""

import numpy as np
import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.workspace import Workspace


@pytest.fixture(scope="module")
def catalog(demo_survey):
    with open_catalog(Workspace(demo_survey)) as opened:
        yield opened


def columns(catalog, sql):
    table = catalog.arrow(sql)
    return [table[name].to_numpy(zero_copy_only=False) for name in table.column_names]


def counts(redshifts):
    """Sources per bin of 0.01, by the bin's lower edge; numpy's own histogram."""
    last = int(np.ceil(redshifts.max() * 100)) + 1
    numbers, edges = np.histogram(redshifts, bins=np.arange(0, last + 1) / 100)
    return {round(float(edge), 2): int(n) for edge, n in zip(edges, numbers, strict=False) if n}


def shown(catalog, population):
    rows = catalog.rows(
        "select z_lower, z_upper, n from paper.figure1 where sample = 'specz' and population = ?", [population]
    )
    assert all(upper == pytest.approx(lower + 0.01) for lower, upper, _ in rows)
    return {round(lower, 2): n for lower, _, n in rows}


def test_figure1_counts_redshifts_of_three_populations(catalog):
    ids, z = columns(catalog, "select object_id, redshift from survey.spec_redshifts")
    bright_ids, magnitudes = columns(catalog, "select object_id, cmodel_mag from survey.photometry where band = 'i'")
    bright = bright_ids[np.nan_to_num(magnitudes.astype(float), nan=99.0) < 20.0]
    assert shown(catalog, "all with a redshift") == counts(z[np.isin(ids, bright)])

    (members,) = columns(catalog, "select object_id from survey.sample_members where sample = 'specz'")
    galaxies, z = columns(catalog, "select object_id, redshift from survey.galaxies where redshift is not null")
    assert shown(catalog, "test data") == counts(z[np.isin(galaxies, members)])
    (with_spectrum,) = columns(catalog, "select object_id from survey.classes where has_mpa_jhu")
    chosen = np.isin(galaxies, members) & np.isin(galaxies, with_spectrum)
    assert shown(catalog, "MPA-JHU") == counts(z[chosen])


def training(catalog):
    """Ids, i magnitudes and g - i colours of the spec-z sample's training galaxies that have cubes, by brightness."""
    return columns(
        catalog,
        "select c.object_id, i.cmodel_mag, g.cmodel_mag - i.cmodel_mag from survey.classes c "
        "inner join survey.sample_members m on m.object_id = c.object_id and m.sample = 'specz' "
        "inner join survey.photometry i on i.object_id = c.object_id and i.band = 'i' "
        "inner join survey.photometry g on g.object_id = c.object_id and g.band = 'g' "
        "where c.is_training and c.object_id in (select object_id from survey.cubes) order by i.cmodel_mag",
    )


def test_figure2_shows_a_bright_blue_training_galaxy(catalog):
    ids, _, colour = training(catalog)
    rank = np.arange(len(ids)) / (len(ids) - 1)
    middling = (rank >= 0.1) & (rank <= 0.3)
    wanted = ids[middling][np.argmin(colour[middling])]
    found = catalog.rows("select object_id, is_the_papers from paper.figure2 where sample = 'specz'")
    assert found == [(wanted, False)]


def test_figure4_shows_a_blue_a_median_and_a_red_galaxy_of_the_brighter_half(catalog):
    ids, _, colour = training(catalog)
    bright = np.arange(len(ids)) / (len(ids) - 1) <= 0.5
    ids, colour = ids[bright], colour[bright]
    order = np.lexsort((ids, colour))
    ranks = np.arange(len(ids)) / (len(ids) - 1)
    found = catalog.rows("select example, object_id from paper.figure4 where sample = 'specz' order by position")
    assert [example for example, _ in found] == ["blue", "median", "red"]
    for (_, object_id), percentile in zip(found, (0.1, 0.5, 0.9), strict=True):
        place = int(np.flatnonzero(ids[order] == object_id)[0])
        assert abs(ranks[place] - percentile) == pytest.approx(np.abs(ranks - percentile).min())
