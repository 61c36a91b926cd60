"""The control that matters: the same galaxies with the same noise, their lines or their nucleus left out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from swimmy_db.config import Settings
from swimmy_db.cubes.build import StampBlock, build_cubes
from swimmy_db.cubes.cutouts import Stamp, read_cutout
from swimmy_db.cubes.store import CubeRecipe, CubeSet
from swimmy_db.cubes.writer import CubeSetWriter
from swimmy_db.model.score import score_checkpoints, selection_pairs
from swimmy_db.sources.hsc_cutouts import CutoutFile, read_cutout_tar
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.survey import render_controls

SCORES = "selection.parquet"


def matched_scores(
    folder: Path,
    options: SurveyOptions,
    settings: Settings,
    galaxies: pl.DataFrame,
    without: str,
    checkpoints: list[Path],
) -> list[Path]:
    """Score files, one a checkpoint, of the galaxies drawn again `without` 'lines' or 'nucleus'.

    galaxies: object_id, ra, dec (deg) and seeing_<band> (arcsec). The cubes are made as the survey's own are.
    """
    ids = galaxies["object_id"].to_list()
    render_controls(folder / "cutouts", options, ids, without)
    cubes = build_control_cubes(folder / "cubes", folder / "cutouts", settings, galaxies)
    return score_checkpoints(
        cubes,
        checkpoints,
        selection_pairs(settings.selection_bands),
        folder / "scores",
        SCORES,
        epsilon=settings.score_epsilon,
    )


def build_control_cubes(folder: Path, cutouts: Path, settings: Settings, galaxies: pl.DataFrame) -> CubeSet:
    """Tars of cutouts to a cube set: stamps, PSF match, stretch, crop. Raises ValueError if a galaxy gets no cube."""
    recipe = CubeRecipe.from_settings(settings)
    rejected = []
    with CubeSetWriter(folder, recipe) as writer:
        for block, rejects in build_cubes(control_stamps(cutouts, settings, galaxies), recipe):
            writer.add(block)
            rejected += rejects
    cubes = CubeSet(folder, recipe)
    if rejected or len(cubes) != len(galaxies):
        raise ValueError(f"{len(galaxies)} controls were drawn, {len(cubes)} became cubes; rejected: {rejected[:5]}")
    return cubes


def control_stamps(cutouts: Path, settings: Settings, galaxies: pl.DataFrame) -> Iterator[StampBlock]:
    """One block a tar; each galaxy has its five stamps in one tar."""
    bands = settings.band_names
    rows = {row["object_id"]: row for row in galaxies.iter_rows(named=True)}
    for tar in sorted(cutouts.glob("*.tar")):
        stamps: dict[int, dict[str, Stamp]] = {}
        for found in read_cutout_tar(tar, tar.with_suffix(".txt"), settings.bands):
            if not isinstance(found, CutoutFile):
                raise ValueError(f"{tar.name}: no cutout of {found.object_id} in {found.band}: {found.reason}")
            row = rows[found.object_id]
            stamps.setdefault(found.object_id, {})[found.band] = read_cutout(
                found.payload, row["ra"], row["dec"], object_id=found.object_id, band=found.band, tract=found.tract
            )
        ids = sorted(stamps)
        ordered = [[stamps[object_id][band] for band in bands] for object_id in ids]
        yield StampBlock(
            object_ids=np.array(ids, np.int64),
            ra=np.array([rows[object_id]["ra"] for object_id in ids]),
            dec=np.array([rows[object_id]["dec"] for object_id in ids]),
            pixels=[[stamp.pixels for stamp in some] for some in ordered],
            x=np.array([[stamp.x for stamp in some] for some in ordered]),
            y=np.array([[stamp.y for stamp in some] for some in ordered]),
            zero_point=np.array([[stamp.zero_point for stamp in some] for some in ordered]),
            seeing=np.array([[rows[object_id][f"seeing_{band}"] for band in bands] for object_id in ids]),
        )
