"""The experiment's own counting: who is grouped where, who is selected, and what the page makes of it."""

import importlib
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from swimmy_db.cubes.store import CubeBlock, CubeRecipe, CubeSet
from swimmy_db.cubes.stretch import StretchParameters
from swimmy_db.cubes.writer import CubeSetWriter

EXPERIMENTS = Path(__file__).resolve().parent.parent / "experiments"


@pytest.fixture(scope="module")
def counting():
    sys.path.insert(0, str(EXPERIMENTS))
    yield importlib.import_module("search_works_counts")
    sys.path.remove(str(EXPERIMENTS))


@pytest.fixture(scope="module")
def controls():
    sys.path.insert(0, str(EXPERIMENTS))
    yield importlib.import_module("search_works_controls")
    sys.path.remove(str(EXPERIMENTS))


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(EXPERIMENTS))
    yield importlib.import_module("search_works_page")
    sys.path.remove(str(EXPERIMENTS))


def row(object_id: int, **known) -> dict:
    empty = dict.fromkeys(
        (
            "milliquas_class",
            "xelg_ew",
            "ew_oii",
            "ew_hbeta_oiii",
            "ew_halpha_nii",
            "line_place",
            "nucleus_to_host",
            "line_share",
        ),
        None,
    )
    bands = {"ew_band_g": 0.0, "ew_band_r": 0.0, "ew_band_i": 0.0}
    facts = {"class": "training", "kind": "galaxy", "xelg_planted": False, "artefact": None, "i_mag": 17.5}
    return {"object_id": object_id} | empty | bands | facts | known


@pytest.fixture
def sample(counting):
    rows = [
        row(10, xelg_ew=12.0),
        row(20, **{"class": "xelg"}, kind="xelg", xelg_planted=True, line_place="nucleus", xelg_ew=180.0,
            ew_hbeta_oiii=180.0, ew_oii=120.0, ew_halpha_nii=90.0, ew_band_g=150.0, line_share=0.12),
        row(30, **{"class": "xelg"}, xelg_ew=101.0, ew_halpha_nii=101.0, ew_band_i=102.0),
        row(40, **{"class": "dr16q"}, kind="dr16q", milliquas_class="quasar", nucleus_to_host=0.2),
        row(50, **{"class": "other_specz"}, kind="type1", milliquas_class="type_i", nucleus_to_host=0.04),
        row(60, **{"class": "other_specz"}, kind="xelg", xelg_planted=True, line_place="disc", artefact="r_zero_point"),
    ]  # fmt: skip
    return counting.Sample(pl.DataFrame(rows, infer_schema_length=None), ("g", "r", "i"))


def members(masks: dict, ids: np.ndarray) -> dict[str, list[int]]:
    return {name: ids[mask].tolist() for name, mask in masks.items() if mask.any()}


def test_groups_hold_who_belongs_there(counting, sample):
    ids = sample.objects["object_id"].to_numpy()
    groups = {table: members(masks, ids) for table, masks in counting.group_masks(sample.objects).items()}
    assert groups["class"] == {
        "XELG": [20, 30],
        "DR16Q": [40],  # and not a Milliquas quasar as well
        "type I": [50],
        "training": [10],
        "other spec-z": [50, 60],
        "whole sample": [10, 20, 30, 40, 50, 60],
    }
    assert groups["EW"] == {"0 - 20": [10], "100 - 150": [30], "150 - 250": [20]}
    assert groups["line"] == {
        "[O II]": [20],
        "Hb + [O III]": [20],
        "Ha + [N II]": [30],
        "Ha + [N II] alone": [30],
        "two or three groups": [20],
    }
    assert groups["origin"] == {"planted": [20], "in the template alone": [30]}
    assert groups["place"] == {"disc": [60], "nucleus": [20]}
    assert groups["i, training"] == {"17 - 18": [10]}
    assert groups["line share"] == {"0.1 - 0.2": [20]}
    assert groups["nucleus to host"] == {"0 - 0.05": [50], "0.1 - 0.3": [40]}
    assert groups["artefact"] == {"r_zero_point": [60]}


def test_counts_are_of_selected_members(counting, sample):
    chosen = sample.selection(np.array([20, 40, 20, 10]), np.array(["g", "i", "i", "r"]))
    assert chosen.sum() == 4
    counts = counting.count_groups(chosen.any(axis=1), counting.group_masks(sample.objects))
    assert counts["class"]["whole sample"] == (3, 6)
    assert counts["class"]["XELG"] == (1, 2)
    bands = counting.count_bands(sample, chosen)
    assert bands["class, g"]["XELG"] == (1, 2)
    assert bands["class, r"]["whole sample"] == (1, 6)
    assert bands["EW_band > 100, in that band"] == {"g": (1, 1), "r": (0, 0), "i": (0, 1)}
    assert bands["EW_band > 100, in any band"]["i"] == (0, 1)


def test_an_object_outside_the_sample_is_refused(sample):
    with pytest.raises(KeyError, match="1 objects are not in the sample"):
        sample.selection(np.array([20, 21]), np.array(["g", "g"]))


