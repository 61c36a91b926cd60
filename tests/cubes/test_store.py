"""Cube sets: what is written comes back by object_id, files are HATS, SQL reads them, and mismatches are refused."""

import csv
import json
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swimmy_db.config import load_preset
from swimmy_db.contracts import load_contract
from swimmy_db.cubes.store import CubeBlock, CubeRecipe, CubeSet, decode, quantise
from swimmy_db.cubes.stretch import StretchParameters
from swimmy_db.cubes.writer import HIGHEST_ORDER, CubeSetWriter, healpix_29, sky_partitions
from swimmy_db.errors import InputRefused, SwimmyError

RECIPE = CubeRecipe(StretchParameters(("g", "r"), (1.0, 1.2)), stamp_size=16)


def make_block(n=300, seed=1, recipe=RECIPE):
    """Objects all over the sky, poles and RA 0 among them; cubes that tell their object."""
    random = np.random.default_rng(seed)
    ids = random.permutation(n) + 9_007_199_254_740_993  # above 2^53: a float would lose them
    ra = np.concatenate([[0.0, 359.999999, 10.0, 200.0], random.uniform(0, 360, n - 4)])
    dec = np.concatenate([[90.0, -90.0, 0.0, 41.8], np.degrees(np.arcsin(random.uniform(-1, 1, n - 4)))])
    return CubeBlock(
        object_ids=ids,
        ra=ra,
        dec=dec,
        cubes=random.integers(0, 65536, (n, *recipe.shape), dtype=np.uint16),
        n_bad=random.integers(0, 9, n),
        offset_x=random.uniform(-0.5, 0.5, n),
        offset_y=random.uniform(-0.5, 0.5, n),
        unsmoothed=random.random((n, len(recipe.bands))) < 0.3,
    )


def take(block, rows):
    return CubeBlock(*(np.asarray(column)[rows] for column in block))


def write(folder, *blocks, rows_per_file=100, recipe=RECIPE):
    with CubeSetWriter(folder, recipe, rows_per_file=rows_per_file) as writer:
        for block in blocks:
            writer.add(block)
    return CubeSet(folder)


@pytest.fixture(scope="module")
def block():
    return make_block()


@pytest.fixture(scope="module")
def cubes(tmp_path_factory, block):
    return write(tmp_path_factory.mktemp("cubes") / "psf1p0", take(block, slice(0, 70)), take(block, slice(70, None)))


def cube_of(block, object_id):
    return block.cubes[block.object_ids == object_id][0]


def test_every_cube_comes_back_under_its_own_id(cubes, block):
    ids, arrays = cubes.load()
    assert ids.tolist() == sorted(block.object_ids.tolist())
    assert all(np.array_equal(array, cube_of(block, i)) for i, array in zip(ids, arrays, strict=True))


def test_load_gives_the_objects_asked_for_ascending_whatever_the_order_of_asking(cubes, block):
    wanted = block.object_ids[[200, 3, 77]]
    ids, arrays = cubes.load(wanted)
    assert ids.tolist() == sorted(wanted.tolist())
    assert all(np.array_equal(array, cube_of(block, i)) for i, array in zip(ids, arrays, strict=True))
    assert cubes.load([])[1].shape == (0, 2, 16, 16)


def test_an_object_without_a_cube_is_refused_by_name(cubes):
    with pytest.raises(InputRefused, match=r"found no cube of 2, the first 17"):
        cubes.load([17, 18])


@pytest.mark.parametrize("seed", [None, 5])
def test_batches_hold_every_object_once_with_its_own_cube(cubes, block, seed):
    batches = list(cubes.batches(batch_size=32, shuffle_seed=seed))
    ids = np.concatenate([ids for ids, _ in batches])
    assert sorted(ids.tolist()) == sorted(block.object_ids.tolist())
    assert [len(ids) for ids, _ in batches] == [32] * 9 + [12]
    for some, images in batches:
        assert images.dtype == torch.float32
        for object_id, image in zip(some, images, strict=True):
            expected = cube_of(block, object_id).astype(np.float64) / 65535
            np.testing.assert_allclose(image, expected, atol=1e-7)


def test_shuffled_batches_follow_the_seed_and_differ_from_the_files_order(cubes):
    orders = {
        seed: np.concatenate([ids for ids, _ in cubes.quantised_batches(shuffle_seed=seed)]).tolist()
        for seed in (None, 1, 2)
    }
    assert orders[1] == np.concatenate([ids for ids, _ in cubes.quantised_batches(shuffle_seed=1)]).tolist()
    assert orders[1] != orders[None]
    assert orders[1] != orders[2]


