"""Scores against equation 6 written out in numpy on the plain network's reconstructions."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from swimmy_db.contracts import load_contract
from swimmy_db.cubes.store import CubeRecipe, CubeSet
from swimmy_db.cubes.stretch import StretchParameters
from swimmy_db.cubes.writer import CubeSetWriter
from swimmy_db.errors import InputRefused, SwimmyError
from swimmy_db.model.checkpoints import load_checkpoint, save_checkpoint
from swimmy_db.model.dcae import DCAE
from swimmy_db.model.score import (
    SCORE_SCHEMA,
    anomaly_scores,
    aperture_mask,
    reconstruct,
    remaining_pairs,
    score_checkpoints,
    selection_pairs,
    window_of,
)
from swimmy_db.model.train import train_run

BANDS = ("g", "r", "i")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory, pixels, recipe):
    from swimmy_db.model.checkpoints import RunConfig

    folder = tmp_path_factory.mktemp("checkpoints")
    config = RunConfig(
        "tiny-r00", "tiny", 0, seed=7, epochs=3, first_saved_epoch=2, batch_size=16, batchnorm_momentum=0.3
    )
    result = train_run(pixels, config, recipe, "tiny", folder / config.run_id)
    return [folder / row["path"] for row in result.checkpoints]


def rows(path):
    """{(aperture, object_id, band): row}"""
    return {(row["aperture"], row["object_id"], row["band"]): row for row in pq.read_table(path).to_pylist()}


def by_equation_6(network, cube, aperture):
    """Per band: sum of ((source - reconstruction) / reconstruction)^2, summed residual, pixels, clipped ones."""
    source = cube.astype(np.float64) / 65535
    with torch.no_grad():
        reconstruction = network(torch.from_numpy(source[None]).float())[0].double().numpy()
    out = []
    for b in range(len(source)):
        total = residual = 0.0
        count = clipped = 0
        for y in range(source.shape[1]):
            for x in range(source.shape[2]):
                r = np.hypot(x - (source.shape[2] - 1) / 2, y - (source.shape[1] - 1) / 2)
                if not {"disc": r <= 3, "annulus": 3 < r <= 10, "stamp": True}[aperture]:
                    continue
                difference = source[b, y, x] - reconstruction[b, y, x]
                total += (difference / reconstruction[b, y, x]) ** 2
                residual += difference
                count += 1
                clipped += cube[b, y, x] in (0, 65535)
        out.append((total, residual, count, clipped))
    return out


def test_scores_are_equation_6_on_the_plain_network(tmp_path, cube_set, checkpoints, object_ids, pixels):
    selection = score_checkpoints(cube_set, checkpoints, selection_pairs(("g", "i")), tmp_path, "selection.parquet")
    full = score_checkpoints(cube_set, checkpoints, remaining_pairs(BANDS, ("g", "i")), tmp_path, "full.parquet")
    assert selection[0] == tmp_path / "tiny-r00-e02" / "selection.parquet"
    assert full[1] == tmp_path / "tiny-r00-e03" / "full.parquet"
    for checkpoint, some, others in zip(checkpoints, selection, full, strict=True):
        network = load_checkpoint(checkpoint).network
        found = rows(some) | rows(others)
        assert len(rows(some)) == 60 * 2
        assert len(found) == 60 * 3 * 3
        for i in (0, 17, 59):
            for aperture in ("disc", "annulus", "stamp"):
                for band, expected in zip(BANDS, by_equation_6(network, pixels[i], aperture), strict=True):
                    row = found[aperture, int(object_ids[i]), band]
                    assert row["s_anom"] == pytest.approx(expected[0], rel=2e-4)
                    assert row["residual_flux"] == pytest.approx(expected[1], abs=2e-4)
                    assert (row["n_pixels"], row["n_clipped"]) == expected[2:]
                    assert row["n_guarded"] == 0
                    assert row["checkpoint_id"] == load_checkpoint(checkpoint).checkpoint_id


def test_the_aperture_alone_gives_the_scores_of_the_whole_reconstruction(tmp_path, cube_set, checkpoints):
    """The disc from its receptive field and from the full stamp: the same to float32's rounding."""
    one = checkpoints[:1]
    alone = score_checkpoints(cube_set, one, selection_pairs(BANDS), tmp_path / "a", "s.parquet")
    whole = score_checkpoints(cube_set, one, remaining_pairs(BANDS, ()), tmp_path / "b", "s.parquet")
    found, expected = rows(alone[0]), rows(whole[0])
    assert len(expected) == 3 * len(found)
    for key, row in found.items():
        assert row["s_anom"] == pytest.approx(expected[key]["s_anom"], rel=1e-4)
        assert row["residual_flux"] == pytest.approx(expected[key]["residual_flux"], abs=1e-4)


def test_an_object_keeps_its_scores_however_the_cubes_are_ordered(tmp_path, cube_set, checkpoints, object_ids, pixels):
    """The same cubes elsewhere on the sky, so in another order, in other batches, with half the objects."""
    from swimmy_db.cubes.store import CubeBlock

    order = np.random.default_rng(9).permutation(60)
    zeros = np.zeros(60)
    with CubeSetWriter(tmp_path / "shuffled", cube_set.recipe, rows_per_file=7) as writer:
        sky = np.linspace(0, 359, 60)
        writer.add(
            CubeBlock(object_ids[order], sky, zeros, pixels[order], zeros, zeros, zeros, np.zeros((60, 3), bool))
        )
    pairs, one = selection_pairs(BANDS), checkpoints[:1]
    wanted = object_ids[10:40]
    expected = rows(score_checkpoints(cube_set, one, pairs, tmp_path / "a", "s.parquet")[0])
    shuffled = CubeSet(tmp_path / "shuffled")
    found = rows(score_checkpoints(shuffled, one, pairs, tmp_path / "b", "s.parquet", wanted, batch_size=7)[0])
    assert {object_id for _, object_id, _ in found} == set(wanted.tolist())
    for key, row in found.items():
        assert row["s_anom"] == pytest.approx(expected[key]["s_anom"], rel=1e-4)


