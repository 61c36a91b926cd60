"""Stage `analyse`: what SQL cannot say of the figures: layers, profiles, tests by rank, stacks of spectra."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.catalog import Publication
from swimmy_db.contracts import load_contract
from swimmy_db.pipeline.stage import Stage, Work, files_of
from swimmy_db.publishing import replace_folder

TABLES = ("layers", "radial_profiles", "rank_correlations", "ks_tests", "spectra_stacks")
FOLDER = "analysis"
# A survey with thousands of quasars shows as many of them as a figure can.
MOST_PROFILES = 400
CUBES_AT_ONCE = 64


def compute(work: Work) -> None:
    """One Parquet file a table; a table that the survey cannot fill has no rows."""
    makers = (layers, radial_profiles, rank_correlations, ks_tests, spectra_stacks)
    for done, (name, make) in enumerate(zip(TABLES, makers, strict=True)):
        work.progress(done, len(TABLES))
        path = work.staging / FOLDER / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = load_contract(f"model.{name}").arrow_schema()
        with pq.ParquetWriter(path, schema) as writer:
            for rows in make(work):
                writer.write_table(pa.table(rows, schema=schema))
    replace_folder(work.staging / FOLDER)
    work.progress(len(TABLES), len(TABLES))


def load(publication: Publication, root: Path) -> None:
    for name in TABLES:
        publication.load(f"model.{name}", sorted(root.glob(f"{FOLDER}/{name}.parquet")))


PUBLISHED = """
    select p.sample, p.checkpoint_id, c.path
    from model.published p
    inner join model.checkpoints c using (checkpoint_id)
    order by p.sample
"""


def layers(work: Work) -> Iterator[dict[str, object]]:
    """Of the published network: what each layer is called, how large its output is, how many weights (figure 3)."""
    from swimmy_db.cubes.store import CubeRecipe
    from swimmy_db.model.checkpoints import load_checkpoint
    from swimmy_db.model.layers import layers_of

    recipe = CubeRecipe.from_settings(work.settings)
    for sample, checkpoint_id, path in work.catalog.rows(PUBLISHED):
        network = load_checkpoint(work.workspace.folder / path, recipe).network
        found = layers_of(network, recipe.stamp_size)
        yield {
            "sample": [sample] * len(found),
            "checkpoint_id": [checkpoint_id] * len(found),
            "position": range(len(found)),
            "part": [layer.part for layer in found],
            "layer": [layer.name for layer in found],
            "channels": [layer.channels for layer in found],
            "height": [layer.height for layer in found],
            "width": [layer.width for layer in found],
            "n_weights": [layer.n_weights for layer in found],
        }


PROFILED = """
    with quasars as (
        select
            p.sample,
            p.checkpoint_id,
            c.path,
            q.object_id,
            row_number() over (partition by p.sample order by md5(cast(q.object_id as varchar)), q.object_id) as place
        from model.published p
        inner join model.checkpoints c using (checkpoint_id)
        inner join survey.sample_members m on m.sample = p.sample
        inner join survey.classes q on q.object_id = m.object_id and q.class = 'dr16q'
        inner join survey.cubes u on u.object_id = m.object_id and u.cube_set = ?
    )
    select sample, checkpoint_id, path, list(object_id order by object_id)
    from quasars
    where place <= ?
    group by sample, checkpoint_id, path
    order by sample
"""


def radial_profiles(work: Work) -> Iterator[dict[str, object]]:
    """Of each DR16Q quasar, in every band, as observed and less its reconstruction (figure 8)."""
    from swimmy_db.analysis.radial_profiles import radial_profiles, rings_of
    from swimmy_db.cubes.store import CubeRecipe, CubeSet, decode
    from swimmy_db.model.checkpoints import load_checkpoint
    from swimmy_db.model.score import reconstruct

    settings = work.settings
    wanted = work.catalog.rows(PROFILED, [settings.cube_set, MOST_PROFILES])
    if not wanted:
        return
    recipe = CubeRecipe.from_settings(settings)
    cubes = CubeSet(work.workspace.cubes / settings.cube_set, recipe)
    rings = rings_of(settings.stamp_size)
    for sample, checkpoint_id, path, objects in wanted:
        checkpoint = load_checkpoint(work.workspace.folder / path, recipe)
        for ids, quantised in cubes.quantised_batches(objects, CUBES_AT_ONCE):
            original = decode(quantised).numpy()
            images = np.stack([original, original - reconstruct(checkpoint, quantised)], axis=2)
            profiles = radial_profiles(images, rings)  # (object, band, image, ring)
            shape = profiles.shape
            index = np.indices(shape).reshape(4, -1)
            n = profiles.size
            yield {
                "sample": [sample] * n,
                "checkpoint_id": [checkpoint_id] * n,
                "object_id": ids[index[0]],
                "band": np.array(settings.band_names)[index[1]].tolist(),
                "image": np.array(["original", "residual"])[index[2]].tolist(),
                "ring": index[3].astype(np.int32),
                "radius": rings.radius[index[3]],
                "radius_arcsec": rings.radius[index[3]] * recipe.pixel_scale,
                "n_pixels": rings.n_pixels[index[3]].astype(np.int32),
                "value": profiles.reshape(-1),
            }


CORRELATED = """
    with pairs as (
        select s.sample, s.checkpoint_id, s.band, s.position, 'magnitude' as quantity, p.cmodel_mag as x, s.s_anom
        from model.judged_scores s
        inner join survey.photometry p on p.object_id = s.object_id and p.band = s.band
        where s.is_selection_band and p.cmodel_mag is not null
        union all
        select s.sample, s.checkpoint_id, s.band, s.position, 'ew_band', l.ew_band, s.s_anom
        from model.judged_scores s
        inner join survey.band_line_strengths l on l.object_id = s.object_id and l.band = s.band
        where s.is_selection_band and l.ew_band is not null
    )
    select sample, checkpoint_id, band, quantity, list(x), list(s_anom)
    from (from pairs order by x, s_anom)
    group by sample, checkpoint_id, band, position, quantity
    order by sample, checkpoint_id, quantity desc, position
