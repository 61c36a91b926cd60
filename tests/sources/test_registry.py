"""Every archive: its files lead to tables that have a contract, and it says whom to thank."""

import tomllib
from pathlib import Path

import pytest
from astropy import units

from swimmy_db.contracts import contracts_of, load_contract
from swimmy_db.sources.registry import SOURCES

RAW = Path(__file__).parents[2] / "schemas" / "raw"


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_fills_tables_under_contract_and_is_acknowledged(name):
    source = SOURCES[name]
    assert source.name == name
    for kind in source.files.values():
        assert kind.table in contracts_of("raw")
        assert callable(kind.read)
    assert "ite " in source.acknowledgement
    assert callable(source.fetch)
    assert callable(source.plan)


def test_the_archives_of_the_paper_are_all_there():
    assert set(SOURCES) >= {"hsc", "mpa-jhu", "dr16q", "milliquas", "gama", "gswlc", "sdss-spectra"}


@pytest.mark.parametrize("table", contracts_of("raw"))
def test_contracts_have_units_that_astropy_knows_and_keys_that_exist(table):
    contract = load_contract(table)
    assert contract.description.startswith("one row per")
    assert set(contract.key) <= set(contract.columns)
    for name, column in contract.columns.items():
        assert name == name.lower()
        assert column.description
        if column.unit is not None:
            units.Unit(column.unit)


def test_no_contract_repeats_a_column():
    for path in RAW.glob("*.toml"):
        tomllib.loads(path.read_text())
