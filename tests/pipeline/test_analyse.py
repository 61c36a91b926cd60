"""Stage `analyse` against scipy and the plain network, on the tiny embedded survey."""

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy import stats

from swimmy_db.catalog import open_catalog
from swimmy_db.cubes.store import CubeRecipe, CubeSet, decode
from swimmy_db.model.checkpoints import load_checkpoint
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.workspace import Workspace


def test_correlations_and_ks_tests_equal_scipys(demo_survey):
    with open_catalog(Workspace(demo_survey)) as catalog:
        correlations = catalog.arrow("from model.rank_correlations").to_pylist()
        tests = catalog.arrow("from model.ks_tests").to_pylist()
        assert {(row["band"], row["quantity"]) for row in correlations if row["sample"] == "specz"} == {
            (band, quantity) for band in "gri" for quantity in ("magnitude", "ew_band")
        }
        for row in correlations:
            table, column = (
                ("survey.photometry", "cmodel_mag")
                if row["quantity"] == "magnitude"
                else ("survey.band_line_strengths", "ew_band")
            )
            pairs = catalog.rows(
                f"select x.{column}, s.s_anom from model.scores s inner join {table} x using (object_id, band) "
                "inner join survey.sample_members using (object_id) "
                f"where s.checkpoint_id = ? and s.band = ? and sample = ? and aperture = 'disc' "
                f"and x.{column} is not null",
                [row["checkpoint_id"], row["band"], row["sample"]],
            )
            truth = stats.spearmanr(*np.array(pairs).T) if len(pairs) > 2 else None
            assert row["n"] == len(pairs)
            if truth is not None and np.isfinite(truth.statistic):
                assert (row["rho"], row["p_value"]) == pytest.approx((truth.statistic, truth.pvalue), rel=1e-9)
        assert {row["catalog"] for row in tests} == {"mpa_jhu", "gswlc"}
        for row in tests:
            rows = catalog.rows(
                f"select s.is_selected, p.{row['quantity']} from model.judged_scores s "
                "inner join survey.stellar_properties p using (object_id) "
                "anti join survey.active_nuclei a on a.object_id = s.object_id "
                "where s.sample = ? and s.band = ? and p.catalog = ? "
                "and p.log_mass is not null and p.log_sfr is not null",
                [row["sample"], row["band"], row["catalog"]],
            )
            selected = [value for chosen, value in rows if chosen]
            others = [value for chosen, value in rows if row["compared_with"] == "all" or not chosen]
            assert (row["n_selected"], row["n_compared"]) == (len(selected), len(others))
            if selected and others:
                truth = stats.ks_2samp(selected, others)
                assert (row["statistic"], row["p_value"]) == pytest.approx((truth.statistic, truth.pvalue), rel=1e-9)
            else:
                assert row["statistic"] is None


def test_figure3_is_the_network_in_the_published_file(demo_survey):
    place = Workspace(demo_survey)
    with open_catalog(place) as catalog:
        ((path,),) = catalog.rows(
            "select path from model.published inner join model.checkpoints using (checkpoint_id) where sample = 'specz'"
        )
        layers = catalog.arrow("from paper.figure3 where sample = 'specz' order by position").to_pylist()
    weights = load_file(place.folder / path)
    # as they are saved: the order of the convolutions is that of their channels, 5 to 64 to 32 to 8 and back
    shapes = {tensor.shape[:2]: tensor for tensor in weights.values() if tensor.ndim == 4}
    convolutions = [layer for layer in layers if layer["layer"] == "Conv2D"]
    channels = [5, *(layer["channels"] for layer in convolutions)]
    assert channels == [5, 64, 32, 8, 8, 32, 64, 5]
    assert set(zip(channels[1:], channels, strict=False)) == set(shapes)
    for layer, n_in in zip(convolutions, channels, strict=False):
        assert layer["n_weights"] == layer["channels"] * (n_in * 9 + 1)
    sides = [64] * 5 + [32] * 4 + [16] * 4 + [8] * 4 + [16] * 4 + [32] * 4 + [64] * 3
    assert [(layer["height"], layer["width"]) for layer in layers] == [(side, side) for side in sides]
    trained = [tensor for name, tensor in weights.items() if "running" not in name and "batches" not in name]
    assert sum(layer["n_weights"] for layer in layers) == sum(tensor.size for tensor in trained)


