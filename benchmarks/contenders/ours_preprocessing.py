"""swimmy_db's PSF match and stretch: counts.npz answer.npy."""

import sys

import numpy as np
import torch
from clock import timed

from swimmy_db.cubes.build import BLOCK
from swimmy_db.cubes.psf import match_psf
from swimmy_db.cubes.stretch import asinh_stretch

source, answer = sys.argv[1:]
given = np.load(source)
flux, seeing = torch.from_numpy(given["flux"]), torch.from_numpy(given["seeing"])
margin = int(given["margin"])
with timed("torch", "numpy"):
    parts = []
    for first in range(0, len(flux), BLOCK):
        block = slice(first, first + BLOCK)
        matched, _ = match_psf(flux[block], seeing[block], 1.0, 0.168, margin)
        parts.append(asinh_stretch(matched))
    cubes = torch.cat(parts).numpy()
np.save(answer, cubes)
