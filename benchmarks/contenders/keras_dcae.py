"""The network of figure 3 in Keras, and its weights from (and to) the arrays that swimmy_db's have."""

import keras
import numpy as np


def build(bands: int = 5, side: int = 64, latent_dim: int = 8, noise_std: float = 0.02) -> keras.Model:
    layers = keras.layers
    signal = inputs = layers.Input((side, side, bands))
    signal = layers.GaussianNoise(noise_std)(signal)
    for filters in (64, 32, latent_dim):
        signal = layers.Conv2D(filters, 3, padding="same")(signal)
        signal = layers.BatchNormalization()(signal)
        signal = layers.ReLU()(signal)
        signal = layers.MaxPooling2D(2)(signal)
    for filters in (8, 32, 64):
        signal = layers.Conv2D(filters, 3, padding="same")(signal)
        signal = layers.BatchNormalization()(signal)
        signal = layers.ReLU()(signal)
        signal = layers.UpSampling2D(2)(signal)
    outputs = layers.Conv2D(bands, 3, padding="same", activation="sigmoid")(signal)
    return keras.Model(inputs, outputs)


def set_weights(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """arrays: `<k>.kernel` (out, in, y, x) and `<k>.bias`, `<k>.gamma`, `.beta`, `.mean`, `.variance` of layer k."""
    weighted = [layer for layer in model.layers if layer.weights]
    k = -1
    for layer in weighted:
        if isinstance(layer, keras.layers.Conv2D):
            k += 1
            layer.set_weights([arrays[f"{k}.kernel"].transpose(2, 3, 1, 0), arrays[f"{k}.bias"]])
        else:
            layer.set_weights([arrays[f"{k}.{name}"] for name in ("gamma", "beta", "mean", "variance")])