def test_batches_of_chosen_objects_hold_only_those(cubes, block):
    wanted = block.object_ids[::7]
    ids = np.concatenate([ids for ids, _ in cubes.batches(wanted, batch_size=10, shuffle_seed=3)])
    assert sorted(ids.tolist()) == sorted(wanted.tolist())


def test_the_layout_is_hats_sorted_and_no_file_too_long(cubes, block):
    with (cubes.folder / "partition_info.csv").open() as file:
        partitions = [(int(row["Norder"]), int(row["Npix"])) for row in csv.DictReader(file)]
    paths = {cubes.folder / f"dataset/Norder={k}/Dir={n // 10000 * 10000}/Npix={n}.parquet" for k, n in partitions}
    assert paths == set(cubes.folder.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"))
    total = 0
    for path in paths:
        table = pq.read_table(path)
        order, pixel = (
            int(path.as_posix().split(name)[1].split("/")[0].split(".")[0]) for name in ("Norder=", "Npix=")
        )
        pixels = table["_healpix_29"].to_numpy()
        assert (np.diff(pixels) >= 0).all()
        assert (pixels >> (2 * (29 - order)) == pixel).all()
        assert np.array_equal(pixels, healpix_29(table["ra"].to_numpy(), table["dec"].to_numpy()))
        assert len(table) <= 100
        total += len(table)
    assert total == len(block.object_ids)
    properties = dict(
        line.split("=", 1) for line in (cubes.folder / "hats.properties").read_text().splitlines() if line[0] != "#"
    )
    assert properties["hats_nrows"] == "300"
    assert properties["hats_col_healpix"] == "_healpix_29"
    assert not list(cubes.folder.glob("*.waiting"))


def test_files_are_uncompressed_of_64_rows_a_group_and_say_what_they_hold(cubes):
    for path in cubes.folder.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"):
        file = pq.ParquetFile(path)
        column = file.schema_arrow.field("cube")
        assert column.type.byte_width == 2 * 2 * 16 * 16
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        assert all(group.num_rows == 64 for group in groups[:-1])
        assert groups[0].column(4).path_in_schema == "cube"
        assert groups[0].column(4).compression == "UNCOMPRESSED"
        said = json.loads(file.schema_arrow.metadata[b"swimmy"])
        assert said["dtype"] == "uint16"
        assert said["shape"] == [2, 16, 16]
        assert said["stretch"]["bands"] == ["g", "r"]
        assert said["target_fwhm"] == 1.0


@given(st.lists(st.integers(0, 12 * 4**29 - 1), min_size=1, max_size=200), st.integers(1, 20))
def test_partitions_hold_all_rows_once_and_are_split_only_where_too_long(pixels, limit):
    pixels = np.sort(np.array(pixels, np.int64))
    parts = list(sky_partitions(pixels, limit))
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == len(pixels)
    for part in parts:
        assert (pixels[part.start : part.stop] >> (2 * (29 - part.order)) == part.pixel).all()
        assert part.stop - part.start <= limit or part.order == HIGHEST_ORDER
        if part.order > 0:
            parent = pixels >> (2 * (30 - part.order)) == part.pixel >> 2
            assert parent.sum() > limit


def test_the_files_do_not_depend_on_the_order_in_which_cubes_came(tmp_path, block):
    one = write(tmp_path / "a" / "s", block)
    other = write(tmp_path / "b" / "s", *(take(block, [i]) for i in range(299, -1, -1)))
    files = sorted(path.relative_to(one.folder) for path in one.folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(other.folder) for path in other.folder.rglob("*") if path.is_file())
    assert all((one.folder / name).read_bytes() == (other.folder / name).read_bytes() for name in files)


def test_the_index_leads_sql_to_each_cube(cubes, block):
    index = cubes.index("psf1p0")
    contract = load_contract("survey.cubes")
    assert index.schema.names == list(contract.columns)
    assert index.schema.types == contract.arrow_schema().types
    row = index.to_pylist()[150]
    table = pq.ParquetFile(cubes.folder.parent / row["file"]).read_row_group(row["row_group"])
    assert table["object_id"][row["row_in_group"]].as_py() == row["object_id"]
    i = block.object_ids.tolist().index(row["object_id"])
    assert row["n_bad"] == block.n_bad[i]
    assert row["offset_x"] == pytest.approx(block.offset_x[i])
    assert row["unsmoothed_bands"] == ",".join(np.array(["g", "r"])[block.unsmoothed[i]])
    files = str(cubes.folder / "dataset/**/*.parquet")
    with duckdb.connect() as connection:
        found = connection.execute(
            "select cube from read_parquet(?) where object_id = ?", [files, row["object_id"]]
        ).fetchall()
    assert len(found) == 1
    assert np.array_equal(np.frombuffer(found[0][0], "<u2").reshape(2, 16, 16), block.cubes[i])


def test_an_empty_cube_set_is_one(tmp_path):
    cubes = write(tmp_path / "none")
    assert len(cubes) == 0
    assert cubes.recipe == RECIPE
    assert list(cubes.batches()) == []
    assert cubes.index("none").num_rows == 0


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (replace(RECIPE, target_fwhm=0.9), "target_fwhm: expected 0.9, found 1.0"),
        (replace(RECIPE, stretch=replace(RECIPE.stretch, alpha=10.0)), "alpha: expected 10.0"),
        (replace(RECIPE, stretch=replace(RECIPE.stretch, beta=0.1)), "beta: expected 0.1"),
        (replace(RECIPE, stretch=StretchParameters(("r", "g"), (1.0, 1.2))), "bands: expected"),
        (replace(RECIPE, stretch=StretchParameters(("g", "r"), (1.0, 1.5))), "divisors: expected"),
        (replace(RECIPE, pixel_scale=0.2), "pixel_scale: expected 0.2"),
    ],
)
def test_a_recipe_that_differs_is_refused_and_the_difference_named(cubes, other, named):
    with pytest.raises(InputRefused, match=named):
        CubeSet(cubes.folder, other)
    assert len(CubeSet(cubes.folder, RECIPE)) == 300


