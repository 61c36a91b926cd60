"""Stage `cubes`: stamps become PSF-matched, stretched 64x64 cubes (paper, section 2.3)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.catalog import Publication
from swimmy_db.contracts import load_contract
from swimmy_db.pipeline.stage import Stage, Work, digest, files_of
from swimmy_db.publishing import replace_folder

INDEX = "index.parquet"
DESCRIPTION = "cube_set.parquet"
# FWHM of the PSF by object and band: of the patch, or of the object's own kernel
SEEING = {
    "patch": """
        select object_id, band, seeing_fwhm from survey.photometry
        where object_id in (select object_id from survey.stamps)
    """,
    "picker": "select object_id, band, fwhm from survey.psf_kernels",
}


def compute(work: Work) -> None:
    """Write cubes/<cube_set>/ with its index and description; objects without a cube go to the rejects."""
    from swimmy_db.cubes.build import build_cubes
    from swimmy_db.cubes.store import CubeRecipe, CubeSet
    from swimmy_db.cubes.writer import CubeSetWriter

    recipe = CubeRecipe.from_settings(work.settings)
    name = work.settings.cube_set
    folder = work.staging / "cubes" / name
    total = work.catalog.value("select count(distinct object_id) from survey.stamps")
    done = 0
    with CubeSetWriter(folder, recipe) as writer:
        for block, rejects in build_cubes(stamp_blocks(work), recipe):
            writer.add(block)
            for reject in rejects:
                work.reject(reject.reason, object_id=reject.object_id, band=reject.band)
            done += len(block.object_ids) + len(rejects)
            work.progress(done, total)
    index = CubeSet(folder, recipe).index(name)
    pq.write_table(index, folder / INDEX)
    pq.write_table(describe(work, recipe, len(index)), folder / DESCRIPTION)
    replace_folder(folder)


def stamp_blocks(work: Work) -> Iterator:
    """The members' stamps in all bands, block by block, with each band's seeing (arcsec)."""
    from swimmy_db.cubes.build import StampBlock
    from swimmy_db.cubes.stamps import read_stamps

    bands = work.settings.band_names
    index = work.catalog.arrow("select * from survey.stamps order by object_id, band")
    galaxies = {
        row["object_id"]: row
        for row in work.catalog.arrow("select object_id, ra, dec from survey.galaxies").to_pylist()
    }
    seeing = {(object_id, band): fwhm for object_id, band, fwhm in work.catalog.rows(SEEING[work.settings.psf])}
    for objects in read_stamps(work.workspace.stamps, index):
        ids = list(objects)
        stamps = [[objects[object_id].get(band) for band in bands] for object_id in ids]
        yield StampBlock(
            object_ids=np.array(ids, np.int64),
            ra=np.array([galaxies[object_id]["ra"] for object_id in ids]),
            dec=np.array([galaxies[object_id]["dec"] for object_id in ids]),
            pixels=[[None if stamp is None else stamp.pixels for stamp in row] for row in stamps],
            x=np.array([[np.nan if stamp is None else stamp.x for stamp in row] for row in stamps]),
            y=np.array([[np.nan if stamp is None else stamp.y for stamp in row] for row in stamps]),
            zero_point=np.array([[np.nan if stamp is None else stamp.zero_point for stamp in row] for row in stamps]),
            seeing=np.array([[seeing.get((i, band)) or np.nan for band in bands] for i in ids], float),
        )


def describe(work: Work, recipe, n_cubes: int) -> pa.Table:
    """The row of model.cube_sets."""
    stretch = recipe.stretch
    row = {
        "cube_set": work.settings.cube_set,
        "bands": ",".join(recipe.bands),
        "stamp_size": recipe.stamp_size,
        "dtype": "uint16",
        "pixel_scale": recipe.pixel_scale,
        "target_fwhm": recipe.target_fwhm,
        "stretch_alpha": stretch.alpha,
        "stretch_beta": stretch.beta,
        "stretch_zero_point": stretch.zero_point,
        "stretch_divisors": ",".join(f"{divisor:g}" for divisor in stretch.divisors),
        "n_cubes": n_cubes,
        "settings_hash": digest(recipe.to_json()),
    }
    return pa.Table.from_pylist([row], schema=load_contract("model.cube_sets").arrow_schema())


def load(publication: Publication, root: Path) -> None:
    publication.load("survey.cubes", sorted(root.glob(f"cubes/*/{INDEX}")))
    publication.load("model.cube_sets", sorted(root.glob(f"cubes/*/{DESCRIPTION}")))


STAGE = Stage(
    "cubes",
    "PSF match, stretch and crop to cubes",
    reads=(
        "survey.stamps",
        "survey.psf_kernels",
        "survey.galaxies",
        "survey.photometry",
        "survey.bands",
        "survey.instrument",
        files_of("stamps"),
    ),
    settings=("cube_set", "stamp_size", "psf_margin", "psf", "stretch_alpha", "stretch_beta"),
    code=(
        "swimmy_db.cubes.build",
        "swimmy_db.cubes.psf",
        "swimmy_db.cubes.stretch",
        "swimmy_db.cubes.store",
        "swimmy_db.cubes.writer",
        "swimmy_db.pipeline.cubes",
    ),
    compute=compute,
    load=load,
)
