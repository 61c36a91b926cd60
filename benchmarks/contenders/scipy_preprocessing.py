"""scipy's Gaussian smoothing, a band at a time, and the stretch in numpy: counts.npz answer.npy."""

import sys

import numpy as np
from clock import timed
from plain_stretch import stretch
from scipy.ndimage import gaussian_filter

FWHM_OF_SIGMA = 2.354820045
source, answer = sys.argv[1:]
given = np.load(source)
flux, seeing, margin = given["flux"], given["seeing"], int(given["margin"])
inner = slice(margin, flux.shape[-1] - margin)
with timed("scipy", "numpy"):
    sigma = np.sqrt(1.0 - seeing**2) / FWHM_OF_SIGMA / 0.168
    cubes = []
    for bands, widths in zip(flux, sigma, strict=True):
        smooth = [gaussian_filter(image, width, mode="constant") for image, width in zip(bands, widths, strict=True)]
        cubes.append(stretch(np.stack(smooth)[:, inner, inner]))
    cubes = np.stack(cubes)
np.save(answer, cubes)