def test_a_file_of_another_recipe_in_the_set_is_refused(tmp_path, block):
    one = write(tmp_path / "one", block)
    write(tmp_path / "two", block, recipe=replace(RECIPE, target_fwhm=1.1))
    path = next((tmp_path / "two").rglob("Npix=*.parquet"))
    path.replace(one.folder / path.relative_to(tmp_path / "two"))
    with pytest.raises(InputRefused, match="target_fwhm"):
        CubeSet(one.folder)


def test_what_is_no_cube_set_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="_common_metadata"):
        CubeSet(tmp_path)


def test_the_same_object_twice_is_refused_and_leaves_no_dataset_to_read(tmp_path, block):
    with pytest.raises(SwimmyError, match="twice"):
        write(tmp_path / "twice", block, take(block, [5]))
    with pytest.raises(InputRefused):
        CubeSet(tmp_path / "twice")
    assert [path.name for path in tmp_path.rglob("*")] == ["twice"]


def test_a_cube_set_is_never_written_over(cubes, block):
    with pytest.raises(SwimmyError, match="there already"):
        write(cubes.folder, block)


def test_cubes_of_another_shape_are_not_taken(tmp_path, block):
    with pytest.raises(ValueError, match="uint16"), CubeSetWriter(tmp_path / "s", RECIPE) as writer:
        writer.add(block._replace(cubes=block.cubes.astype(np.float32)))
    with pytest.raises(ValueError, match="16, 16"), CubeSetWriter(tmp_path / "t", RECIPE) as writer:
        writer.add(block._replace(cubes=block.cubes[:, :, :8]))


@given(st.lists(st.floats(0.0, 1.0, width=32), min_size=1, max_size=50))
def test_quantisation_is_off_by_at_most_half_a_step(values):
    images = torch.tensor(values, dtype=torch.float32)
    back = decode(quantise(images))
    assert (back - images).abs().max().item() <= 7.7e-6
    assert np.array_equal(quantise(back), quantise(images))


def test_a_recipe_with_a_part_missing_is_refused():
    with pytest.raises(InputRefused, match="target_fwhm"):
        CubeRecipe.from_json(json.dumps({"stretch": {}, "stamp_size": 64, "psf_margin": 16, "pixel_scale": 0.2}))


def test_the_recipe_of_the_preset_survives_json():
    recipe = CubeRecipe.from_settings(load_preset("paper"))
    assert recipe.shape == (5, 64, 64)
    assert recipe.aperture_radius == pytest.approx(3.0)
    assert CubeRecipe.from_json(recipe.to_json()) == recipe
