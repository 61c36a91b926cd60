"""Throughputs, against the same curves as astropy reads them and FORMATS.md 6.1's numbers."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from swimmy_db.config import Band, load_preset
from swimmy_db.contracts import load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.filter_curves import read_filter_curves

CURVES = Path(__file__).parents[3] / "shared" / "data" / "filters_speclite"


def test_the_papers_bands_have_the_curves_that_are_known():
    table = read_filter_curves(load_preset("paper").bands)
    assert table.schema.names == load_contract("raw.filter_curves").arrow_schema().names
    # Peak and range of half maximum of the v2018 curves; speclite agrees within a few per cent.
    known = {
        "g": (0.512, 4090, 5460),
        "r": (0.559, 5480, 6970),
        "i": (0.507, 6980, 8550),
        "z": (0.482, 8530, 9300),
        "y": (0.386, 9370, 10080),
    }
    for band, (peak, blue, red) in known.items():
        rows = table.filter(np.array(table["band"].to_pylist()) == band)
        wavelength, response = rows["wavelength"].to_numpy(), rows["response"].to_numpy()
        assert np.all(np.diff(wavelength) > 0)
        assert response.max() == pytest.approx(peak, rel=0.03)
        above = wavelength[response > response.max() / 2]
        assert (above[0], above[-1]) == (pytest.approx(blue, abs=30), pytest.approx(red, abs=30))
        assert response.min() >= 0


def test_the_curves_are_the_files_clipped_at_zero():
    if not CURVES.exists():
        pytest.skip("../shared/data/filters_speclite is absent")
    bands = [Band(band="r", archive_name="r", reference_wavelength=6213, filter_curve="hsc2017-r2")]
    table = read_filter_curves(bands)
    native = Table.read(CURVES / "hsc2017-r2.ecsv")
    ours = dict(zip(table["wavelength"].to_pylist(), table["response"].to_pylist(), strict=True))
    assert len(ours) > 200
    # speclite drops zeros beyond the ends of a curve.
    for wavelength, response in zip(native["wavelength"], native["response"], strict=True):
        assert ours.pop(float(wavelength), 0.0) == pytest.approx(max(0.0, float(response)), abs=1e-12)
    assert not any(ours.values())


def test_a_band_without_a_curve_has_no_rows_and_an_unknown_curve_is_refused():
    assert read_filter_curves([Band(band="g", archive_name="g", reference_wavelength=5000)]).num_rows == 0
    with pytest.raises(InputRefused, match="hsc2017-q"):
        read_filter_curves([Band(band="g", archive_name="g", reference_wavelength=5000, filter_curve="hsc2017-q")])
