"""What training longer changes: the search of one measured survey by networks trained to the paper's number of steps.

    python experiments/search_works_curve.py --folder FOLDER [--seed 1] [--epochs 100] [--batch-size 8]

FOLDER is that of search_works.py, after it: its cubes and redrawn controls are scored. Puts a table and a figure into
docs/search-works.md. Ten minutes on two idle cores.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from search_works import PAGE
from search_works_counts import CLASS_MASKS, class_masks
from search_works_judge import read_sample, selected_baselines
from search_works_matched import SCORES
from search_works_page import BASE, fill, markdown, plot_long

from swimmy_db.catalog import open_catalog
from swimmy_db.cubes.store import CubeSet
from swimmy_db.model.checkpoints import RunConfig
from swimmy_db.model.score import score_checkpoints, selection_pairs
from swimmy_db.model.train import train_runs
from swimmy_db.workspace import Workspace

RUNS = 2
WITHOUT = {"lines": "XELG", "nucleus": "DR16Q"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--every", type=int, default=10, help="epochs between scored checkpoints")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    place = arguments.folder / f"seed-{arguments.seed}"
    result = place / "long" / "measured.json"
    if not result.exists():
        rows = measure(place, arguments.epochs, arguments.batch_size, arguments.every)
        result.write_text(json.dumps(rows), encoding="utf-8")
    rows = json.loads(result.read_text(encoding="utf-8"))
    fill(arguments.page, {"long": table(rows)})
    plot_long(arguments.page.with_name("search-works-long.png"), rows, WITHOUT)


def measure(place: Path, epochs: int, batch_size: int, every: int) -> list[dict[str, Any]]:
    """Losses, rates and the rates of redrawn controls, one row a scored checkpoint."""
    workspace = Workspace(place / "workspace")
    settings = workspace.settings()
    cubes = CubeSet(workspace.cubes / settings.cube_set)
    with open_catalog(workspace) as catalog:
        sample = read_sample(catalog.connection, settings.selection_bands)
    training = sample.objects.filter(pl.col("is_training"))["object_id"].to_numpy()
    # The preset's schedule, stretched: the learning rate falls after the same share of the epochs.
    stretched = {
        "batch_size": batch_size,
        "epochs": epochs,
        "first_saved_epoch": every,
        "learning_rate_epoch": round(epochs * settings.learning_rate_epoch / settings.epochs),
    }
    configs = [replace(RunConfig.from_settings(settings, run), **stretched) for run in range(RUNS)]
    configs = [replace(config, run_id=f"long-r{run:02d}") for run, config in enumerate(configs)]
    results = train_runs(
        cubes.load(training)[1], configs, cubes.recipe, settings.cube_set, place / "long", jobs=RUNS, progress=report
    )
    paths = [
        place / "long" / row["path"] for found in results for row in found.checkpoints if row["epoch"] % every == 0
    ]
    pairs, epsilon = selection_pairs(settings.selection_bands), settings.score_epsilon
    scored = score_checkpoints(cubes, paths, pairs, place / "long" / "scores", SCORES, epsilon=epsilon)
    redrawn_cubes = {without: CubeSet(place / f"without-{without}" / "cubes") for without in WITHOUT}
    controls = {
        without: score_checkpoints(some, paths, pairs, place / "long" / without, SCORES, epsilon=epsilon)
        for without, some in redrawn_cubes.items()
    }
    tables = {path.parent.name: pq.read_table(path) for path in scored}
    chosen, redrawn = selected_baselines(workspace, sample, tables, place / "long", controls)
    masks = class_masks(sample.objects)
    # XELGs with a planted nucleus were not redrawn without lines.
    drawn = {
        without: masks[group] & np.isin(sample.objects["object_id"].to_numpy(), redrawn_cubes[without].object_ids)
        for without, group in WITHOUT.items()
    }
    losses = {(row["run_id"], row["epoch"]): row for found in results for row in found.epochs}
    rows = []
    for config in configs:
        n_steps = -(-(len(training) - round(len(training) * config.validation_fraction)) // config.batch_size)
        for epoch in range(every, epochs + 1, every):
            name = config.checkpoint_id(epoch)
            row = losses[config.run_id, epoch] | {"steps": epoch * n_steps}
            row |= {group: float(chosen[name].any(axis=1)[mask].mean()) for group, mask in masks.items()}
            for without, group in WITHOUT.items():
                row[f"{group} without {without}"] = float(redrawn[without, name].any(axis=1)[drawn[without]].mean())
            rows.append(row)
    return rows


def report(done: int, total: int | None) -> None:
    if total and done % max(total // 10, 1) == 0:
        print(f"{done} of {total} epochs", flush=True)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Mean of the runs at each number of steps: losses, candidate rate, rates with their multiples, controls."""
    lines = []
    for steps in sorted({row["steps"] for row in rows}):
        some = [row for row in rows if row["steps"] == steps]
        mean = {
            name: float(np.mean([row[name] for row in some]))
            for name in (*CLASS_MASKS, "train_loss", "validation_loss")
        }
        cells = [f"{steps}", f"{1e4 * mean['train_loss']:.1f}", f"{1e4 * mean['validation_loss']:.1f}"]
        cells.append(f"{100 * mean[BASE]:.1f} %")
        cells += [
            f"{100 * mean[name]:.0f} % ({mean[name] / mean[BASE]:.1f}x)"
            for name in ("XELG", "DR16Q", "type I", "type II")
        ]
        for without, group in WITHOUT.items():
            cells.append(f"{100 * np.mean([row[f'{group} without {without}'] for row in some]):.0f} %")
        lines.append(cells)
    header = ["steps", "training loss, 1e-4", "validation loss, 1e-4", BASE, "XELG", "DR16Q", "type I", "type II"]
    return markdown([*header, "XELG, no lines", "DR16Q, no nucleus"], lines)


if __name__ == "__main__":
    main()
