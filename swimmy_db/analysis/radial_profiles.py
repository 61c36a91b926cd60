"""Radial profiles of stamps: means over rings of pixels around the centre (paper, figure 8)."""

from typing import NamedTuple

import numpy as np


class Rings(NamedTuple):
    """Rings one pixel wide, from the centre outwards. `number` (y, x): the ring of each pixel, -1 beyond the last.

    radius: mean distance (pix) of a ring's pixels from the centre; n_pixels: how many they are.
    """

    number: np.ndarray
    radius: np.ndarray
    n_pixels: np.ndarray


def rings_of(size: int) -> Rings:
    """Rings of a stamp of size x size pixels around its centre, (31.5, 31.5) of 64, as far as they are whole.

    A pixel belongs to the ring in which its centre lies: ring k holds k <= r < k + 1.
    """
    offsets = np.arange(size) - (size - 1) / 2.0
    distance = np.hypot(offsets[:, None], offsets[None, :])
    n_rings = size // 2
    number = np.where(distance < n_rings, distance.astype(int), -1)
    inside = number >= 0
    n_pixels = np.bincount(number[inside], minlength=n_rings)
    radius = np.bincount(number[inside], weights=distance[inside], minlength=n_rings) / n_pixels
    return Rings(number, radius, n_pixels)


def radial_profiles(images: np.ndarray, rings: Rings) -> np.ndarray:
    """Mean of each ring, (..., ring) float64, of images (..., y, x)."""
    inside = rings.number >= 0
    # sorted by ring, each ring is one slice, and one call sums them all
    order = np.argsort(rings.number[inside], kind="stable")
    pixels = np.asarray(images, dtype=np.float64)[..., inside][..., order]
    starts = np.concatenate([[0], np.cumsum(rings.n_pixels)[:-1]])
    return np.add.reduceat(pixels, starts, axis=-1) / rings.n_pixels
