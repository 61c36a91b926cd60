"""The project's own questions (sql/queries): their headers, and that they wait for the tables that they read."""

from importlib import resources

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.errors import NotReady
from swimmy_db.pipeline.query import answer, ask, query_text
from swimmy_db.sql_models import tables_read

NAMES = sorted(file.name.removesuffix(".sql") for file in (resources.files("swimmy_db.sql") / "queries").iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_query_says_what_it_makes_reads_and_where_the_paper_has_it(name):
    makes, reads, paper = query_text(name).splitlines()[:3]
    assert makes.startswith("-- makes: ")
    assert paper.startswith("-- paper: ")
    said = {table for table in reads.removeprefix("-- reads:").replace(" ", "").split(",") if table}
    assert said == set(tables_read(query_text(name))) - {"meta.settings"}


def test_an_answer_waits_for_the_tables_that_it_reads(bare):
    with open_catalog(bare) as catalog:
        assert answer(catalog, "summary_table1") is None
        assert answer(catalog, "status_rejects") == []


def test_a_question_about_a_table_that_is_not_made_yet_says_so(bare):
    with (
        pytest.raises(NotReady, match="candidates is not made yet: `swimmy pipeline`"),
        ask(bare, "from model.candidates"),
    ):
        pass


def test_batches_that_nobody_read_do_not_lock_the_next_session(bare):
    with ask(bare, "from range(1_000_000)") as (_, batches):
        left_unread = batches
    with open_catalog(bare) as catalog:
        assert catalog.value("select 1") == 1
    del left_unread


def test_a_question_locks_no_session_beside_it(bare):
    with open_catalog(bare) as beside:
        with ask(bare, "select 1") as (_, batches):
            batches.read_all()
        with ask(bare, "select 1") as (_, batches), open_catalog(bare) as third:
            assert third.value("select 1") == beside.value("select 1") == 1
