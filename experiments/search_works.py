"""Does the search work? The embedded survey of three seeds, searched as `make pipeline` does, beside its controls.

    python experiments/search_works.py [--folder FOLDER] [--seeds 1 2 3] [--n 3000] [--set NAME=VALUE ...]

Puts the tables and figures into docs/search-works.md. A seed that was measured already in the folder is not repeated.
About half an hour on two cores; needs the `demo` extra.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from search_works_controls import (
    colour_distance,
    colour_scores,
    nuclear_magnitudes,
    pca_scores,
    untrained_checkpoints,
)
from search_works_counts import Sample, class_masks, count_bands, count_groups, group_masks
from search_works_judge import (
    CHECKPOINTS,
    PICKED,
    frame,
    read_sample,
    selected_baselines,
    selected_by,
    selected_controls,
)
from search_works_matched import SCORES, matched_scores
from search_works_pictures import PICTURE, examples, picture
from search_works_report import write_report

from swimmy_db.analysis.rates import shuffled_rates
from swimmy_db.catalog import open_catalog
from swimmy_db.cubes.store import CubeSet
from swimmy_db.model.score import score_checkpoints, selection_pairs
from swimmy_db.pipeline.ingest import ingest_demo
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.workspace import Workspace

PAGE = Path(__file__).resolve().parent.parent / "docs" / "search-works.md"
RESULT = "measured.json"
SEEDS = (1, 2, 3)
UNTRAINED_SEEDS = (1, 2, 3)
SHUFFLED = ("XELG", "DR16Q")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="workspaces and measurements; default: a temporary folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--n", type=int, help="galaxies in a survey's sample; default: the embedded survey's own")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings other than the preset's")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="search-works-"))
    print(f"workspaces and measurements: {folder}", flush=True)
    changes = dict(change.split("=", 1) for change in arguments.set)
    results = []
    for seed in arguments.seeds:
        place = folder / f"seed-{seed}"
        if not (place / RESULT).exists():
            options = SurveyOptions(seed=seed, **({} if arguments.n is None else {"n": arguments.n}))
            workspace = Workspace(place / "workspace")
            seconds = search(workspace, options, changes)
            measured = measure(workspace, options, place)
            (place / RESULT).write_text(json.dumps(measured | {"seed": seed, "seconds": seconds}), encoding="utf-8")
        results.append(json.loads((place / RESULT).read_text(encoding="utf-8")))
    write_report(arguments.page, results)
    shutil.copyfile(
        folder / f"seed-{arguments.seeds[0]}" / PICTURE, arguments.page.with_name("search-works-examples.png")
    )


def search(workspace: Workspace, options: SurveyOptions, changes: Mapping[str, str]) -> dict[str, float]:
    """The whole pipeline on a new embedded survey. Returns seconds by stage."""
    started = time.monotonic()
    ingest_demo(workspace, options.model_dump(exclude_unset=True))
    seconds = {"ingest": time.monotonic() - started}
    # Other networks for another survey: the runs' seeds follow the survey's.
    # what is judged is the sample with redshifts: the truth of the colour sample is another question
    change_settings(workspace, {"seed": str(20210831 + 1000 * options.seed), "samples": "specz", **changes})
    for stage, taken in run_stages(workspace):
        seconds[stage.name] = taken or 0.0
        print(f"seed {options.seed} {stage.name:12s} {seconds[stage.name]:7.1f} s", flush=True)
    return seconds


def measure(workspace: Workspace, options: SurveyOptions, folder: Path) -> dict[str, Any]:
    """Counts (k of n) of every method and group, and the rates of every checkpoint."""
    settings = workspace.settings()
    with open_catalog(workspace) as catalog:
        connection = catalog.connection
        sample = read_sample(connection, settings.selection_bands)
        checkpoints = frame(connection, CHECKPOINTS)
        chosen = {name: selected_by(connection, sample, name) for name in checkpoints["checkpoint_id"]}
        picked = frame(connection, PICKED).row(0, named=True)
        paths = dict(checkpoints.select("checkpoint_id", "path").iter_rows())
        weights = [workspace.folder / paths[name] for name in dict.fromkeys(picked.values())]
        matched = {}
        for without, drawn in matched_galaxies(sample).items():
            place = folder / f"without-{without}"
            scores = matched_scores(place, options, settings, sample.objects.filter(drawn), without, weights)
            controls = {path.parent.name: selected_controls(connection, sample, path) for path in scores}
            matched[without] = {
                which: count_matched(sample, drawn, chosen[name], controls[name]) for which, name in picked.items()
            }
    cubes = CubeSet(workspace.cubes / settings.cube_set)
    picture(
        folder / PICTURE,
        workspace.folder / paths[picked["best"]],
        cubes,
        {without: CubeSet(folder / f"without-{without}" / "cubes") for without in matched},
        examples(sample, chosen[picked["best"]]),
    )
    selections = {which: chosen[name] for which, name in picked.items()}
    selections |= baselines(workspace, sample, cubes, folder, number=int(chosen[picked["best"]].any(axis=1).sum()))
    groups = group_masks(sample.objects)
    return {
        "picked": picked,
        "counts": {
            name: count_groups(found.any(axis=1), groups) | count_bands(sample, found)
            for name, found in selections.items()
        },
        "matched": matched,
        "checkpoints": class_rates(checkpoints, chosen, class_masks(sample.objects)),
        "shuffled": shuffled(chosen, sample),
    }


def matched_galaxies(sample: Sample) -> dict[str, np.ndarray]:
    """Who is drawn again without lines or without nucleus: XELGs, and whoever has a planted nucleus."""
    has_nucleus = sample.objects["nucleus_to_host"].is_not_null().to_numpy()
    is_xelg = ((sample.objects["class"] == "xelg") | sample.objects["xelg_planted"]).to_numpy()
    return {"lines": is_xelg & ~has_nucleus, "nucleus": has_nucleus}


def count_matched(
    sample: Sample, drawn: np.ndarray, chosen: np.ndarray, control: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Counts among the redrawn galaxies: as they are, without, and those selected only as they are."""
    groups = {
        table: {name: mask & drawn for name, mask in masks.items() if (mask & drawn).any()}
        for table, masks in group_masks(sample.objects).items()
    }
    as_they_are, without = chosen.any(axis=1), control.any(axis=1)
    return {
        "as they are": count_groups(as_they_are, groups),
        "without": count_groups(without, groups),
        "only as they are": count_groups(as_they_are & ~without, groups),
    }


