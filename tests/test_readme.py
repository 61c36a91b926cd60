"""The README is what a newcomer types first: its queries are the files of sql/examples, its commands exist and run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from swimmy_db import sql_models
from swimmy_db.catalog import open_catalog
from swimmy_db.workspace import Workspace

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("swimmy ")]


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()


def test_every_query_is_an_example_file():
    examples = {without_comments(text) for _, text in sql_models.load_examples()}
    assert len(blocks("sql")) >= 4
    assert all(without_comments(block) in examples for block in blocks("sql"))


@pytest.mark.parametrize(("name", "text"), sql_models.load_examples(), ids=lambda value: value[:30])
def test_every_example_runs_on_a_survey_that_went_through(demo_survey, name, text):
    with open_catalog(Workspace(demo_survey), locked_down=True) as catalog:
        rows = catalog.arrow(text)
    # on 60 galaxies no XELG need have been missed, and no candidate be without a class
    assert len(rows) > 0 or name in ("why_not_selected", "unknown_to_agn_catalogues")


def run(arguments: list[str], folder: Path, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "from swimmy_db.cli.main import run; run()", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, **kwargs,
    )  # fmt: skip


def test_the_tour_runs_as_it_stands(demo, tmp_path):
    with open_catalog(demo) as catalog:
        object_id, ra, dec = catalog.rows("select object_id, ra, dec from model.candidates order by object_id limit 1")[
            0
        ]
    (demo.folder.parent / "my_list.csv").write_text(f"name,ra,dec\nmine,{ra!r},{dec!r}\n", encoding="utf-8")
    told = [command for command in commands() if command[0] not in ("ingest", "settings")]
    assert {"select", "stamps", "cubes", "train", "score", "candidates", "why", "export", "match"} <= {
        c[0] for c in told
    }
    for command in told:
        words = [str(object_id) if word == "36411461425187990" else word for word in command]
        result = run(words, demo.folder.parent)
        assert result.returncode == 0, (words, result.stderr)
    assert (demo.folder.parent / "candidates.fits").stat().st_size > 2880
    assert (demo.folder.parent / "galaxy.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_every_link_leads_somewhere(path):
    assert (ROOT / path).exists()
