"""One small embedded survey for the tests of this folder."""

import pyarrow.parquet as pq
import pytest

pytest.importorskip("galsim")
pytest.importorskip("kcorrect")

from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.population import plan
from swimmy_db.sources.simulated.survey import simulate


@pytest.fixture(scope="session")
def small_options():
    return SurveyOptions(n=60, seed=3, jobs=1, failing_each=1, unrelated_rows=20)


@pytest.fixture(scope="session")
def small_survey(tmp_path_factory, small_options):
    """downloads/ of a survey of 60 galaxies; the folder is read only by agreement."""
    downloads = tmp_path_factory.mktemp("survey") / "downloads"
    simulate(downloads, small_options)
    return downloads


@pytest.fixture(scope="session")
def small_truth(small_survey):
    return {row["object_id"]: row for row in pq.read_table(small_survey / "simulated" / "objects.parquet").to_pylist()}


@pytest.fixture(scope="session")
def default_plan():
    """The plan of the default survey of 3000: no pixels, two seconds."""
    return plan(SurveyOptions())
