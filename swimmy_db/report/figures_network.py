"""Figures 2, 3 and 4: the stretch, the network as its module says it is, and what its layers put out."""

from typing import Any

import altair as alt
import numpy as np

from swimmy_db.report.figure import Figure
from swimmy_db.report.material import Material
from swimmy_db.report.stamp_strips import (
    StampSheet,
    Strip,
    colour_stamp,
    feature_picture,
    grey_picture,
    stacked,
)
from swimmy_db.report.style import BLUE, GREY, ORANGE, PALE, PURPLE, SKY, VERMILLION, values

LINEAR_WHITE = 99.5  # percentile of a band's pixels that is white in the linear pictures
CHANNELS = 8  # shown of each layer: those that vary most
KINDS = {
    "Conv2D": BLUE,
    "BatchNormalization": PALE,
    "ReLU": ORANGE,
    "sigmoid": ORANGE,
    "MaxPooling2D": SKY,
    "UpSampling2D": VERMILLION,
    "GaussianNoise": PURPLE,
    "input": GREY,
}


def draw_stretch(material: Material) -> StampSheet | None:
    """One galaxy: bands in linear scaling, after the stretch, and in colour from three neighbouring bands each."""
    example = material.rows("paper.figure2")[0]
    object_id = example["object_id"]
    if object_id not in material.pixels.holds([object_id]):
        return None
    cube = material.pixels.load([object_id], material.checkpoint_id).cubes[0]
    linear = material.pixels.linear(object_id)
    linear = linear / np.maximum(np.percentile(linear, LINEAR_WHITE, axis=(1, 2), keepdims=True), 1e-12)
    bands = material.bands
    triples = [(place + 2, place + 1, place) for place in range(len(bands) - 2)]

    def strips(pictures: list[np.ndarray], labels: list[str]) -> list[Strip]:
        return [Strip(p, f"{object_id} {label}", object_id, label) for p, label in zip(pictures, labels, strict=True)]

    groups = [
        (f"{object_id}: linear flux", strips([grey_picture(plane) for plane in linear], list(bands))),
        ("after the arcsinh stretch", strips([grey_picture(plane) for plane in cube], list(bands))),
    ]
    if triples:
        colour = [colour_stamp(cube, triple) for triple in triples]
        names = ["".join(bands[place] for place in reversed(triple)) for triple in triples]
        groups.append(("in colour, from three bands each", strips(colour, names)))
    return StampSheet(groups, magnification=2)


def draw_network(material: Material) -> Any:
    """Boxes in the order in which data pass: height follows the side of the images, width the number of channels."""
    layers = material.published("paper.figure3")
    side = max(layer["height"] for layer in layers)
    boxes, x, last_shape = [], 0.0, ""
    for place, layer in enumerate(layers):
        width = 9 + 2.0 * layer["channels"] ** 0.5
        half = 8 + 62 * layer["height"] / side
        shape = f"{layer['width']}×{layer['height']}×{layer['channels']}"
        boxes.append(
            {
                "x": x,
                "x2": x + width,
                "middle": x + width / 2,
                "y": -half,
                "y2": half,
                "top": half + 6,
                "kind": layer["layer"].split(" ")[0],
                "layer": layer["layer"],
                "part": layer["part"],
                "shape": shape,
                "shown_shape": "" if shape == last_shape else shape,
                "n_weights": layer["n_weights"],
            }
        )
        last_shape = shape
        x += width + (5 if place + 1 < len(layers) and layers[place + 1]["part"] == layer["part"] else 16)
    base = alt.Chart(values(boxes))
    x_axis = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-4, x], nice=False))
    middle = alt.X("middle:Q", axis=None, scale=alt.Scale(domain=[-4, x], nice=False))
    scale = alt.Scale(domain=[-165, 160], nice=False)
    colours = {kind: KINDS[kind] for kind in dict.fromkeys(box["kind"] for box in boxes) if kind in KINDS}
    rectangles = base.mark_rect(stroke="black", strokeWidth=0.9).encode(
        x=x_axis,
        x2="x2:Q",
        y=alt.Y("y:Q", axis=None, scale=scale),
        y2="y2:Q",
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            legend=alt.Legend(title=None, orient="bottom", direction="horizontal", columns=8),
        ),
        tooltip=[
            alt.Tooltip("layer:N"),
            alt.Tooltip("part:N"),
            alt.Tooltip("shape:N", title="output"),
            alt.Tooltip("n_weights:Q", title="weights", format=","),
        ],
    )
    shapes = base.mark_text(angle=270, align="left", baseline="middle", fontSize=10).encode(
        x=middle, y=alt.Y("top:Q", axis=None, scale=scale), text="shown_shape:N"
    )
    names = base.mark_text(angle=270, align="right", baseline="middle", fontSize=9, color="#5f6368").encode(
        x=middle, y=alt.Y("y:Q", axis=None, scale=scale), yOffset=alt.value(4), text="layer:N"
    )
    parts = []
    for part in dict.fromkeys(box["part"] for box in boxes):
        inside = [box for box in boxes if box["part"] == part]
        parts.append({"middle": (inside[0]["x"] + inside[-1]["x2"]) / 2, "part": part, "top": 150})
    headings = (
        alt.Chart(values([part for part in parts if part["part"] != "input"]))
        .mark_text(fontSize=13, fontWeight="bold")
        .encode(x=middle, y=alt.Y("top:Q", axis=None, scale=scale), text="part:N")
    )
    chart = alt.layer(rectangles, shapes, names, headings).properties(width=900, height=310)
    return chart.configure_view(stroke=None)