"""


def rank_correlations(work: Work) -> Iterator[dict[str, object]]:
    """Spearman's, of the score with the magnitude (figure 12) and with EW_band (figure 11), per selection band."""
    from swimmy_db.analysis.rank_tests import spearman

    for sample, checkpoint_id, band, quantity, x, s_anom in work.catalog.rows(CORRELATED):
        found = spearman(np.array(x), np.array(s_anom))
        yield {
            "sample": [sample],
            "checkpoint_id": [checkpoint_id],
            "band": [band],
            "quantity": [quantity],
            "n": [found.n],
            "rho": [found.rho],
            "p_value": [found.p_value],
        }


COMPARED = """
    select s.sample, s.checkpoint_id, s.band, p.catalog, p.log_mass, p.log_sfr, s.is_selected
    from model.judged_scores s
    inner join survey.stellar_properties p using (object_id)
    where s.is_selection_band
        and p.log_mass is not null
        and p.log_sfr is not null
        and s.object_id not in (select object_id from survey.active_nuclei)
    order by s.sample, s.checkpoint_id, s.position, p.catalog, s.object_id
"""


def ks_tests(work: Work) -> Iterator[dict[str, object]]:
    """Are the selected galaxies' masses and rates drawn from those of all, of those not selected? (figure 13)."""
    from swimmy_db.analysis.rank_tests import kolmogorov_smirnov

    groups = defaultdict(list)
    for sample, checkpoint_id, band, catalog, log_mass, log_sfr, is_selected in work.catalog.rows(COMPARED):
        groups[sample, checkpoint_id, band, catalog].append((log_mass, log_sfr, is_selected))
    for (sample, checkpoint_id, band, catalog), rows in groups.items():
        values = np.array([row[:2] for row in rows])
        selected = np.array([row[2] for row in rows])
        for column, quantity in enumerate(("log_mass", "log_sfr")):
            for compared_with, others in (("all", np.ones_like(selected)), ("not selected", ~selected)):
                found = kolmogorov_smirnov(values[selected, column], values[others, column])
                yield {
                    "sample": [sample],
                    "checkpoint_id": [checkpoint_id],
                    "band": [band],
                    "catalog": [catalog],
                    "quantity": [quantity],
                    "compared_with": [compared_with],
                    "n_selected": [found.n_first],
                    "n_compared": [found.n_second],
                    "statistic": [found.statistic],
                    "p_value": [found.p_value],
                }


MOST_ANOMALOUS = """
    select j.sample, j.checkpoint_id, j.band, s.loglam, s.flux, s.ivar, m.redshift
    from model.judged_scores j
    inner join survey.spectra_matches m using (object_id)
    inner join raw.spectra s using (plate, mjd, fiberid)
    where j.is_selected and j.level in ('3sigma', '3.5sigma') and m.rank = 1 and m.redshift is not null
    order by j.sample, j.checkpoint_id, j.position, j.object_id
"""


def spectra_stacks(work: Work) -> Iterator[dict[str, object]]:
    """Of the galaxies selected at 3 sigma, per selection band (figure 15, a to c)."""
    from swimmy_db.analysis.spectra_stacks import Spectrum, stack

    groups = defaultdict(list)
    for sample, checkpoint_id, band, loglam, flux, ivar, redshift in work.catalog.rows(MOST_ANOMALOUS):
        spectrum = Spectrum(np.array(loglam), np.array(flux), np.array(ivar), redshift)
        groups[sample, checkpoint_id, band].append(spectrum)
    window = (work.settings.stack_window_min, work.settings.stack_window_max)
    for (sample, checkpoint_id, band), spectra in groups.items():
        made = stack(spectra, window)
        n = len(made.wavelength)
        yield {
            "sample": [sample] * n,
            "checkpoint_id": [checkpoint_id] * n,
            "band": [band] * n,
            "pixel": np.arange(n, dtype=np.int32),
            "wavelength": made.wavelength,
            "flux": made.flux,
            "n_values": made.n_values.astype(np.int64),
            "n_spectra": np.full(n, made.n_spectra, np.int64),
        }


STAGE = Stage(
    "analyse",
    "layers, radial profiles, tests by rank and stacks of spectra",
    reads=(
        "model.checkpoints",
        "model.judged_scores",
        "model.published",
        "raw.spectra",
        "survey.active_nuclei",
        "survey.band_line_strengths",
        "survey.classes",
        "survey.cubes",
        "survey.instrument",
        "survey.photometry",
        "survey.sample_members",
        "survey.spectra_matches",
        "survey.stellar_properties",
        files_of("cubes"),
    ),
    settings=("cube_set", "stack_window_min", "stack_window_max"),
    code=(
        "swimmy_db.analysis.radial_profiles",
        "swimmy_db.analysis.rank_tests",
        "swimmy_db.analysis.spectra_stacks",
        "swimmy_db.pipeline.analyse",
        "swimmy_db.model.score",
        "swimmy_db.model.checkpoints",
        "swimmy_db.model.fast_forms",
        "swimmy_db.model.layers",
        "swimmy_db.model.dcae",
        "swimmy_db.cubes.store",
    ),
    compute=compute,
    load=load,
)
