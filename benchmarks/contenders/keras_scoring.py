"""Keras predict and equation 6 in numpy: cubes.npz weights.npz answer.npy, (n, band g r i)."""

import sys

import numpy as np
from clock import timed
from keras_dcae import build, set_weights

source, start, answer = sys.argv[1:]
cubes, arrays = np.load(source)["cubes"], np.load(start)
model = build()
set_weights(model, arrays)
y, x = np.mgrid[:64, :64] - 31.5
disc = np.hypot(x, y) <= 3


def scores(cubes: np.ndarray) -> np.ndarray:
    images = cubes.transpose(0, 2, 3, 1).astype(np.float32) / 65535
    reconstructions = model.predict(images, batch_size=64, verbose=0)
    source, made = (some[:, disc][:, :, :3].astype(np.float64) for some in (images, reconstructions))
    return (((source - made) / np.maximum(made, 1e-6)) ** 2).sum(axis=1)


scores(cubes[:64])
with timed("keras", "tensorflow-cpu", "numpy"):
    found = scores(cubes)
np.save(answer, found)
