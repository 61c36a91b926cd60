"""The number of processes follows the cores that this process may use."""

import os

from swimmy_db.processes import cores


def test_cores_are_those_that_the_process_may_use():
    assert 1 <= cores() <= (os.cpu_count() or 1)
