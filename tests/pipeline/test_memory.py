"""Ten times the galaxies, the same peak of memory: stamps, cubes and scores are made as streams."""

import json
import subprocess
import sys

import pytest

FEW, MANY = 300, 3000
# buffers that the few do not fill, and indexes, some hundred bytes an object and band; the pixels are 600 MB more
ALLOWED_MB = 80

PROGRAM = """
import json, resource, sys
from pathlib import Path
import numpy as np
import pyarrow.parquet as pq
import torch
from swimmy_db.config import load_preset
from swimmy_db.cubes.build import StampBlock, build_cubes
from swimmy_db.cubes.cutouts import Stamp
from swimmy_db.cubes.stamps import read_stamps, write_stamps
from swimmy_db.cubes.store import CubeRecipe, CubeSet
from swimmy_db.cubes.writer import CubeSetWriter
from swimmy_db.model.checkpoints import RunConfig, save_checkpoint
from swimmy_db.model.dcae import DCAE, initialise
from swimmy_db.model.score import score_checkpoints, selection_pairs

torch.set_num_threads(1)
folder, n = Path(sys.argv[1]), int(sys.argv[2])
settings = load_preset("paper")
recipe, bands = CubeRecipe.from_settings(settings), settings.band_names
peaks = {}

def note(stage):
    peaks[stage] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def stamps():
    random = np.random.default_rng(1)
    for band in bands:
        for number in range(n):
            pixels = random.normal(0.0, 0.05, (96, 96)).astype(np.float32)
            pixels[44:52, 44:52] += 5.0
            yield Stamp(10**15 + number, band, 9813, pixels, 47.5, 47.5, 27.0, 0, 0, "member", "tar", "sha256")

note("imports")
written = write_stamps(stamps(), folder / "stamps", part_stamps=256, buffer_bytes=16 << 20)
note("stamps")
with CubeSetWriter(folder / "cubes", recipe) as writer:
    def blocks():
        for objects in read_stamps(folder / "stamps", written.index):
            given = [[objects[i][band] for band in bands] for i in objects]
            column = lambda name: np.array([[getattr(stamp, name) for stamp in row] for row in given])
            ids = np.array(list(objects), np.int64)
            yield StampBlock(
                ids, np.zeros(len(ids)), np.zeros(len(ids)), [[stamp.pixels for stamp in row] for row in given],
                column("x"), column("y"), column("zero_point"), np.full((len(ids), len(bands)), 0.7),
            )
    for block, rejects in build_cubes(blocks(), recipe):
        assert not rejects
        writer.add(block)
note("cubes")
network = DCAE(len(bands))
initialise(network, torch.Generator().manual_seed(1))
config = RunConfig("r00", "default", 0, seed=1)
save_checkpoint(folder / "epoch.safetensors", network, config, 1, recipe, "default")
cubes = CubeSet(folder / "cubes", recipe)
(scores,) = score_checkpoints(
    cubes, [folder / "epoch.safetensors"], selection_pairs(settings.selection_bands), folder / "scores", "s.parquet"
)
note("scores")
peaks["rows"] = pq.read_metadata(scores).num_rows
peaks["megabytes"] = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6
print(json.dumps(peaks))
"""


def run(folder, n):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(n)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is told in kilobytes on Linux")
def test_ten_times_the_galaxies_take_the_same_memory(tmp_path):
    few, many = run(tmp_path / "few", FEW), run(tmp_path / "many", MANY)
    assert (few["rows"], many["rows"]) == (3 * FEW, 3 * MANY)
    assert many["megabytes"] > 600
    for stage in ("stamps", "cubes", "scores"):
        grown = many[stage] - few[stage]
        assert grown < ALLOWED_MB, f"{stage}: {few[stage]:.0f} MB for {FEW}, {many[stage]:.0f} MB for {MANY}"
