"""Publishing: all or nothing, also when it is killed at any step; readers and writers never block each other."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swimmy_db import publishing
from swimmy_db.errors import SwimmyError
from swimmy_db.workspace import Workspace


class KilledError(BaseException):
    """Stands for a kill: nothing catches it."""


def contents(place: Workspace) -> dict[str, str]:
    """Every published file with its text; what is only on its way does not count."""
    return {
        path.relative_to(place.folder).as_posix(): path.read_text()
        for path in sorted(place.folder.rglob("*"))
        if path.is_file() and not path.relative_to(place.folder).parts[0].startswith(".")
    }


def old_state(place: Workspace) -> None:
    for name in ("scores/a/1.txt", "scores/b/1.txt", "settings.toml", "swimmy.duckdb"):
        path = place.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"old {name}")


def stage_new(place: Workspace) -> Path:
    """scores/ is replaced whole, journal/ gets a file, and the next database waits."""
    staging = place.folder / publishing.STAGING / "x"
    for name in ("scores/a/1.txt", "journal/j.txt"):
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"new {name}")
    publishing.replace_folder(staging / "scores")
    (place.folder / publishing.NEXT_DATABASE).write_text("new swimmy.duckdb")
    return staging


NEW = {
    "journal/j.txt": "new journal/j.txt",
    "scores/a/1.txt": "new scores/a/1.txt",
    "settings.toml": "old settings.toml",
    "swimmy.duckdb": "new swimmy.duckdb",
}


def test_commit_puts_files_and_database_in_place_and_leaves_nothing_behind(tmp_path):
    place = Workspace(tmp_path)
    old_state(place)
    publishing.commit(place, stage_new(place))
    assert contents(place) == NEW
    assert not (tmp_path / publishing.MANIFEST).exists()
    assert not (tmp_path / publishing.STAGING / "x").exists()


@pytest.mark.parametrize("step", range(40))
def test_a_kill_at_any_step_leaves_the_old_state_or_the_new(tmp_path, monkeypatch, step):
    place = Workspace(tmp_path)
    old_state(place)
    before = contents(place)
    staging = stage_new(place)
    calls = 0

    def counted(function):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls > step:
                raise KilledError
            return function(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("replace", "fsync"):
            patch.setattr(os, name, counted(getattr(os, name)))
        patch.setattr(publishing.shutil, "rmtree", counted(publishing.shutil.rmtree))
        with contextlib.suppress(KilledError):
            publishing.commit(place, staging)
    manifest_written = (tmp_path / publishing.MANIFEST).exists()
    with publishing.lock(place):
        after = {name: text for name, text in contents(place).items() if name != publishing.NEXT_DATABASE}
    if manifest_written or calls <= step:
        assert after == NEW
    else:
        assert after in (before, NEW)
    assert not (tmp_path / publishing.MANIFEST).exists()
    assert not (tmp_path / publishing.NEXT_DATABASE).exists()


def test_the_steps_above_reach_the_end_of_a_commit(tmp_path, monkeypatch):
    """Else the test above would not kill at every step."""
    place = Workspace(tmp_path)
    old_state(place)
    staging = stage_new(place)
    calls = []
    for name in ("replace", "fsync"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, **o: (calls.append(1), real(*a, **o))[1])
    publishing.commit(place, staging)
    assert 10 < len(calls) < 36


def test_one_writer_at_a_time_and_the_second_is_told_who(tmp_path):
    place = Workspace(tmp_path)
    second = (
        "import sys; from swimmy_db import publishing; from swimmy_db.workspace import Workspace\n"
        "from swimmy_db.errors import SwimmyError\n"
        "try:\n    publishing.lock(Workspace(sys.argv[1])).__enter__()\n"
        "except SwimmyError as error:\n    print(error)\n"
    )
    with publishing.lock(place):
        said = subprocess.run([sys.executable, "-c", second, str(tmp_path)], capture_output=True, text=True, check=True)
        assert f"process {os.getpid()}" in said.stdout
    again = subprocess.run([sys.executable, "-c", second, str(tmp_path)], capture_output=True, text=True, check=True)
    assert again.stdout == ""


def test_the_same_process_cannot_publish_inside_a_publication(tmp_path):
    place = Workspace(tmp_path)
    with publishing.lock(place), pytest.raises(SwimmyError, match="another swimmy"), publishing.lock(place):
        pass


def test_sha256_is_the_one_of_the_standard(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert publishing.sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
