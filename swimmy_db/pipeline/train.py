"""Stage `train`: the runs of all experiments (paper, section 3.1 and appendix 1)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.catalog import Publication
from swimmy_db.config import Settings
from swimmy_db.contracts import load_contract
from swimmy_db.errors import SwimmyError
from swimmy_db.pipeline.experiments import experiments_of
from swimmy_db.pipeline.stage import Stage, Work, code_version, digest, files_of

TRAINING_SETTINGS = (
    "cube_set",
    "experiment",
    "latent_dim",
    "noise_std",
    "epochs",
    "first_saved_epoch",
    "batch_size",
    "learning_rate",
    "learning_rate_after",
    "learning_rate_epoch",
    "validation_fraction",
    "batchnorm_momentum",
    "seed",
    "training_precision",
)
CODE = (
    "swimmy_db.model.dcae",
    "swimmy_db.model.fast_forms",
    "swimmy_db.model.train",
    "swimmy_db.model.checkpoints",
    "swimmy_db.model.state",
    "swimmy_db.model.optimiser",
    "swimmy_db.model.machine",
    "swimmy_db.cubes.store",
)
TABLES = ("runs", "epochs", "checkpoints")
LISTING = "listing"


def compute(work: Work) -> None:
    """Train what is not trained yet; the checkpoints stay where they are written, one folder a run.

    Raises SwimmyError where there is nothing to train on.
    """
    from swimmy_db.cubes.store import CubeRecipe, CubeSet
    from swimmy_db.model.checkpoints import RunConfig
    from swimmy_db.model.machine import devices
    from swimmy_db.model.train import train_runs

    settings = work.settings
    recipe = CubeRecipe.from_settings(settings)
    wanted = [row[0] for row in work.catalog.rows(TRAINING_SAMPLE, [settings.cube_set])]
    if len(wanted) < 10:
        raise SwimmyError(
            f"only {len(wanted)} galaxies of survey.classes have is_training and a cube; a network needs more. "
            '`swimmy sql "select * from survey.cut_flow"` shows where galaxies were lost'
        )
    ids, cubes = CubeSet(work.workspace.cubes / settings.cube_set, recipe).load(np.array(wanted, np.int64))
    configs = []
    for experiment in experiments_of(settings):
        mark = training_mark(work, experiment, ids)
        for run in range(experiment.runs):
            # An id is never used twice: other cubes, settings or code make other runs, whose files stand beside the
            # old ones.
            run_id = f"{experiment.experiment}-{mark}-r{run:02d}"
            configs.append(replace(RunConfig.from_settings(experiment, run), run_id=run_id))
    results = train_runs(
        cubes,
        configs,
        recipe,
        settings.cube_set,
        work.workspace.checkpoints,
        jobs=settings.training_jobs,
        devices=devices(),
        progress=work.progress,
    )
    rows = {name: [] for name in TABLES}
    for result in results:
        rows["runs"].append(result.run)
        rows["epochs"] += result.epochs
        rows["checkpoints"] += [{**row, "path": f"checkpoints/{row['path']}"} for row in result.checkpoints]
    for name, listed in rows.items():
        path = work.staging / "checkpoints" / LISTING / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = load_contract(f"model.{name}").arrow_schema()
        pq.write_table(pa.Table.from_pylist(listed, schema=schema), path)
    work.kept_files |= {row["path"]: work.workspace.folder / row["path"] for row in rows["checkpoints"]}


TRAINING_SAMPLE = """
    select object_id
    from survey.classes
    inner join survey.cubes using (object_id)
    where is_training and cube_set = ?
    order by object_id
"""


def training_mark(work: Work, experiment: Settings, ids: np.ndarray) -> str:
    """Short hash of all that an experiment's weights depend on but the number of the run."""
    values = [getattr(experiment, name) for name in TRAINING_SETTINGS]
    pixels = work.catalog.rows("select path, sha256 from meta.files where source = 'cubes' order by path")
    return digest([values, pixels, ids.tolist(), code_version(CODE)])[:6]


def load(publication: Publication, root: Path) -> None:
    for name in TABLES:
        publication.load(f"model.{name}", sorted(root.glob(f"checkpoints/{LISTING}/{name}.parquet")))


STAGE = Stage(
    "train",
    "train the autoencoder",
    reads=("survey.cubes", "survey.classes", "survey.bands", "survey.instrument", files_of("cubes")),
    settings=(*TRAINING_SETTINGS, "runs", "experiments"),
    code=(*CODE, "swimmy_db.pipeline.train", "swimmy_db.pipeline.experiments"),
    sql=True,
    compute=compute,
    load=load,
)
