"""From nothing to stamps through the HSC services: the same survey as from files, also when the process is killed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from hashlib import sha256
from pathlib import Path

from servers.archives import TAP, serve_archives
from servers.files import Fault, serving
from servers.hsc import Answer

from swimmy_db.catalog import open_catalog
from swimmy_db.config import load_preset
from swimmy_db.pipeline.ingest import ingest_archives
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.sources import hsc
from swimmy_db.sources.fetching import FetchRequest
from swimmy_db.sql_models import load_models
from swimmy_db.workspace import Workspace

OTHERS = ("mpa-jhu", "dr16q", "milliquas", "gswlc", "sdss-spectra")
# where a stamp lies and which tar it came in are not what it is
HOW_IT_CAME = {"survey.stamps": ("member", "archive", "file", "row_group", "row_in_group")}


def silent(done: int, total: int | None) -> None:
    """No bar."""


def contents(workspace: Workspace, tables: list[str]) -> dict[str, list[str]]:
    """Rows of tables as sorted text, in which NaN equals NaN."""
    found = {}
    with open_catalog(workspace) as catalog:
        for table in tables:
            left_out = HOW_IT_CAME.get(table, ())
            columns = f"exclude ({', '.join(left_out)})" if left_out else ""
            found[table] = sorted(map(repr, catalog.rows(f"select * {columns} from {table}")))
    return found


def survey_tables() -> list[str]:
    return [model.name for model in load_models("select")] + ["survey.stamps"]


def bring(workspace: Workspace, folder: Path, server, downloads: Path, **options: str) -> None:
    """What an astronomer does who starts from nothing: fetch, ingest, select, stamps."""
    for name in OTHERS:
        shutil.copytree(downloads / name, folder / name, dirs_exist_ok=True)
    hsc.fetch(folder / "hsc", FetchRequest(load_preset("demo"), {**server.settings(), **options}), silent)
    ingest_archives(workspace, ["hsc", *OTHERS], folder, "demo")
    change_settings(workspace, {"hsc_cutouts": "service", **server.settings(), **options})
    for _ in run_stages(workspace, ["select", "stamps"]):
        pass


def test_the_fetched_survey_is_the_survey_of_the_files(hsc_server, demo_survey, tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    bring(workspace, tmp_path / "brought", hsc_server, demo_survey / "downloads", push_down="false")
    tables = survey_tables()
    ours, theirs = contents(workspace, tables), contents(Workspace(demo_survey), tables)
    assert [table for table in tables if ours[table] != theirs[table]] == []
    assert len(ours["survey.stamps"]) > 250


def test_coarse_cuts_on_the_server_change_no_member(hsc_server, demo_survey, tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    bring(workspace, tmp_path / "brought", hsc_server, demo_survey / "downloads", hsc_tracts_a_job="5")
    tables = ["survey.sample_members", "survey.galaxies", "survey.classes", "survey.line_strengths", "survey.stamps"]
    ours, theirs = contents(workspace, tables), contents(Workspace(demo_survey), tables)
    assert [table for table in tables if ours[table] != theirs[table]] == []
    count = "select count(*) from survey.parents"
    with open_catalog(workspace) as coarse, open_catalog(Workspace(demo_survey)) as whole:
        assert coarse.value(count) < whole.value(count)


# --- from nothing, as an astronomer types it

ARCHIVES = ("hsc", "mpa-jhu", "dr16q", "milliquas", "gama", "gswlc")
QUICK = {"runs": "1", "epochs": "2", "first_saved_epoch": "1", "training_jobs": "1", "validation_loss_ratio_max": "99"}


def type_in(workspace: Workspace, *arguments: str) -> str:
    """A command line; returns what it printed, and fails where it did."""
    command = [sys.executable, "-c", "from swimmy_db.cli.main import run; run()", *arguments]
    command += ["--workspace", str(workspace.folder)]
    ended = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_two_commands_lead_from_nothing_to_candidates(hsc_server, demo_survey, tmp_path):
    """All archives of the paper by one command, then the pipeline, over a network that is not at its best."""
    workspace = Workspace(tmp_path / "workspace")
    hsc_server.answers = [Answer("submit", 503, {"Retry-After": "1"}, b"busy"), Answer("cutout", 429, {}, b"busy")]
    hsc_server.cuts = [150_000, 0, 40_000]
    with serving() as archives:
        serve_archives(archives, demo_survey / "downloads")
        archives.faults["/dr3/data/cat/SpecCat/v27/SpecObj.fits"] = [Fault(cut=3000)]
        chosen = {f"hsc.{name}": value for name, value in (hsc_server.settings() | QUICK).items()} | {
            "network.first_wait": "0.01",
            "mpa-jhu.sas_url": f"{archives.url}/sas",
            "dr16q.sas_url": f"{archives.url}/sas",
            "milliquas.tap_url": f"{archives.url}{TAP}",
            "milliquas.parts": "3",
            "gama.base_url": archives.url,
            "gswlc.base_url": f"{archives.url}/gswlc",
        }
        options = [f"--option={name}={value}" for name, value in chosen.items()]
        said = type_in(workspace, "ingest", *ARCHIVES, "--preset", "demo", *options)
    said += type_in(workspace, "pipeline")
    tables = ["survey.sample_members", "survey.galaxies", "survey.line_strengths", "survey.stamps"]
    ours, theirs = contents(workspace, tables), contents(Workspace(demo_survey), tables)
    assert [table for table in tables if ours[table] != theirs[table]] == []
    with open_catalog(workspace) as catalog, open_catalog(Workspace(demo_survey)) as whole:
        for query in (
            "select object_id, class, milliquas_class from survey.classes order by all",
            "select distinct aperture, band, object_id from model.scores order by all",
        ):
            assert catalog.rows(query) == whole.rows(query) != []
        assert catalog.value("select count(*) from model.candidates") > 0
        files = catalog.rows("select path, url, fetched_at, bytes, sha256, acknowledgement from meta.files")
    brought = [row for row in files if row[0].startswith("downloads/")]
    assert {row[0].split("/")[1] for row in brought} == set(ARCHIVES)
    for path, url, fetched_at, size, checksum, thanks in brought:
        content = (workspace.folder / path).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (size, checksum)
        assert url.startswith("http://127.0.0.1")
        assert fetched_at
        assert thanks
    assert "S3cret" not in said
    for path in workspace.folder.rglob("*"):
        assert not path.is_file() or b"S3cret" not in path.read_bytes(), path
    assert not list((workspace.folder / ".partial").glob("*"))
    assert "nothing to do" in type_in(workspace, "pipeline")


# --- the process killed at random points

PROGRAM = """
import json, sys
from pathlib import Path
from swimmy_db.config import load_preset
from swimmy_db.pipeline.ingest import ingest_archives
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.sources import hsc
from swimmy_db.sources.fetching import FetchRequest
from swimmy_db.workspace import Workspace
from swimmy_db.cubes import stamp_spool

