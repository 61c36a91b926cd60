"""Galaxies as strips of stamps, original above reconstruction above residuals: for the page, and for paper."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import altair as alt
import numpy as np
from matplotlib import colormaps
from PIL import Image

from swimmy_db.report.gallery import stamp_rgb
from swimmy_db.report.style import FONT, values

GAP = 2  # pixels between the stamps of a strip
QUALITY = 90
# Dark where nothing is left, red where light is in excess, blue where it lacks; legible for colour-blind eyes.
RESIDUALS = "berlin"
FEATURES = "viridis"


@dataclass(frozen=True)
class Strip:
    """One column of stamps: pixels (y, x, 3) uint8, row 0 at the top; notes: text at a height (0 top, 1 bottom)."""

    pixels: np.ndarray
    title: str
    object_id: int | None = None
    label: str = ""
    notes: tuple[tuple[float, str], ...] = ()

    @property
    def data_url(self) -> str:
        return picture_url(self.pixels)


@dataclass(frozen=True)
class StampSheet:
    """Groups of strips, each with a heading. row_labels: what the stamps of a strip are, from the top."""

    groups: list[tuple[str, list[Strip]]]
    row_labels: tuple[str, ...] = ()
    scale: str = ""
    columns: int = 25
    magnification: int = 1

    def chart(self) -> alt.LayerChart:
        """The sheet as a chart of images, for PDF and PNG."""
        images, texts, y = [], [], 0.0
        for heading, strips in self.groups:
            texts.append({"x": 0.0, "y": y + 10, "text": heading, "size": 12, "colour": "#202124"})
            y += 20
            for start in range(0, len(strips), self.columns):
                line = strips[start : start + self.columns]
                x, tallest = 0.0, max(strip.pixels.shape[0] for strip in line)
                has_labels = any(strip.label for strip in line)
                for strip in line:
                    height, width = strip.pixels.shape[:2]
                    images.append({"x": x, "x2": x + width, "y": y, "y2": y + height, "url": strip.data_url})
                    texts += [
                        {"x": x + width - 3, "y": y + at * height + 9, "text": note, "size": 9, "colour": "#ffffff"}
                        for at, note in strip.notes
                    ]
                    if has_labels:
                        texts.append({"x": x, "y": y + height + 8, "text": strip.label, "size": 8, "colour": "#5f6368"})
                    x += width + GAP
                y += tallest + GAP + (14 if has_labels else 0)
            y += 8
        width = max((item["x2"] for item in images), default=1.0)
        return _sheet_chart(images, texts, width, y)


def _sheet_chart(images: list[dict], texts: list[dict], width: float, height: float) -> alt.LayerChart:
    # y runs down the page, as in a picture
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, width], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False), axis=None)
    layers = []
    sizes = sorted({(item["x2"] - item["x"], item["y2"] - item["y"]) for item in images})
    for wide, high in sizes:
        same = [item for item in images if (item["x2"] - item["x"], item["y2"] - item["y"]) == (wide, high)]
        layers.append(
            alt.Chart(values(same))
            .mark_image(width=wide, height=high, align="left", baseline="top", aspect=False)
            .encode(x=x, y=y, url="url:N")
        )
    for size, colour in sorted({(item["size"], item["colour"]) for item in texts}):
        same = [item for item in texts if (item["size"], item["colour"]) == (size, colour)]
        layers.append(
            alt.Chart(values(same))
            .mark_text(align="right" if colour == "#ffffff" else "left", fontSize=size, color=colour, font=FONT)
            .encode(x=x, y=y, text="text:N")
        )
    chart = alt.layer(*layers).properties(width=width, height=height)
    return chart.configure_view(stroke=None)


def strip_of(
    cube: np.ndarray,
    reconstruction: np.ndarray | None,
    rgb: tuple[int, int, int],
    residual_bands: Sequence[int],
    full_scale: float,
    **said: object,
) -> Strip:
    """Original and reconstruction in colour above the residuals of some bands, as in figures 6, 7 and 17.

    cube, reconstruction: (band, y, x) stretched flux. full_scale: residual that reaches full colour.
    """
    stamps = [_bytes(stamp_rgb(cube, rgb))]
    if reconstruction is not None:
        stamps.append(_bytes(stamp_rgb(reconstruction, rgb)))
        stamps += [residual_picture(cube[band] - reconstruction[band], full_scale) for band in residual_bands]
    return Strip(stacked(stamps), **said)


def stacked(stamps: Sequence[np.ndarray], axis: int = 0) -> np.ndarray:
    """Stamps (y, x, 3) below (axis 0) or beside (1) each other, with white gaps."""
    first = stamps[0]
    shape = (GAP, first.shape[1], 3) if axis == 0 else (first.shape[0], GAP, 3)
    gap = np.full(shape, 255, np.uint8)
    parts = [part for stamp in stamps for part in (stamp, gap)]
    return np.concatenate(parts[:-1], axis=axis)


def colour_stamp(cube: np.ndarray, rgb: tuple[int, int, int]) -> np.ndarray:
    """(y, x, 3) uint8 with north up of a stretched cube (band, y, x)."""
    return _bytes(stamp_rgb(cube, rgb))


def residual_picture(residual: np.ndarray, full_scale: float) -> np.ndarray:
    """(y, x, 3) uint8 of source minus reconstruction in one band."""
    return _bytes(_colours(RESIDUALS)(0.5 + 0.5 * np.clip(residual / full_scale, -1, 1))[..., :3])


def feature_picture(values: np.ndarray) -> np.ndarray:
    """(y, x, 3) uint8 of one channel of a layer's output, normalised to its own range."""
    span = float(values.max() - values.min()) or 1.0
    return _bytes(_colours(FEATURES)((values - values.min()) / span)[..., :3])


def grey_picture(plane: np.ndarray) -> np.ndarray:
    """(y, x, 3) uint8 of a plane in [0, 1]."""
    return _bytes(np.repeat(np.clip(plane, 0, 1)[..., None], 3, axis=-1))


def residual_scale(residuals: np.ndarray) -> float:
    """Five times the root mean square: what all residuals of a figure share, so that they compare."""
    return max(5.0 * float(np.sqrt(np.mean(np.square(residuals)))), 1e-6) if residuals.size else 1.0


def picture_url(pixels: np.ndarray, quality: int = QUALITY) -> str:
    """A JPEG as a data URL; pixels (y, x, 3) uint8."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@cache
def _colours(name: str):
    return colormaps[name]


def _bytes(image: np.ndarray) -> np.ndarray:
    # arrays have row 0 at the bottom of the sky, pictures at the top
    return np.ascontiguousarray((np.asarray(image)[::-1] * 255 + 0.5).astype(np.uint8))
