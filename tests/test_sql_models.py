"""The .sql files keep their promises: headers, reads, contracts, settings, order; and they work in the bare shell."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from swimmy_db import sql_models
from swimmy_db.config import load_preset, scalar_fields, setting_rows
from swimmy_db.contracts import contracts_of, load_contract
from swimmy_db.errors import SwimmyError
from swimmy_db.sql_models import load_checks, load_examples, load_macros, load_models, tables_read

TYPES = {
    "bool": "BOOLEAN",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "string": "VARCHAR",
    "timestamp[us]": "TIMESTAMP",
    "list<float32>": "FLOAT[]",
    "list<float64>": "DOUBLE[]",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database file in which every stage has run on a survey without objects. Returns its path."""
    path = tmp_path_factory.mktemp("sql") / "swimmy.duckdb"
    settings = load_preset("paper", samples="specz,colour,own")
    made = {model.name for model in load_models()}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as swimmy (storage_version 'v1.5.0'); use swimmy")
        for schema in ("raw", "survey", "model", "paper", "meta"):
            connection.execute(f"create schema {schema}")
            for table in set(contracts_of(schema)) - made:
                contract = load_contract(table)
                listing = ", ".join(f'"{name}" {TYPES[column.type]}' for name, column in contract.columns.items())
                listing += ", sky_cell bigint" if contract.keeps_cells else ""
                connection.execute(f"create table {table} ({listing})")
        for row in setting_rows(settings, settings):
            connection.execute("insert into meta.settings values (?, ?, ?, ?, ?, ?, ?)", list(row.values()))
        for position, band in enumerate(settings.bands):
            row = band.model_dump() | {"position": position}
            listing = ", ".join(row)
            connection.execute(
                f"insert into survey.bands ({listing}) values ({', '.join('?' * len(row))})", [*row.values()]
            )
        sql_models.create_macros(connection)
        for model in load_models():
            sql_models.run_model(connection, model)
    return path


def test_each_model_comes_after_those_that_it_reads():
    models = load_models()
    names = [model.name for model in models]
    assert len(set(names)) == len(names)
    for number, model in enumerate(models):
        assert not set(model.reads) & set(names[number:]), f"{model.name} runs before what it reads"
    stages = {model.name: sql_models.STAGES.index(model.stage) for model in models}
    for model in models:
        assert all(stages[read] <= stages[model.name] for read in model.reads if read in stages)
    assert {model.stage for model in models} == set(sql_models.STAGES)
    assert load_models("select") == tuple(model for model in models if model.stage == "select")


def test_reads_lines_are_what_the_statements_name():
    for model in load_models():
        assert model.reads == tables_read(model.text, makes=model.name), model.path
    for macro in load_macros():
        if "setting" not in macro.names:
            assert macro.reads == tables_read(macro.text), macro.path
    for check in load_checks():
        assert check.reads == tables_read(check.text), check.path


def parsed_tables(connection, select):
    """Tables that DuckDB's parser finds in a SELECT, as `schema.table`; None where it cannot write the tree down."""
    document = json.loads(connection.execute("select json_serialize_sql(?)", [select]).fetchone()[0])
    if document["error"]:
        return None
    found, nodes = set(), [document]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE" and node["schema_name"]:
                found.add(f"{node['schema_name']}.{node['table_name']}")
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node
    return found


def test_reads_lines_are_what_duckdb_parses():
    through_macros = {table for macro in load_macros() for table in macro.reads}
    n_parsed = 0
    with duckdb.connect() as connection:
        for model in load_models():
            select = sql_models.strip_comments(model.text).partition(" as\n")[2].strip().rstrip(";")
            parsed = parsed_tables(connection, select)
            if parsed is None:
                # a PIVOT over the survey's bands is two statements
                assert "pivot " in select, model.path
                continue
            n_parsed += 1
            in_text = set(re.findall(r"'((?:raw|survey|model)\.[a-z_]+)'", select))
            assert parsed <= set(model.reads), model.path
            assert set(model.reads) - parsed <= through_macros | in_text, model.path
    assert n_parsed >= len(load_models()) - 1


