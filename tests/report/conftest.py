"""What the report of the tiny embedded survey is drawn from."""

import pytest

from swimmy_db.catalog import open_catalog
from swimmy_db.pipeline.report import materials
from swimmy_db.workspace import Workspace


@pytest.fixture(scope="module")
def report_material(demo_survey):
    place = Workspace(demo_survey)
    # not for the whole session: while it is open, a locked-down session of another test would lock the database for all
    with open_catalog(place) as catalog:
        yield materials(place, catalog)[0]
