"""Keras: cubes.npz weights.npz answer.json; losses of some steps without noise, then a timed epoch with it."""

import json
import sys

import keras
import numpy as np
from clock import timed
from keras_dcae import build, set_weights

source, start, answer = sys.argv[1:]
given, arrays = np.load(source), np.load(start)
images = given["cubes"].transpose(0, 2, 3, 1).astype(np.float32) / 65535
batch_size, check_steps = int(given["batch_size"]), int(given["check_steps"])

model = build(noise_std=0.0)
set_weights(model, arrays)
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
losses = []
for step in range(check_steps):
    batch = images[step * batch_size : (step + 1) * batch_size]
    model.reset_metrics()
    losses.append(float(model.train_on_batch(batch, batch)))
with open(answer, "w", encoding="utf-8") as file:
    json.dump(losses, file)

model = build()
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
warm = images[: 4 * batch_size]
model.fit(warm, warm, batch_size=batch_size, epochs=1, verbose=0)
with timed("keras", "tensorflow-cpu"):
    model.fit(images, images, batch_size=batch_size, epochs=1, verbose=0)
