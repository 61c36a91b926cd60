"""Run `swimmy ...` in this process, as its entry point does: exit code, stdout and stderr apart."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
from swimmy_db.cli.main import run

from swimmy_db.workspace import ENVIRONMENT_VARIABLE


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def swimmy(capfd, monkeypatch, tmp_path) -> Callable[..., Result]:
    """swimmy("sql", "select 1", workspace=place) -> Result; the current folder is a temporary one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)

    def call(*arguments: object, workspace=None) -> Result:
        place = [] if workspace is None else ["--workspace", str(workspace.folder)]
        monkeypatch.setattr(sys, "argv", ["swimmy", *map(str, arguments), *place])
        capfd.readouterr()
        code = 0
        try:
            run()
        except SystemExit as ended:
            code = ended.code or 0
        return Result(code, *capfd.readouterr())

    return call