def draw_layer_outputs(material: Material) -> StampSheet | None:
    """Three training galaxies: the original, the channels of each convolution that vary most, the reconstruction."""
    examples = material.published("paper.figure4")
    held = material.pixels.holds([row["object_id"] for row in examples])
    groups = []
    for row in (row for row in examples if row["object_id"] in held):
        object_id = row["object_id"]
        pixels = material.pixels.load([object_id], material.checkpoint_id)
        both = stacked([colour_stamp(image[0], material.rgb) for image in pixels])
        strips = [Strip(both, f"{object_id}", object_id, "original, reconstruction")]
        for output in material.pixels.layer_outputs(object_id, material.checkpoint_id)[:-1]:
            shown = np.argsort(output.values.var(axis=(1, 2)))[::-1][:CHANNELS]
            size = pixels.cubes.shape[-1]
            pictures = [_enlarged(feature_picture(output.values[channel]), size) for channel in sorted(shown)]
            pictures += [np.full_like(pictures[0], 255)] * (-len(pictures) % 2)
            rows = [stacked(pictures[place : place + 2], axis=1) for place in range(0, len(pictures), 2)]
            channels, height, width = output.values.shape
            label = f"{output.name}  {width}×{height}×{channels}"
            strips.append(Strip(stacked(rows), f"{object_id} {label}", object_id, label))
        redshift = "" if row["redshift"] is None else f", z = {row['redshift']:.3f}"
        groups.append((f"{row['example']}: {object_id}{redshift}", strips))
    return StampSheet(groups) if groups else None


def _enlarged(picture: np.ndarray, size: int) -> np.ndarray:
    factor = max(size // picture.shape[0], 1)
    return np.repeat(np.repeat(picture, factor, axis=0), factor, axis=1)


FIGURES = (
    Figure(
        "figure2",
        "The arcsinh stretch",
        "2.3",
        "One galaxy in all bands: linear flux (each band to its own white), after the stretch of equations 1 and 2, "
        "which is what the network sees, and in colour from three neighbouring bands each.",
        ("paper.figure2",),
        draw_stretch,
        "no galaxy of the sample has a cube.",
    ),
    Figure(
        "figure3",
        "The network",
        "3.1",
        "Drawn from the module whose weights score the galaxies. Each box is a layer; its height follows the side of "
        "the images, its width the number of channels, both above it where they change. Noise acts in training only.",
        ("paper.figure3", "model.layers"),
        draw_network,
        "no network is trained yet.",
    ),
    Figure(
        "figure4",
        "Outputs of the convolutions",
        "3.1",
        f"Three training galaxies, blue to red. For each convolution the {CHANNELS} channels that vary most, each "
        "normalised to its own range. Left: original above reconstruction, in colour.",
        ("paper.figure4",),
        draw_layer_outputs,
        "no training galaxy has magnitudes in the selection bands.",
    ),
)