def test_profiles_of_quasars_are_those_of_the_plain_network(demo_survey):
    place = Workspace(demo_survey)
    settings = place.settings()
    recipe = CubeRecipe.from_settings(settings)
    with open_catalog(place) as catalog:
        ((path,),) = catalog.rows(
            "select path from model.published inner join model.checkpoints using (checkpoint_id) where sample = 'specz'"
        )
        quasars = [row[0] for row in catalog.rows("select object_id from survey.classes where class = 'dr16q'")]
        found = {
            (row["object_id"], row["band"], row["image"], row["ring"]): row
            for row in catalog.arrow("from model.radial_profiles").to_pylist()
        }
    assert len(found) == len(quasars) * 5 * 2 * 32 > 0
    ids, quantised = CubeSet(place.cubes / settings.cube_set, recipe).load(np.array(quasars))
    images = decode(quantised)
    network = load_checkpoint(place.folder / path, recipe).network.eval()
    residuals = (images - network(images)).detach().numpy()
    distance = np.hypot(*(np.mgrid[:64, :64] - 31.5))
    for ring in (0, 3, 17, 31):
        inside = (distance >= ring) & (distance < ring + 1)
        for image, pixels in (("original", images.numpy()), ("residual", residuals)):
            for k, object_id in enumerate(ids.tolist()):
                for position, band in enumerate("grizy"):
                    row = found[object_id, band, image, ring]
                    assert row["value"] == pytest.approx(pixels[k, position, inside].mean(), abs=2e-6)
                    assert row["radius_arcsec"] == pytest.approx(distance[inside].mean() * 0.168)
                    assert row["n_pixels"] == inside.sum()


def test_spectra_of_the_most_anomalous_are_stacked_and_shown(demo):
    change_settings(demo, {"fraction_2sigma": "0.6", "fraction_3sigma": "0.5"})
    again = [stage.name for stage, seconds in run_stages(demo) if seconds is not None]
    assert again[-2:] == ["analyse", "paper"]
    with open_catalog(demo) as catalog:
        stacks = catalog.arrow("from paper.figure15 where sample = 'specz'").to_pylist()
        spectra = catalog.rows(
            "select distinct selection_band, object_id, s.loglam, s.flux, s.ivar, s.z "
            "from paper.figure14 inner join survey.spectra_matches m using (object_id) "
            "inner join raw.spectra s using (plate, mjd, fiberid) where sample = 'specz' and m.rank = 1"
        )
        singles = catalog.rows(
            "select selection_band, count(distinct object_id) from paper.figure15_spectra group by 1"
        )
        matched = catalog.rows(
            "select m.object_id, m.redshift, g.redshift, m.separation_arcsec from survey.spectra_matches m "
            "inner join survey.galaxies g using (object_id)"
        )
    assert {band for band, *_ in spectra} >= {row["selection_band"] for row in stacks} != set()
    for band in {row["selection_band"] for row in stacks}:
        ours = [row for row in stacks if row["selection_band"] == band]
        group = [row for row in spectra if row[0] == band]
        assert {row["n_spectra"] for row in ours} == {len(group)}
        assert dict(singles)[band] == min(12, len(group))
        # at some wavelengths, by hand: the nearest pixels of each spectrum, over its own median
        for row in ours[500:3000:400]:
            values = []
            for _, _, loglam, flux, ivar, redshift in group:
                rest = np.array(loglam) - np.log10(1 + redshift)
                good = np.where(np.array(ivar) > 0, np.array(flux), np.nan)
                level = np.nanmedian(good[(10**rest > 5400) & (10**rest < 5600)])
                values.append(np.interp(np.log10(row["wavelength"]), rest, good / level, left=np.nan, right=np.nan))
            assert row["n_values"] == np.isfinite(values).sum()
            assert row["flux"] == pytest.approx(np.nanmedian(values), rel=0.01, abs=0.01)
    assert matched
    assert all(abs(z - of_galaxy) < 1e-3 and distance < 1 for _, z, of_galaxy, distance in matched)
