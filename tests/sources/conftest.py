"""A tiny survey of one's own, in every format: three objects, bands g and z, stamps of 8 x 10 pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

IDS = [10_000_000_000_000_019, 7, 9_223_372_036_854_775_801]
SURVEY = """
[survey]
name = "tiny"
release = "one"

[[bands]]
band = "g"
archive_name = "Tiny-g"
reference_wavelength = 4800.0
is_selection_band = true
zero_point = 25.0
seeing_fwhm = 0.9
depth = 24.5

[[bands]]
band = "z"
archive_name = "Tiny-z"
reference_wavelength = 9000.0
zero_point = 24.0
seeing_fwhm = 1.1

[instrument]
pixel_scale = 0.3
target_fwhm = 1.2
aperture_diameter_arcsec = 1.8

[settings]
magnitude_band = "g"
magnitude_max = 22.0

[catalogue]
file = "catalogue.fits"
missing_values = [-99.0]

[catalogue.columns]
object_id = "ID"
ra = "RA"
dec = "DEC"
redshift = "Z_SPEC"
is_point_source = "STAR"
magnitude = "MAG_{BAND}"

[stamps]
format = "fits"
path = "stamps/{object_id}_{band}.fits"
"""


def catalogue(ids: list = IDS) -> Table:
    return Table(
        {
            "ID": ids,
            "RA": [150.0, 0.0, 359.999],
            "DEC": [2.2, -90.0, 45.5],
            "Z_SPEC": np.array([0.1, np.nan, -99.0]),
            "STAR": [False, True, False],
            "MAG_G": [19.5, 20.5, np.nan],
            "MAG_Z": np.array([18.5, -99.0, 21.0], np.float32),
        }
    )


def pixels() -> np.ndarray:
    """(object, band, y, x), each value its own: object, band, row, column can be read off."""
    i, b, y, x = np.ogrid[:3, :2, :8, :10]
    return (1000.0 * i + 100.0 * b + 10.0 * y + x).astype(np.float32)


@pytest.fixture
def make_survey(tmp_path: Path) -> Callable[..., Path]:
    """Write survey.toml, changed by pairs (old, new), with its catalogue; returns survey.toml's path."""

    def make(*changes: tuple[str, str], table: Table | None = None, file: str = "catalogue.fits") -> Path:
        text = SURVEY.replace('file = "catalogue.fits"', f'file = "{file}"')
        for old, new in changes:
            assert old in text, f"{old!r} is not in the survey"
            text = text.replace(old, new)
        (tmp_path / "survey.toml").write_text(text)
        table = catalogue() if table is None else table
        formats = {".csv": "ascii.csv", ".vot": "votable", ".fits": "fits", ".gz": "fits"}
        path = tmp_path / file
        if path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.table({name: np.asarray(table[name]).tolist() for name in table.colnames}), path)
        else:
            table.write(path, format=formats[path.suffix], overwrite=True)
        return tmp_path / "survey.toml"

    return make


@pytest.fixture
def write_fits_stamps(tmp_path: Path) -> Callable[[], None]:
    def write() -> None:
        (tmp_path / "stamps").mkdir()
        for object_id, cube in zip(IDS, pixels(), strict=True):
            for band, plane in zip("gz", cube, strict=True):
                fits.PrimaryHDU(plane).writeto(tmp_path / f"stamps/{object_id}_{band}.fits")

    return write