def baselines(workspace: Workspace, sample: Sample, cubes: CubeSet, folder: Path, number: int) -> dict[str, np.ndarray]:
    """(object, band) bool of each baseline. The colour distance has no bands: its `number` largest are selected."""
    settings = workspace.settings()
    bands = settings.selection_bands
    training = sample.objects.filter(pl.col("is_training"))["object_id"].to_numpy()
    tables = {"PCA, 8 components": pca_scores("PCA, 8 components", cubes, training, bands, settings.score_epsilon)}
    paths = untrained_checkpoints(folder / "untrained", cubes.recipe, settings.cube_set, UNTRAINED_SEEDS)
    for seed, path in zip(
        UNTRAINED_SEEDS,
        score_checkpoints(cubes, paths, selection_pairs(bands), folder / "untrained", SCORES),
        strict=True,
    ):
        table = pq.read_table(path)
        name = f"untrained {seed}"
        names = pa.array([name] * len(table))
        tables[name] = table.set_column(0, table.schema.field(0), names)
    ids, magnitudes = nuclear_magnitudes(cubes, bands)
    fitted = np.isin(ids, training)
    tables["nuclear colour excess"] = colour_scores("nuclear colour excess", ids, magnitudes, fitted, bands)
    selections, _ = selected_baselines(workspace, sample, tables, folder)
    members = np.isin(ids, sample.objects["object_id"].to_numpy())
    distance = colour_distance(magnitudes, fitted)
    furthest = ids[members][np.argsort(-distance[members], kind="stable")[:number]]
    selections["nuclear colour distance"] = np.repeat(
        np.isin(sample.objects["object_id"].to_numpy(), furthest)[:, None], len(bands), axis=1
    )
    return selections


def class_rates(
    checkpoints: pl.DataFrame, chosen: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Each checkpoint's losses and its selection rate of each class."""
    rows = []
    for row in checkpoints.iter_rows(named=True):
        selected = chosen[row["checkpoint_id"]].any(axis=1)
        rows.append(row | {name: float(selected[mask].mean()) for name, mask in masks.items() if mask.any()})
    return rows


def shuffled(chosen: Mapping[str, np.ndarray], sample: Sample) -> dict[str, Any]:
    """Labels drawn at random, as many as there are: rates over candidate rate at the median and at the best checkpoint.

    The best is chosen anew in each draw, by the labels drawn: what the choice alone gains.
    """
    selected = np.stack([found.any(axis=1) for found in chosen.values()])
    base = selected.mean(axis=1)
    masks = class_masks(sample.objects)
    rates = {name: shuffled_rates(selected, masks[name], seed=i) for i, name in enumerate(SHUFFLED)}
    rule = sum(rates.values())
    order = np.argsort(rule, axis=1)
    draws = np.arange(len(rule))
    result = {}
    for which, column in (("best", order[:, -1]), ("median", order[:, (rule.shape[1] - 1) // 2])):
        multiples = {name: found[draws, column] / base[column] for name, found in rates.items()}
        result[which] = {
            name: {"mean": float(values.mean()), "percentiles": np.percentile(values, [2.5, 97.5]).tolist()}
            for name, values in multiples.items()
        }
    return result


if __name__ == "__main__":
    main()