def test_every_table_made_keeps_its_contract(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        for model in load_models():
            contract = load_contract(model.name)
            expected = [(name, TYPES[column.type]) for name, column in contract.columns.items()]
            found = [row[:2] for row in connection.execute(f"describe {model.name}").fetchall()]
            assert found == expected, model.name
            assert set(contract.key) <= set(contract.columns)


def test_settings_that_sql_reads_exist():
    named = {name for model in load_models() for name in model.settings}
    named |= {name for macro in load_macros() for name in macro.settings}
    assert named <= set(scalar_fields())
    assert "fraction_2sigma" in next(m.settings for m in load_models() if m.name == "model.selection_thresholds")


def test_macros_and_views_work_in_a_fresh_read_only_session(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set enable_external_access = false; set lock_configuration = true")
        assert connection.execute("select setting('magnitude_max'), setting_text('magnitude_band')").fetchone() == (
            20,
            "i",
        )
        for call in (
            "candidates_of('a', 'specz', 'disc')",
            "thresholds_of('model.selection_scores')",
            "rank_cut_of('model.scores', 'model.thresholds')",
            "crossmatch('survey.galaxies', object_id, 'survey.parents', object_id, 1)",
            "survey.cut_values",
            "model.rank_cut",
        ):
            assert connection.execute(f"from {call}").fetchall() == []
        for _, text in load_examples():
            connection.execute(text).fetchall()


def test_files_open_with_their_header_and_keep_the_house_style():
    for folder in ("survey", "model", "paper", "macros", "checks"):
        for path, text in sql_models._files(folder):
            lines = text.splitlines()
            assert [line.split(":")[0] for line in lines[:3]] == ["-- makes", "-- reads", "-- paper"], path
            code = sql_models.strip_comments(text)
            words = re.sub(r"'[^']*'", "", code)
            assert not re.search(r"\b(SELECT|FROM|WHERE|JOIN|CREATE|CASE|AND|OR|AS)\b", words), f"{path}: keywords"
            assert "truth." not in text, path
            if folder in ("survey", "model", "paper"):
                assert len(re.findall(r"create or replace (?:table|view)", code)) == 1, path
            elif folder == "checks":
                assert code.lstrip().startswith(("with", "select")), path


def test_a_header_that_lies_is_refused(monkeypatch):
    def one_file(text):
        monkeypatch.setattr(
            sql_models, "_files", lambda folder: [("sql/survey/a.sql", text)] if folder == "survey" else []
        )
        sql_models._all_models.cache_clear()
        try:
            return load_models()
        finally:
            sql_models._all_models.cache_clear()

    good = "-- makes: survey.a, a thing\n-- reads: survey.b\n-- paper: 1\ncreate or replace table survey.a as select 1;"
    assert [model.reads for model in one_file(good)] == [("survey.b",)]
    for bad, fault in (
        (good.replace("-- reads", "-- read"), "expected a line `-- reads: ...`"),
        (good.replace("makes: survey.a", "makes: survey.c"), "its name says survey.a"),
    ):
        with pytest.raises(SwimmyError, match=re.escape(fault)):
            one_file(bad)
    with pytest.raises(SwimmyError, match="circle"):
        sql_models._in_order({"a": {"b"}, "b": {"a"}}, "sql")


def test_a_failing_statement_names_its_file():
    broken = load_models("select")[0]._replace(text="create or replace table survey.x as select from nothing")
    with duckdb.connect() as connection, pytest.raises(SwimmyError, match=re.escape(broken.path)):
        sql_models.run_model(connection, broken)


def test_a_view_may_become_a_table_and_back():
    with duckdb.connect() as connection:
        view = load_models("select")[0]._replace(
            name="survey.x", text="create or replace view survey.x as select 1 as a"
        )
        table = view._replace(text="create or replace table survey.x as select 2 as a")
        for model, value in ((view, 1), (table, 2), (view, 1)):
            sql_models.run_model(connection, model)
            assert connection.execute("from survey.x").fetchone() == (value,)


def test_the_sql_is_where_the_package_says():
    assert (Path(__file__).parents[1] / "sql" / "survey" / "cuts.sql").is_file()
