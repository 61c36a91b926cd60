"""A real survey of three bands: the 454 objects of hsc_deepdisc (HSC g, r, i of tract 10054, patch 0,2) as one's own.

The images have no WCS and the ids in the file went through a float (454 rows, 71 different ids), so positions follow
from pixels and an arbitrary point, and objects are numbered as they come. See docs/real-sky.md.
"""

import csv
import json
from pathlib import Path

import numpy as np
from astropy.io import fits
from real_sky_stamps import psf_fwhm

FOLDER = "hsc_deepdisc"
BANDS = {"g": 4793.0, "r": 6213.0, "i": 7733.0}
STAMP = 96  # pixels: 64 and a margin of 16
STAR = 0  # category_id

SURVEY = """[survey]
name = "hsc_deepdisc"
release = "tract_10054"
acknowledgement = "HSC-SSP (NAOJ), as carried by deepdisc 0.1.1 (MIT)"

{bands}
[instrument]
pixel_scale = 0.168
target_fwhm = 1.0
aperture_diameter_arcsec = 1.008
zero_point = 27.0
stretch_zero_point = 19.0

[settings]
magnitude_band = "i"
magnitude_max = {magnitude_max}
{settings}
[catalogue]
file = "catalogue.csv"

# the images have no WCS: where they lie within the patch is not known, and this point is arbitrary
[catalogue.tangent_point]
ra = 30.0
dec = 3.7
x = 512.0
y = 524.5

[catalogue.columns]
object_id = "number"
x = "x"
y = "y"
is_point_source = "is_star"
magnitude = {{ i = "imag" }}

[stamps]
format = "npz"
path = "stamps.npz"
position_array = "position"
"""


def read_objects(data: Path) -> list[dict]:
    """number from 1, x and y (pixels from 0, the middle of the box), imag, is_star of each of the 454."""
    annotations = json.loads((data / FOLDER / "single_test.json").read_text(encoding="utf-8"))[0]["annotations"]
    objects = []
    for number, found in enumerate(annotations, 1):
        left, low, width, height = found["bbox"]
        objects.append(
            {
                "number": number,
                "x": left + (width - 1) / 2,
                "y": low + (height - 1) / 2,
                "imag": found["imag"],
                "is_star": int(found["category_id"] == STAR),
            }
        )
    return objects


def read_images(data: Path) -> np.ndarray:
    """(band, y, x) float32 counts at zero point 27."""
    files = (data / FOLDER / f"{band.upper()}-10054-0,2-c1_scarlet_img.fits.gz" for band in BANDS)
    return np.stack([fits.getdata(file).astype(np.float32) for file in files])


def seeing_of(images: np.ndarray, objects: list[dict]) -> list[float]:
    """FWHM (arcsec) in each band, the median over bright stars inside the image, by adaptive moments."""
    widths = []
    for item in objects:
        x, y = round(item["x"]), round(item["y"])
        if item["is_star"] and item["imag"] < 21.6 and min(x, y, images.shape[2] - x, images.shape[1] - y) > 20:
            widths.append([psf_fwhm(plane[y - 12 : y + 13, x - 12 : x + 13]) for plane in images])
    return np.median(widths, axis=0).tolist()


def cut(images: np.ndarray, x: float, y: float) -> tuple[np.ndarray, tuple[float, float]]:
    """(band, 96, 96) around a position, NaN beyond the image, and where in it the position is."""
    left, low = round(x) - STAMP // 2, round(y) - STAMP // 2
    rows, columns = np.arange(low, low + STAMP), np.arange(left, left + STAMP)
    height, width = images.shape[1:]
    beyond = ((rows < 0) | (rows >= height))[:, None] | ((columns < 0) | (columns >= width))[None, :]
    piece = images[:, rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)[None, :]]
    return np.where(beyond, np.float32(np.nan), piece), (x - left, y - low)


def write_survey(data: Path, folder: Path, magnitude_max: float = 23.0, settings: str = "") -> Path:
    """survey.toml with its catalogue and stamps below `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    objects, images = read_objects(data), read_images(data)
    with (folder / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(objects[0]))
        writer.writeheader()
        writer.writerows(objects)
    pieces, positions = zip(*(cut(images, item["x"], item["y"]) for item in objects), strict=True)
    numbers = np.array([item["number"] for item in objects])
    np.savez(folder / "stamps.npz", pixels=np.stack(pieces), object_id=numbers, position=np.array(positions))
    bands = "\n".join(
        f'[[bands]]\nband = "{band}"\narchive_name = "HSC-{band.upper()}"\nreference_wavelength = {wavelength}\n'
        f"is_selection_band = true\nseeing_fwhm = {seeing:.3f}\n"
        for (band, wavelength), seeing in zip(BANDS.items(), seeing_of(images, objects), strict=True)
    )
    text = SURVEY.format(bands=bands, magnitude_max=magnitude_max, settings=settings)
    (folder / "survey.toml").write_text(text, encoding="utf-8")
    return folder / "survey.toml"
