"""swimmy_db's scores in the central disc, in memory: cubes.npz weights.npz answer.npy, (n, band g r i)."""

import sys

import numpy as np
import torch
from clock import timed
from ours_weights import set_weights

from swimmy_db.cubes.store import decode
from swimmy_db.model.dcae import DCAE
from swimmy_db.model.fast_forms import Scorer
from swimmy_db.model.machine import keep_freed_memory
from swimmy_db.model.score import IN_CACHE, anomaly_scores, aperture_mask, window_of

source, start, answer = sys.argv[1:]
cubes = np.load(source)["cubes"]
network = DCAE(5)
set_weights(network, np.load(start))
keep_freed_memory()
scorer = Scorer.of(network)
mask = aperture_mask("disc", 64, 3.0)
window = window_of(mask)
inside = slice(window.start, window.stop)
disc = torch.from_numpy(mask[inside, inside].copy())


def scores(cubes: np.ndarray) -> np.ndarray:
    found = []
    for first in range(0, len(cubes), IN_CACHE):
        images = decode(cubes[first : first + IN_CACHE])
        made = scorer.reconstruct_window(images, window)
        found.append(anomaly_scores(images[:, :3, inside, inside], made[:, :3], disc, 1e-6).s_anom)
    return torch.cat(found).numpy()


scores(cubes[:64])
with timed("torch", "numpy"):
    found = scores(cubes)
np.save(answer, found)