stamp_spool.PIECE_STAMPS = 16
folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
workspace = Workspace(folder / "workspace")
if not workspace.database.exists():
    hsc.fetch(folder / "brought" / "hsc", FetchRequest(load_preset("demo"), options), lambda done, total: None)
    ingest_archives(workspace, sys.argv[3].split(), folder / "brought", "demo")
change_settings(workspace, {"hsc_cutouts": "service", **options})
for _ in run_stages(workspace, ["select", "stamps"]):
    pass
"""


def run_until(server, arguments: list[str], n_requests: int) -> int:
    """Run the program; kill it when the server has had so many requests. Returns its exit code."""
    program = subprocess.Popen([sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments], env=os.environ)
    while program.poll() is None:
        if len(server.requests) >= n_requests:
            program.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    return program.wait(60)


def test_a_killed_run_goes_on_and_ends_as_an_undisturbed_one(hsc_server, demo_survey, tmp_path):
    """Killed among catalogue jobs and in the middle of tars; every stamp once or refused, little fetched for naught."""
    for name in OTHERS:
        shutil.copytree(demo_survey / "downloads" / name, tmp_path / "brought" / name)
    options = {**hsc_server.settings(), "push_down": "false", "hsc_tracts_a_job": "9", "hsc_list_rows": "60"}
    # slow enough to be hit in the middle
    hsc_server.drip = (50_000, 0.004)
    chance = random.Random(20231123)
    arguments = [str(tmp_path), json.dumps(options), " ".join(["hsc", *OTHERS])]
    kills, code = 0, -signal.SIGKILL
    while code != 0:
        # three kills while the catalogue comes, three while the cutouts do, at random
        step = chance.randint(10, 90) if kills < 3 else chance.randint(1, 4)
        code = run_until(hsc_server, arguments, len(hsc_server.requests) + step if kills < 6 else 10**9)
        assert code in (0, -signal.SIGKILL)
        kills += code != 0
    assert kills >= 4
    workspace, tables = Workspace(tmp_path / "workspace"), survey_tables()
    ours, theirs = contents(workspace, tables), contents(Workspace(demo_survey), tables)
    assert [table for table in tables if ours[table] != theirs[table]] == []
    rejects = "select object_id, band, split_part(reason, ':', 1) from meta.rejects where stage = 'stamps' order by all"
    with open_catalog(workspace) as catalog, open_catalog(Workspace(demo_survey)) as whole:
        assert catalog.rows(rejects) == whole.rows(rejects)
        twice = "select count(*) from (select object_id, band from survey.stamps group by all having count(*) > 1)"
        assert catalog.value(twice) == 0
        n_members = catalog.value("select count(*) from survey.sample_members")
    submitted = hsc_server.asked("submit")
    # a kill between the archive's answer and its note on disk costs a job, at most one for each that ran side by side
    assert len(submitted) - len(set(submitted)) <= 2 * kills
    # at most what was on the way at a kill is asked for twice
    assert sum(hsc_server.asked("cutouts")) <= 5 * n_members + kills * 4 * 60
    assert not list((tmp_path / "workspace" / ".partial").glob("stamps-*"))
