"""Throughputs of the survey's bands, from speclite (FORMATS.md section 6.1)."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from swimmy_db.config import Band
from swimmy_db.contracts import load_contract
from swimmy_db.errors import InputRefused


def read_filter_curves(bands: Sequence[Band]) -> pa.Table:
    """Rows of raw.filter_curves for the bands that name a curve: wavelength in Angstrom, response in [0, 1].

    Small negative responses, artefacts of the digitisation, are set to 0.
    Raises InputRefused for a curve that speclite does not have.
    """
    from speclite import filters

    contract = load_contract("raw.filter_curves")
    tables = [contract.empty()]
    for band in bands:
        if band.filter_curve is None:
            continue
        try:
            curve = filters.load_filter(band.filter_curve)
        except ValueError as fault:
            raise InputRefused(
                f"band {band.band}: filter_curve: expected the name of a curve in speclite, "
                f"found {band.filter_curve!r} ({fault})"
            ) from None
        wavelength = np.asarray(curve.wavelength, dtype=np.float64)
        columns = {
            "band": [band.band] * len(wavelength),
            "filter_curve": [band.filter_curve] * len(wavelength),
            "wavelength": wavelength,
            "response": np.clip(np.asarray(curve.response, dtype=np.float64), 0.0, None),
            "source_file": ["speclite"] * len(wavelength),
            "file_row": np.arange(len(wavelength)),
        }
        tables.append(pa.table(columns, schema=contract.arrow_schema()))
    return pa.concat_tables(tables)
