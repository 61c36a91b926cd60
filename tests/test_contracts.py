"""Contracts: every one is well formed, and a table that is not as its contract says is refused with all its faults."""

import math

import pyarrow as pa
import pytest
from astropy import units

from swimmy_db.contracts import Column, Contract, conform, contracts_of, load_contract
from swimmy_db.errors import InputRefused, SwimmyError

SCHEMAS = ("raw", "survey", "model", "paper", "meta", "truth")
ALL = [table for schema in SCHEMAS for table in contracts_of(schema)]

GALAXY = Contract(
    table="raw.galaxy",
    description="one row per galaxy",
    key=("object_id",),
    columns={
        "object_id": Column(type="int64", nullable=False, description="id", aliases=("OBJID",)),
        "ra": Column(type="float64", unit="deg", minimum=0.0, maximum=360.0, description="right ascension"),
        "kind": Column(type="string", allowed=("a", "b"), description="kind", required=False),
    },
)


@pytest.mark.parametrize("table", ALL)
def test_every_contract_is_well_formed(table):
    contract = load_contract(table)
    assert contract.columns, "a table has columns"
    assert set(contract.key) <= contract.columns.keys()
    for name, column in contract.columns.items():
        assert name == name.lower()
        assert column.description.strip()
        if column.unit:
            units.Unit(column.unit)
    assert contract.arrow_schema().names == list(contract.columns)


def test_the_tables_of_the_design_have_contracts():
    expected = {"raw.hsc_objects", "raw.specz", "survey.bands", "model.scores", "meta.files", "meta.stages"}
    assert expected <= set(ALL)


def test_bands_are_expanded_in_the_survey_s_order():
    names = list(load_contract("raw.hsc_objects", ("u", "k")).columns)
    assert names.index("u_cmodel_mag") < names.index("k_cmodel_mag")
    assert not any("{band}" in name for name in names)
    assert "g_cmodel_mag" not in names


def test_an_unknown_table_is_named():
    with pytest.raises(SwimmyError, match=r"raw/nothing\.toml"):
        load_contract("raw.nothing")


def test_conform_orders_renames_casts_and_keeps_further_columns():
    native = pa.table({"Extra": [1.5], "RA": pa.array([10.0], pa.float32()), "objid": [36411461425187990]})
    table = conform(native, GALAXY, "x.csv")
    assert table.column_names == ["object_id", "ra", "kind", "extra"]
    assert table["object_id"].to_pylist() == [36411461425187990]
    assert table["ra"].type == pa.float64()
    assert table["kind"].to_pylist() == [None]


def test_conform_names_every_fault_with_file_column_expected_and_found():
    native = pa.table({"object_id": pa.array([1, None]), "ra": [1.0, 361.5], "kind": ["a", "c"]})
    with pytest.raises(InputRefused) as refused:
        conform(native, GALAXY, "x.csv", first_row=100)
    message = str(refused.value)
    assert message.startswith("x.csv is not a raw.galaxy file")
    assert "column object_id: expected a value in every row, found none in row 101" in message
    assert "column ra: expected float64 in [0.0, 360.0] (deg), found 361.5 in row 101" in message
    assert "column kind: expected one of ['a', 'b'], found 'c' in row 101" in message


def test_conform_refuses_a_missing_column_and_two_of_one_name():
    with pytest.raises(InputRefused, match="column object_id: expected int64, found no such column"):
        conform(pa.table({"ra": [1.0]}), GALAXY, "x.csv")
    with pytest.raises(InputRefused, match="two columns have the same name"):
        conform(pa.table({"ra": [1.0], "RA": [1.0], "object_id": [1]}), GALAXY, "x.csv")


def test_an_id_that_has_passed_through_a_float_is_refused():
    with pytest.raises(InputRefused, match="column object_id: expected int64, found double"):
        conform(pa.table({"object_id": [36411461425187990.0], "ra": [1.0]}), GALAXY, "x.csv")


def test_missing_numbers_pass_because_missing_is_a_cut_of_its_own():
    table = conform(pa.table({"object_id": [1, 2], "ra": [math.nan, None]}), GALAXY, "x.csv")
    assert math.isnan(table["ra"][0].as_py())
    assert table["ra"][1].as_py() is None
