"""Makes keras_twin.npz: the network of figure 3 written in Keras, as the paper's authors had it, and what it computes.

    python tests/model/make_keras_twin.py [--keras keras]

Needs TensorFlow and Keras, which swimmy_db does not: run it in an environment of its own (`pip install tensorflow-cpu
tf_keras`). tf_keras is Keras 2, the line that the paper used (TensorFlow 2.5); `--keras keras` takes Keras 3.
Nothing of swimmy_db is imported: the twin is written from section 3.1 and Keras's documentation alone.
"""

import argparse
import importlib
from pathlib import Path

import numpy as np

FIXTURE = Path(__file__).with_name("keras_twin.npz")
BANDS, LATENT_DIM, SIZE, BATCH = 5, 8, 24, 6
NOISE, LEARNING_RATE, STEPS = 0.02, 1e-3, 2


def build(keras, noise_std: float):
    """Figure 3: three times Conv2D, BatchNormalization, ReLU, max-pool; the mirror with upsampling; Conv2D, sigmoid."""
    layers = keras.layers
    signal = inputs = layers.Input((SIZE, SIZE, BANDS))
    signal = layers.GaussianNoise(noise_std)(signal)
    for filters in (64, 32, LATENT_DIM):
        signal = layers.Conv2D(filters, 3, padding="same")(signal)
        signal = layers.BatchNormalization()(signal)
        signal = layers.ReLU()(signal)
        signal = layers.MaxPooling2D(2, padding="same")(signal)
    for filters in (8, 32, 64):
        signal = layers.Conv2D(filters, 3, padding="same")(signal)
        signal = layers.BatchNormalization()(signal)
        signal = layers.ReLU()(signal)
        signal = layers.UpSampling2D(2)(signal)
    outputs = layers.Conv2D(BANDS, 3, padding="same", activation="sigmoid")(signal)
    return keras.Model(inputs, outputs)


def variables(model) -> list[tuple[str, object]]:
    """Name and variable, in the network's order: conv0.kernel, conv0.bias, norm0.gamma ... conv6.bias."""
    named = []
    counts = {"conv": 0, "norm": 0}
    parts = {"conv": ("kernel", "bias"), "norm": ("gamma", "beta", "moving_mean", "moving_variance")}
    for layer in model.layers:
        kind = {"Conv2D": "conv", "BatchNormalization": "norm"}.get(type(layer).__name__)
        if kind is not None:
            named += [(f"{kind}{counts[kind]}.{part}", getattr(layer, part)) for part in parts[kind]]
            counts[kind] += 1
    return named


def half(values: np.ndarray) -> np.ndarray:
    """Values that float16 holds exactly, as float32: the fixture stays small and the same numbers are used here."""
    return values.astype(np.float16).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keras", choices=("tf_keras", "keras"), default="tf_keras")
    parser.add_argument("--to", type=Path, default=FIXTURE)
    arguments = parser.parse_args()
    keras = importlib.import_module(arguments.keras)
    keras.utils.set_random_seed(20210831)
    random = np.random.default_rng(20210831)

    model = build(keras, noise_std=0.0)
    for name, variable in variables(model):
        shape = tuple(variable.shape)
        start = {  # weights as Keras draws them; BatchNorm as a training could have left it
            "kernel": lambda v=variable: v.numpy(),
            "bias": lambda s=shape: random.normal(0, 0.05, s),
            "gamma": lambda s=shape: random.uniform(0.6, 1.4, s),
            "beta": lambda s=shape: random.normal(0, 0.2, s),
            "moving_mean": lambda s=shape: random.normal(0, 0.2, s),
            "moving_variance": lambda s=shape: random.uniform(0.1, 0.6, s),
        }[name.split(".")[1]]()
        variable.assign(half(start))
    saved = {f"start.{name}": variable.numpy().astype(np.float16) for name, variable in variables(model)}

    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    width = random.uniform(1.5, 5.0, (BATCH, 1, 1, 1))
    light = np.exp(-0.5 * (x**2 + y**2)[None, :, :, None] / width**2) * random.uniform(0.2, 1.1, (BATCH, 1, 1, BANDS))
    cubes = np.rint(np.clip(light + random.normal(0.05, 0.02, light.shape), 0.0, 1.0) * 65535).astype(np.uint16)
    clean = cubes.astype(np.float32) / 65535
    # the noise is given with the input, a twin cannot draw the same: one for all images, so that their order is free
    noise = half(random.normal(0.0, NOISE, clean.shape[1:]))
    noisy = clean + noise
    saved |= {"cubes": cubes, "noise": noise.astype(np.float16)}

    evaluated = build(keras, noise_std=NOISE)  # whose noise must be silent in evaluation
    evaluated.set_weights(model.get_weights())
    saved["evaluated"] = evaluated(clean, training=False).numpy()

    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse")
    before = {name: variable.numpy() for name, variable in variables(model)}
    for step in range(1, STEPS + 1):
        model.reset_metrics()  # or Keras 3 reports the mean over the steps
        saved[f"loss{step}"] = np.float64(model.train_on_batch(noisy, clean))
        for name, variable in variables(model):
            after = variable.numpy()
            # the change alone, about 1e-3 at most: half precision keeps it to 5e-7
            precision = np.float32 if "moving" in name else np.float16
            saved[f"change{step}.{name}"] = (after - before[name]).astype(precision)
            before[name] = after
    saved["versions"] = np.array([f"{arguments.keras} {keras.__version__}", f"numpy {np.__version__}"])
    np.savez_compressed(arguments.to, **saved)
    print(arguments.to, arguments.to.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
