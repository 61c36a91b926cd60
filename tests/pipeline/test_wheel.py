"""The wheel: installed in an environment of its own, the search runs from any folder, without this checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """stdout of a command run as a user's shell would, without what this test's environment sets."""
    environment = {name: value for name, value in os.environ.items() if name != "SWIMMY_WORKSPACE"}
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """bin/ of a new environment that has the wheel, and everything else but swimmy_db from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves files in its folder, and takes up those of an earlier one
    for name in ("swimmy_db", "cli", "sql", "schemas"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source / name)
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", *build, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment", with_pip=False, symlinks=True)
    python = folder / "environment" / "bin" / "python"
    run(sys.executable, "-m", "pip", f"--python={python}", "install", "--no-deps", "--no-index", wheel, cwd=folder)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder / "environment")})
    # .pth files within a folder that is named in one are not read: this checkout's editable install stays out
    Path(packages, "test_environment.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python.parent


def test_the_wheel_carries_its_own_sql_contracts_and_commands(installed, tmp_path):
    where = (
        "import swimmy_db, swimmy_db.cli, swimmy_db.sql, swimmy_db.schemas as s; print(swimmy_db.__file__, s.__file__)"
    )
    for place in run(installed / "python", "-c", where, cwd=tmp_path).split():
        assert Path(place).is_relative_to(installed.parent)
    count = "from swimmy_db.sql_models import load_models, load_checks; print(len(load_models()), len(load_checks()))"
    models = len([path for name in ("survey", "model", "paper") for path in (ROOT / "sql" / name).glob("*.sql")])
    checks = len(list((ROOT / "sql" / "checks").glob("*.sql")))
    assert run(installed / "python", "-c", count, cwd=tmp_path).split() == [str(models), str(checks)]


def test_the_wheel_searches_a_survey_from_any_folder(installed, tmp_path):
    pytest.importorskip("galsim")
    pytest.importorskip("kcorrect")
    swimmy = installed / "swimmy"
    run(swimmy, "ingest", "demo", "--n", "60", cwd=tmp_path)
    short = ("runs=1", "epochs=2", "first_saved_epoch=1", "validation_loss_ratio_max=none")
    run(swimmy, "settings", *short, cwd=tmp_path)
    summary = run(swimmy, "pipeline", cwd=tmp_path)
    assert "SIMULATED SURVEY" in summary
    answer = run(swimmy, "sql", "select count(*) as n from model.candidates", "--json", cwd=tmp_path)
    assert '"n"' in answer
    assert (tmp_path / "workspace" / "swimmy.duckdb").is_file()
