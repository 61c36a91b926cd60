"""Read one searched workspace: its sample with the truth, and whom each set of weights or control selects, by SQL."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from search_works_counts import Sample

from swimmy_db import sql_models
from swimmy_db.workspace import Workspace

SAMPLE = "specz"
OBJECTS = f"""
    select
        c.object_id, g.ra, g.dec, g.redshift, c.class, c.is_training, c.milliquas_class,
        l.xelg_ew, l.ew_oii, l.ew_hbeta_oiii, l.ew_halpha_nii,
        t.kind, t.xelg_planted, t.line_place, t.nucleus_to_host, t.artefact,
        greatest(t.line_share_g, t.line_share_r, t.line_share_i) as line_share,
        p.cmodel_mag as i_mag
    from survey.classes c
    inner join survey.sample_members m on m.object_id = c.object_id and m.sample = '{SAMPLE}'
    inner join survey.cubes u on u.object_id = c.object_id
    inner join survey.galaxies g on g.object_id = c.object_id
    inner join truth.objects t on t.object_id = c.object_id
    inner join survey.photometry p on p.object_id = c.object_id and p.band = 'i'
    left join survey.line_strengths l on l.object_id = c.object_id
    order by c.object_id
"""
BY_BAND = {
    "ew_band": "select object_id, band, ew_band as value from survey.band_line_strengths",
    "seeing": "select object_id, band, seeing_fwhm as value from survey.photometry",
}
SELECTED = """
    select object_id, band
    from model.above_threshold
    where checkpoint_id = ? and aperture = 'disc' and sample = ? and is_selected
"""
# The same galaxies drawn without their lines or nucleus: the thresholds stay those of the survey.
CONTROLS_SELECTED = """
    select s.object_id, s.band
    from read_parquet(?) s
    inner join model.selection_thresholds t using (checkpoint_id, aperture, band)
    where t.sample = ? and t.level = '2sigma' and s.s_anom >= t.s_anom_min and s.residual_flux > 0
"""
CHECKPOINTS = """
    select
        c.checkpoint_id, c.run_id, c.epoch, c.path, e.train_loss, e.validation_loss,
        c.epoch * ceil(r.n_train / r.batch_size) as steps
    from model.checkpoints c
    inner join model.epochs e on e.run_id = c.run_id and e.epoch = c.epoch
    inner join model.runs r on r.run_id = c.run_id
    where c.checkpoint_id in (select distinct checkpoint_id from model.selection_scores)
    order by c.checkpoint_id
"""
# Rank by r_DR16Q + r_XELG: the paper's choice, and the checkpoint in the middle.
PICKED = f"""
    select checkpoint_id as best, median_checkpoint_id as median
    from model.best_checkpoint
    where sample = '{SAMPLE}' and aperture = 'disc'
"""
SELECTION_MODELS = ("model.selection_thresholds", "model.above_threshold")


def frame(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | None = None) -> pl.DataFrame:
    return pl.from_arrow(connection.sql(sql, params=parameters or []).to_arrow_table())


def read_sample(connection: duckdb.DuckDBPyConnection, bands: tuple[str, ...]) -> Sample:
    """The scored members of the sample, ascending by object_id, with what the page groups them by."""
    objects = frame(connection, OBJECTS)
    for name, sql in BY_BAND.items():
        wide = frame(connection, sql).pivot(on="band", index="object_id", values="value")
        wide = wide.rename({band: f"{name}_{band}" for band in wide.columns if band != "object_id"})
        objects = objects.join(wide, on="object_id", how="left", maintain_order="left")
    return Sample(objects, bands)


def _selection(sample: Sample, found: pl.DataFrame) -> np.ndarray:
    return sample.selection(found["object_id"].to_numpy(), found["band"].to_numpy())


def selected_by(connection: duckdb.DuckDBPyConnection, sample: Sample, checkpoint_id: str) -> np.ndarray:
    """(object, band) bool: whom a checkpoint selects in which band."""
    return _selection(sample, frame(connection, SELECTED, [checkpoint_id, SAMPLE]))


def selected_controls(connection: duckdb.DuckDBPyConnection, sample: Sample, scores: Path) -> np.ndarray:
    """(object, band) bool of a checkpoint's scores of redrawn galaxies, against the survey's own thresholds."""
    return _selection(sample, frame(connection, CONTROLS_SELECTED, [str(scores), SAMPLE]))


def selected_baselines(
    workspace: Workspace,
    sample: Sample,
    tables: Mapping[str, pa.Table],
    folder: Path,
    controls: Mapping[str, Sequence[Path]] | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(object, band) bool of each baseline: its scores stand in a copy of the database as a checkpoint of its name.

    controls: what -> score files of redrawn galaxies by the same checkpoints; second come their selections, by
    `what` and the checkpoint's name, against the thresholds of the baselines.
    """
    copy, scores = folder / "with-baselines.duckdb", folder / "baselines.parquet"
    shutil.copyfile(workspace.database, copy)
    pq.write_table(pa.concat_tables(tables.values()), scores)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{copy}' as swimmy; use swimmy")
        connection.execute("delete from model.selection_scores")
        connection.execute("insert into model.selection_scores by name select * from read_parquet(?)", [str(scores)])
        for model in sql_models.load_models("choose"):
            if model.name in SELECTION_MODELS:
                sql_models.run_model(connection, model)
        selections = {name: selected_by(connection, sample, name) for name in tables}
        redrawn = {
            (what, path.parent.name): selected_controls(connection, sample, path)
            for what, files in (controls or {}).items()
            for path in files
        }
        connection.execute("use memory; detach swimmy")
    copy.unlink()
    return selections, redrawn
