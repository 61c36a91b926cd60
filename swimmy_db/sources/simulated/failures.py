"""What is not in the sample: galaxies that fail one cut alone, or lack one value, stars, and other redshifts."""

from typing import TYPE_CHECKING

import numpy as np

from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy, Spectrum
from swimmy_db.sources.simulated.options import BANDS, FLAG_CUTS

if TYPE_CHECKING:
    from swimmy_db.sources.simulated.population import Planner

# Values whose lack alone drops a galaxy: (column, how it is lacking).
MISSING_VALUES = (
    *((f"{band}_cmodel_mag", spelling) for band in BANDS for spelling in ("nan", "null")),
    ("i_cmodel_mag", "inf"),
    ("i_psfflux_mag", "nan"),
    ("i_psfflux_mag", "null"),
    *((f"{BANDS[position % len(BANDS)]}_{flag}", "null") for position, flag in enumerate(FLAG_CUTS)),
    ("masks", "no row"),
    ("patch_qa", "no row"),
    ("iseeing", "null"),
    ("rmag_psf_depth", "null"),
    ("specz_redshift", "nan"),
    ("specz_redshift", "null"),
    ("isprimary", "null"),
)
# Needed values that a whole patch lacks.
PATCH_FAULTS = {"patch_qa": "no_row", "iseeing": "no_seeing", "rmag_psf_depth": "no_depth"}
# What lacks only a redshift that counts may be in the colour sample (appendix 3).
IN_COLOUR_SAMPLE = ("insecure_redshift", "other_survey_redshift", "redshift_too_far", "missing:specz_redshift")


def plan_failures(planner: "Planner") -> None:
    """Add the objects outside the sample to the plan, each with `failed_cut` and `failed_detail`."""
    options, rng = planner.options, planner.rng
    for flag in FLAG_CUTS:
        for position in range(options.failing_each):
            _ordinary(planner, flag, f"{BANDS[(position + len(flag)) % len(BANDS)]}_{flag}")
    for _ in range(options.failing_each):
        _ordinary(planner, "not_primary")
        _ordinary(planner, "seeing", patch_fault="seeing")
        _ordinary(planner, "depth", patch_fault="depth")
        _ordinary(planner, "insecure_redshift")
        _ordinary(planner, "other_survey_redshift")
        _ordinary(planner, "redshift_too_far")
        _ordinary(planner, "magnitude", i_mag=float(rng.uniform(20.05, 20.8)))
        _ordinary(planner, "extendedness", kind="compact", i_mag=float(rng.uniform(17.5, 19.5)))
    for edge, cut in ((0.05, "redshift_low"), (0.2, "redshift_high")):
        # The limits are strict: a redshift exactly on one fails.
        _ordinary(planner, cut, "exactly on the limit", redshift=edge)
    for low, cut in ((True, "redshift_low"), (False, "redshift_high")):
        for _ in range(max(options.failing_each, options.count(options.outside_redshift_share) // 2)):
            row = planner.row(inside=False, low=low)
            spectrum = planner.spectrum(row)
            _dim(spectrum, 19.85)
            planner.add(
                "galaxy",
                row,
                spectrum,
                failed_cut=cut,
                failed_detail="SDSS redshift",
                has_mpa_jhu=bool(rng.random() < 0.7),
                writes_cutout=False,
            )
    for _ in range(options.missing_each):
        for column, spelling in MISSING_VALUES:
            fault = PATCH_FAULTS.get(column, "")
            _ordinary(planner, f"missing:{column}", spelling, patch_fault=fault)
    for _ in range(options.count(options.no_redshift_share)):
        row = planner.row(inside=bool(rng.random() < 0.8))
        spectrum = planner.spectrum(row)
        spectrum.scale_to(planner.faint_magnitude(16.5))
        planner.add("galaxy", row, spectrum, failed_cut="no_redshift")
    for position in range(options.count(options.star_share)):
        row = planner.row()
        planner.add(
            "star",
            row,
            _star(planner, row),
            failed_cut="extendedness",
            failed_detail="star, with a redshift of 0" if position % 2 else "star, without a redshift",
            writes_cutout=False,
        )
    # what a search without redshifts may find (appendix 3)
    planner.xelgs(options.count(options.no_redshift_xelg_share), has_mpa_jhu=False, failed_cut="no_redshift")


def _ordinary(
    planner: "Planner",
    cut: str,
    detail: str = "",
    kind: str = "galaxy",
    i_mag: float | None = None,
    redshift: float | None = None,
    patch_fault: str = "",
) -> Galaxy:
    """A galaxy that would be a member but for one thing."""
    row = planner.row()
    spectrum = planner.spectrum(row)
    if redshift is not None:
        spectrum.redshift = redshift
    if i_mag is None:
        _dim(spectrum, 19.85)
    else:
        spectrum.scale_to(i_mag)
    return planner.add(
        kind,
        row,
        spectrum,
        patch_fault=patch_fault,
        failed_cut=cut,
        failed_detail=detail,
        has_mpa_jhu=bool(planner.rng.random() < 0.5),
        writes_cutout=cut in IN_COLOUR_SAMPLE,
    )


def _dim(spectrum: Spectrum, faintest: float) -> None:
    if -2.5 * np.log10(spectrum.total()[I_BAND]) > faintest:
        spectrum.scale_to(faintest)


def _star(planner: "Planner", row: int) -> Spectrum:
    """A star's colours from a galaxy's templates at redshift 0 without lines: enough for a point source."""
    spectrum = planner.spectrum(row)
    spectrum.redshift = 0.0
    spectrum.scale_to(planner.faint_magnitude(17.0))
    return spectrum
