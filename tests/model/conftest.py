"""Tiny galaxies, trained in a second: blobs of random place, width and colour, with sky noise."""

import numpy as np
import pytest
import torch

from swimmy_db.cubes.store import CubeBlock, CubeRecipe, CubeSet
from swimmy_db.cubes.stretch import StretchParameters
from swimmy_db.cubes.writer import CubeSetWriter
from swimmy_db.model.checkpoints import RunConfig

BANDS = ("g", "r", "i")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Of the module's scope: it comes before the module's own trained networks."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def recipe():
    return CubeRecipe(StretchParameters(BANDS, (1.0, 1.0, 1.5)), stamp_size=32)


@pytest.fixture(scope="session")
def pixels(recipe):
    """(60, 3, 32, 32) uint16"""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:32, :32] - 15.5
    width = random.uniform(2, 6, (60, 1, 1, 1))
    light = np.exp(-0.5 * (x**2 + y**2) / width**2) * random.uniform(0.3, 1.1, (60, 3, 1, 1))
    noisy = np.clip(light + random.normal(0.05, 0.02, light.shape), 0, 1)
    return np.round(noisy * 65535).astype(np.uint16)


@pytest.fixture
def config():
    return RunConfig("tiny-r00", "tiny", 0, seed=7, epochs=4, first_saved_epoch=2, learning_rate_epoch=2, batch_size=16)


@pytest.fixture(scope="session")
def object_ids():
    return np.random.default_rng(2).permutation(60) + 36_411_461_425_187_990


@pytest.fixture(scope="session")
def cube_set(tmp_path_factory, recipe, pixels, object_ids):
    folder = tmp_path_factory.mktemp("cubes") / "tiny"
    random = np.random.default_rng(3)
    with CubeSetWriter(folder, recipe) as writer:
        writer.add(
            CubeBlock(
                object_ids=object_ids,
                ra=random.uniform(0, 360, 60),
                dec=random.uniform(-90, 90, 60),
                cubes=pixels,
                n_bad=np.zeros(60),
                offset_x=np.zeros(60),
                offset_y=np.zeros(60),
                unsmoothed=np.zeros((60, 3), bool),
            )
        )
    return CubeSet(folder)
