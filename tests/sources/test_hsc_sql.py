"""The PostgreSQL that is sent: PostgreSQL's own parser takes it, and it asks for what the contracts need."""

import pytest

from swimmy_db.config import load_preset
from swimmy_db.contracts import load_contract
from swimmy_db.sources.hsc import TABLES
from swimmy_db.sources.hsc_release import load_releases, release_of
from swimmy_db.sources.hsc_sql import catalogue_queries, patch_queries, render

pglast = pytest.importorskip("pglast")
PAPER = load_preset("paper")
PDR3 = release_of(PAPER)


def selected(sql: str) -> list[str]:
    """Names of the columns that a SELECT gives, by PostgreSQL's grammar."""
    (statement,) = pglast.parse_sql(sql)
    return [target.name or target.val.fields[-1].sval for target in statement.stmt.targetList]


@pytest.mark.parametrize("name", load_releases(PAPER))
@pytest.mark.parametrize("tracts", [(9812,), (9812, 9813, 9814)])
@pytest.mark.parametrize("changes", [{}, {"push_down": False}, {"magnitude_max": None, "extendedness_min": None}])
def test_every_statement_is_postgresql(name, tracts, changes):
    settings = load_preset("paper", release=name, **changes)
    release = release_of(settings)
    for query in [*patch_queries(settings, release), *catalogue_queries(settings, release, tracts)]:
        (statement,) = pglast.parse_sql(query.sql)
        assert type(statement.stmt).__name__ == "SelectStmt"
        assert "{" not in query.sql
        assert "--" not in query.sql


@pytest.mark.parametrize("result", TABLES)
def test_a_result_has_the_columns_of_its_contract(result):
    """Every column that the contract demands, each once; every flag, mask, seeing and depth is a column."""
    contract = load_contract(TABLES[result], PAPER.band_names)
    needed = {name for name, column in contract.columns.items() if column.required}
    found = selected(render(result, PAPER, PDR3))
    assert needed <= set(found)
    assert len(found) == len(set(found))


def test_only_coarse_cuts_are_made_on_the_server():
    sql = render("objects", PAPER, PDR3, (9812,))
    where = sql.partition("where")[2]
    assert "f.i_cmodel_mag - 0 * f.a_i < 20.5" in where
    assert "f2.i_psfflux_mag - f.i_cmodel_mag > 0\n" in where
    assert "isprimary" in where
    assert "redshift" not in where
    assert "flag" not in where


def test_the_limits_follow_the_settings():
    settings = load_preset("paper", magnitude_max=21.25, extinction_corrected=True, extendedness_min=0.1)
    sql = render("objects", settings, PDR3, (9812, 9813))
    assert "tractSearch(f.object_id, 9812, 9813)" in sql
    assert "f.i_cmodel_mag - 1 * f.a_i < 21.75" in sql
    assert "> -0.1" in sql
    assert "not true" in sql
    assert "not false" in render("objects", load_preset("paper", push_down=False), PDR3)


def test_an_older_release_is_data():
    settings = load_preset("paper", release="pdr2")
    release = release_of(settings)
    sql = render("objects", settings, release)
    assert "pdr2_wide.forced f" in sql
    assert "f.i_cmodel_magsigma as i_cmodel_magerr" in sql
    assert [query.result for query in catalogue_queries(settings, release, (1,))] == ["objects", "specz", "counts"]
