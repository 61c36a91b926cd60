"""All commands: help, a place in the README, exit codes, and that a fresh workspace says which command comes first."""

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from swimmy_db.cli.main import app

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands
# What each command needs beside the workspace; every command of the program is here.
ARGUMENTS = {
    "ingest": ("hsc", "--from", "nowhere"),
    "pipeline": (),
    "select": (),
    "stamps": (),
    "cubes": (),
    "train": (),
    "score": (),
    "candidates": (),
    "paper": (),
    "sql": ("select 1",),
    "export": ("model.candidates", "--to", "x.csv"),
    "match": ("list.csv",),
    "why": ("36411461425187990",),
    "stamp": ("36411461425187990",),
    "status": (),
    "verify": (),
    "rebuild": (),
    "settings": (),
    "report": (),
    "cite": (),
}


def test_the_list_above_is_of_all_commands():
    assert COMMANDS.keys() == ARGUMENTS.keys()


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_command_has_help_with_a_sentence_for_each_option(name):
    command = COMMANDS[name]
    assert command.help
    assert len(command.help.split()) > 4
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_command_is_in_the_readme(name):
    assert re.search(rf"\bswimmy {name}\b", README), f"README.md does not say what `swimmy {name}` is for"


@pytest.mark.parametrize("name", set(ARGUMENTS) - {"ingest"})
def test_every_command_on_a_fresh_workspace_says_which_comes_first(swimmy, tmp_path, name):
    (tmp_path / "list.csv").write_text("ra,dec\n10,10\n")
    done = swimmy(name, *ARGUMENTS[name])
    assert (done.code, done.out) == (1, "")
    assert "First `swimmy ingest demo`" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "workspace" / "swimmy.duckdb").exists()


def test_usage_errors_exit_with_2_and_input_errors_with_3(swimmy, bare):
    assert swimmy("nothing").code == 2
    assert swimmy("sql").code == 2
    assert swimmy("why", "a-name", workspace=bare).code == 2
    refused = swimmy(*("ingest", *ARGUMENTS["ingest"]), workspace=bare)
    assert (refused.code, refused.out) == (3, "")
    bare.settings_file.write_text("runs = 'many'\n")
    assert swimmy("settings", workspace=bare).code == 3


def test_help_is_fast_and_loads_nothing_heavy():
    """DESIGN: `swimmy --help` under 0.5 s; processor time, because other tests share the cores."""
    call = ["-c", "from swimmy_db.cli.main import run; run()", "--help"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run([sys.executable, *call], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "candidates" in shown.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    listed = subprocess.run([sys.executable, "-X", "importtime", *call], capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in listed.stderr.splitlines() if "|" in line}
    assert {"typer", "swimmy_db"} <= loaded
    assert not loaded & {"torch", "astropy", "duckdb", "pyarrow", "numpy", "matplotlib", "galsim", "polars", "scipy"}


def test_no_colour_and_no_bar_off_a_terminal(swimmy, bare):
    for arguments in (("status",), ("verify",), ("settings",), ("sql", "from survey.bands"), ("--help",)):
        done = swimmy(*arguments, workspace=bare if arguments != ("--help",) else None)
        assert done.code == 0, done.err
        assert "\x1b" not in done.out + done.err
