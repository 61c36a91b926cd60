"""Stages `score` and `score_best`: anomaly scores of the sample by the checkpoints (paper, section 3.2, equation 6)."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from swimmy_db.catalog import Publication
from swimmy_db.errors import SwimmyError
from swimmy_db.pipeline.stage import Stage, Work, code_version, digest, files_of
from swimmy_db.publishing import replace_folder

SELECTION_FILE = "selection.parquet"
BEST_FILE = "full.parquet"
CODE = (
    "swimmy_db.model.score",
    "swimmy_db.model.checkpoints",
    "swimmy_db.cubes.store",
    "swimmy_db.model.fast_forms",
    "swimmy_db.model.dcae",
    "swimmy_db.pipeline.score",
)
SCORED = (
    "select distinct object_id from survey.cubes inner join survey.sample_members using (object_id) where cube_set = ?"
)


def compute_selection(work: Work) -> None:
    """Score the sample by every usable checkpoint, in the selection bands, over the central disc."""
    from swimmy_db.model.score import selection_pairs

    paths = work.catalog.rows("select path from model.usable_checkpoints order by checkpoint_id")
    if not paths:
        raise SwimmyError(
            "no checkpoint is fit to score with: each validation loss exceeds validation_loss_ratio_max times the "
            "training loss. Train longer (`swimmy settings epochs=...`), with smaller batches or a faster "
            'batchnorm_momentum; `swimmy sql "from model.epochs"` shows the losses'
        )
    write_scores(work, [path for (path,) in paths], selection_pairs(work.settings.selection_bands), SELECTION_FILE)


def compute_best(work: Work) -> None:
    """Score the sample by the published experiment's best checkpoints in every other band and aperture."""
    from swimmy_db.model.score import remaining_pairs

    paths = work.catalog.rows(
        "select distinct path from model.best_checkpoint inner join model.checkpoints using (checkpoint_id) "
        "where experiment = ? order by path",
        [work.settings.experiment],
    )
    pairs = remaining_pairs(work.settings.band_names, work.settings.selection_bands)
    write_scores(work, [path for (path,) in paths], pairs, BEST_FILE)


def write_scores(work: Work, paths: Sequence[str], pairs: Sequence[tuple[str, str]], file_name: str) -> None:
    """One file a checkpoint; those of an interrupted run are kept, and those of an earlier one that are still right.

    So an experiment that is added is scored alone.
    """
    from swimmy_db.cubes.store import CubeRecipe, CubeSet
    from swimmy_db.model.machine import devices
    from swimmy_db.model.score import score_checkpoints, scores_made_from

    settings = work.settings
    cubes = CubeSet(work.workspace.cubes / settings.cube_set, CubeRecipe.from_settings(settings))
    ids = np.array([row[0] for row in work.catalog.rows(SCORED, [settings.cube_set])], np.int64)
    names = dict(work.catalog.rows("select path, checkpoint_id from model.checkpoints"))
    pixels = work.catalog.rows("select path, sha256 from meta.files where source = 'cubes' order by path")
    mark = digest([pixels, ids.tolist(), list(pairs), settings.score_epsilon, code_version(CODE)])
    published = work.workspace.scores / file_name.removesuffix(".parquet")

    def file_of(path: str) -> Path | None:
        """The checkpoint's scores where they are already; an id is never used twice, so its weights are the same."""
        places = (work.partial / names[path] / file_name, published / names[path] / file_name)
        return next((place for place in places if scores_made_from(place) == mark), None)

    left = [work.workspace.folder / path for path in paths if file_of(path) is None]
    score_checkpoints(
        cubes,
        left,
        pairs,
        work.partial,
        file_name,
        ids,
        epsilon=settings.score_epsilon,
        batch_size=settings.scoring_batch_size,
        device=devices()[0],
        progress=work.progress,
        made_from=mark,
    )
    for path in paths:
        target = work.staging / "scores" / file_name.removesuffix(".parquet") / names[path] / file_name
        target.parent.mkdir(parents=True, exist_ok=True)
        # the published file keeps its place until the new ones are published
        shutil.copy2(file_of(path), target)
    replace_folder(work.staging / "scores" / file_name.removesuffix(".parquet"))


def load_selection(publication: Publication, root: Path) -> None:
    publication.load("model.selection_scores", sorted(root.glob(f"scores/*/*/{SELECTION_FILE}")))


def load_best(publication: Publication, root: Path) -> None:
    publication.load("model.best_scores", sorted(root.glob(f"scores/*/*/{BEST_FILE}")))


SELECTION = Stage(
    "score",
    "anomaly scores of the sample by every checkpoint",
    reads=(
        "survey.cubes",
        "survey.sample_members",
        "survey.bands",
        "survey.instrument",
        "model.checkpoints",
        "model.usable_checkpoints",
        files_of("cubes"),
    ),
    settings=("cube_set", "score_epsilon"),
    code=CODE,
    compute=compute_selection,
    load=load_selection,
)
BEST = Stage(
    "score_best",
    "every band and aperture by the best checkpoint",
    reads=(
        "survey.cubes",
        "survey.sample_members",
        "survey.bands",
        "survey.instrument",
        "model.checkpoints",
        "model.best_checkpoint",
        files_of("cubes"),
    ),
    settings=("cube_set", "score_epsilon", "experiment"),
    code=CODE,
    compute=compute_best,
    load=load_best,
)