def test_the_disc_of_diameter_6_has_32_pixels_and_the_apertures_do_not_overlap():
    masks = {name: aperture_mask(name, 64, 3.0000000001) for name in ("disc", "annulus", "stamp")}
    assert masks["disc"].sum() == 32
    assert window_of(masks["disc"]) == (29, 35)
    assert not (masks["disc"] & masks["annulus"]).any()
    distance = np.hypot(*np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5))
    assert (masks["annulus"] == ((distance > 3) & (distance <= 10))).all()
    assert masks["stamp"].all()
    with pytest.raises(ValueError, match="no aperture"):
        aperture_mask("square", 64, 3.0)


def test_a_reconstruction_near_0_is_guarded_and_counted():
    source = torch.tensor([0.5, 0.2, 0.1]).view(1, 1, 1, 3)
    reconstruction = torch.tensor([0.25, 1e-9, 0.2]).view(1, 1, 1, 3)
    scores = anomaly_scores(source, reconstruction, torch.tensor([[True, True, False]]), 1e-6)
    assert scores.s_anom.item() == pytest.approx(1.0 + ((0.2 - 1e-9) / 1e-6) ** 2, rel=1e-5)
    assert scores.residual_flux.item() == pytest.approx(0.45, rel=1e-6)
    assert scores.n_guarded.item() == 1


def test_clipped_pixels_of_the_source_are_counted_inside_the_aperture(tmp_path, checkpoints, recipe, pixels):
    from swimmy_db.cubes.store import CubeBlock

    cubes = np.clip(pixels[:1], 1, 65534)
    cubes[0, 1, 15, 15:17], cubes[0, 1, 16, 16], cubes[0, 1, 0, 0] = 65535, 0, 65535
    zero = np.zeros(1)
    with CubeSetWriter(tmp_path / "s", recipe) as writer:
        writer.add(CubeBlock(np.array([5]), zero, zero, cubes, zero, zero, zero, np.zeros((1, 3), bool)))
    pairs = [("disc", "r"), ("stamp", "r"), ("disc", "g")]
    found = rows(score_checkpoints(CubeSet(tmp_path / "s"), checkpoints[:1], pairs, tmp_path, "s.parquet")[0])
    assert [found[aperture, 5, band]["n_clipped"] for aperture, band in pairs] == [3, 4, 0]


def test_progress_counts_objects_times_checkpoints(tmp_path, cube_set, checkpoints):
    seen = []
    pairs = selection_pairs(("g",))
    score_checkpoints(cube_set, checkpoints, pairs, tmp_path, "s.parquet", progress=lambda *some: seen.append(some))
    assert seen[-1] == (120, 120)


def test_many_checkpoints_are_scored_in_groups(tmp_path, cube_set, checkpoints, monkeypatch):
    monkeypatch.setattr("swimmy_db.model.score.CHECKPOINTS_AT_ONCE", 1)
    monkeypatch.setattr("swimmy_db.model.score.ROWS_PER_GROUP", 50)
    files = score_checkpoints(cube_set, checkpoints, selection_pairs(BANDS), tmp_path, "s.parquet")
    assert [path.parent.name for path in files] == ["tiny-r00-e02", "tiny-r00-e03"]
    assert [pq.read_metadata(path).num_rows for path in files] == [180, 180]
    assert rows(files[0]) != rows(files[1])


def test_the_columns_are_the_contract_s(tmp_path, cube_set, checkpoints):
    contract = load_contract("model.selection_scores")
    assert contract.arrow_schema().remove_metadata() == SCORE_SCHEMA
    path = score_checkpoints(cube_set, checkpoints[:1], selection_pairs(BANDS), tmp_path, "s.parquet")[0]
    table = pq.read_table(path)
    assert table.schema.remove_metadata() == SCORE_SCHEMA
    assert all(column.null_count == 0 for column in table.columns)


def test_a_diverged_network_is_an_error_not_a_score(tmp_path, cube_set, config, recipe):
    network = DCAE(3)
    network.last.bias.data.fill_(float("nan"))
    path = tmp_path / "nan.safetensors"
    save_checkpoint(path, network, config, 4, recipe, "tiny")
    with pytest.raises(SwimmyError, match="tiny-r00-e04 gives scores that are not finite"):
        score_checkpoints(cube_set, [path], selection_pairs(("g",)), tmp_path, "s.parquet")
    assert not list((tmp_path / "tiny-r00-e04").iterdir())  # no half of a file either


def test_weights_of_another_recipe_are_refused(tmp_path, cube_set, config, recipe):
    other: CubeRecipe = replace(recipe, stretch=StretchParameters(("g", "r", "i"), (1.0, 1.0, 1.2)))
    path = tmp_path / "other.safetensors"
    save_checkpoint(path, DCAE(3), config, 4, other, "tiny")
    with pytest.raises(InputRefused, match="divisors"):
        score_checkpoints(cube_set, [path], selection_pairs(("g",)), tmp_path, "s.parquet")


def test_reconstructions_are_the_network_s(checkpoints, pixels):
    checkpoint = load_checkpoint(checkpoints[-1])
    with torch.no_grad():
        expected = checkpoint.network(torch.from_numpy(pixels.astype(np.float32) / 65535))
    found = reconstruct(checkpoint, pixels, batch_size=7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert reconstruct(checkpoint, pixels[:0]).shape == (0, 3, 32, 32)