def test_seeds_are_added_group_by_group(counting):
    total = counting.add_counts([{"t": {"a": (1, 3)}}, {"t": {"a": (2, 4), "b": (0, 1)}}])
    assert total == {"t": {"a": (3, 7), "b": (0, 1)}}


def test_the_page_is_filled_between_its_markers(page, tmp_path):
    file = tmp_path / "page.md"
    file.write_text("By hand.\n<!-- begin a b -->\nold\n<!-- end a b -->\nMore.\n")
    page.fill(file, {"a b": "| new |"})
    page.fill(file, {"a b": "| newer |"})
    assert file.read_text() == "By hand.\n<!-- begin a b -->\n| newer |\n<!-- end a b -->\nMore.\n"
    with pytest.raises(ValueError, match="markers 'c'"):
        page.fill(file, {"c": ""})


def test_a_rate_is_written_with_its_interval_and_multiple(page):
    columns = {"method": {"XELG": (40, 100), "whole sample": (100, 1000), "none": (0, 0)}}
    text = page.rate_table(["XELG", "none"], columns, "class", over_base=True)
    assert "| XELG | 40 % (31-50), 40/100; **4.0x** |" in text
    assert "| none | - |" in text


@pytest.fixture
def cubes(tmp_path) -> CubeSet:
    """Thirty small cubes: twenty of three components, the rest with something else in the middle of one band."""
    random = np.random.default_rng(0)
    n, bands, size = 30, ("g", "r", "i"), 16
    values = 0.4 + random.normal(0, 0.05, (n, 3)) @ random.normal(0, 0.3, (3, len(bands) * size * size))
    values = values.reshape(n, len(bands), size, size)
    values[20:, 1, 7:9, 7:9] += 0.3
    recipe = CubeRecipe(StretchParameters(bands, (1.0, 1.0, 1.0)), stamp_size=size, psf_margin=0)
    zeros = np.zeros(n)
    block = CubeBlock(
        object_ids=np.arange(n, dtype=np.int64) + 10**16,
        ra=np.linspace(10, 11, n),
        dec=zeros,
        cubes=(values.clip(0, 1) * 65535).round().astype(np.uint16),
        n_bad=zeros.astype(np.int32),
        offset_x=zeros,
        offset_y=zeros,
        unsmoothed=np.zeros((n, len(bands)), bool),
    )
    with CubeSetWriter(tmp_path / "cubes", recipe) as writer:
        writer.add(block)
    return CubeSet(tmp_path / "cubes")


def test_pca_scores_are_equation_6_pixel_by_pixel(controls, cubes):
    ids, pixels = cubes.load()
    training = ids[:20]
    table = pl.from_arrow(controls.pca_scores("pca", cubes, training, ("g", "r"), 1e-6))
    assert len(table) == len(ids) * 2
    images = pixels.astype(np.float64) / 65535
    fitted = images[np.isin(ids, training)].reshape(20, -1)
    _, _, components = np.linalg.svd(fitted - fitted.mean(axis=0), full_matrices=False)
    for object_id in (ids[3], ids[25]):
        image = images[ids == object_id][0]
        flat = image.reshape(-1) - fitted.mean(axis=0)
        model = (fitted.mean(axis=0) + flat @ components[:8].T @ components[:8]).reshape(image.shape)
        for position, band in enumerate(("g", "r")):
            score, residual, count = 0.0, 0.0, 0
            for y in range(16):
                for x in range(16):
                    if (x - 7.5) ** 2 + (y - 7.5) ** 2 <= 9:
                        difference = image[position, y, x] - model[position, y, x]
                        score += (difference / max(model[position, y, x], 1e-6)) ** 2
                        residual += difference
                        count += 1
            found = table.row(by_predicate=(pl.col("object_id") == object_id) & (pl.col("band") == band), named=True)
            assert (found["aperture"], found["n_pixels"]) == ("disc", count) == ("disc", 32)
            assert found["s_anom"] == pytest.approx(score, rel=1e-2, abs=1e-6)
            assert found["residual_flux"] == pytest.approx(residual, rel=1e-2, abs=1e-3)
    strange = table.filter((pl.col("object_id") == ids[25]) & (pl.col("band") == "r"))["s_anom"].item()
    assert strange > 10 * table.filter(pl.col("object_id").is_in(training))["s_anom"].max()


def test_untrained_networks_are_checkpoints_of_the_cubes_recipe(controls, cubes, tmp_path):
    from swimmy_db.model.checkpoints import load_checkpoint

    first, second = controls.untrained_checkpoints(tmp_path / "weights", cubes.recipe, "small", (1, 2))
    loaded = [load_checkpoint(path, cubes.recipe) for path in (first, second)]
    assert [one.checkpoint_id for one in loaded] == ["untrained-r01-e00", "untrained-r02-e00"]
    weights = [one.network.last.weight for one in loaded]
    assert not weights[0].equal(weights[1])
    assert (loaded[0].network.last.bias == 0).all()
