"""What is true of the embedded survey, as Parquet for tests: truth.objects, truth.lines, truth.bad_stamps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swimmy_db.contracts import load_contract
from swimmy_db.sources.simulated.cutout_files import bad_band
from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy
from swimmy_db.sources.simulated.images import Measured
from swimmy_db.sources.simulated.lines import group_ews
from swimmy_db.sources.simulated.options import BANDS
from swimmy_db.sources.simulated.sky import Patch
from swimmy_db.sources.simulated.spectra import LINE_NAMES


def survey_class(galaxy: Galaxy, xelg_ew_min: float = 100.0) -> str | None:
    """The paper's class of a member, by precedence; None for what is no member."""
    if not galaxy.is_member:
        return None
    if galaxy.in_dr16q:
        return "dr16q"
    if not galaxy.has_mpa_jhu:
        return "other_specz"
    if max(group_ews(galaxy.measured_ews, galaxy.redshift).values()) > xelg_ew_min:
        return "xelg"
    return "agn_liner_composite" if galaxy.bpt_class >= 3 else "training"


def object_row(galaxy: Galaxy, measured: Measured, patch: Patch) -> dict[str, object]:
    spectrum = galaxy.spectrum
    groups = group_ews(spectrum.rest_ews(), galaxy.redshift)
    catalogued = group_ews(galaxy.measured_ews, galaxy.redshift) if galaxy.has_mpa_jhu else dict.fromkeys(groups)
    host = spectrum.host_continuum() + spectrum.lines(spectrum.template_lines)
    planted = spectrum.lines(spectrum.planted_lines)
    return {
        "object_id": galaxy.object_id,
        "ra": galaxy.ra,
        "dec": galaxy.dec,
        "tract": galaxy.tract,
        "patch": galaxy.patch,
        "redshift": galaxy.redshift,
        "kind": galaxy.kind,
        "class": survey_class(galaxy),
        "is_member": galaxy.is_member,
        "failed_cut": galaxy.failed_cut or None,
        "failed_detail": galaxy.failed_detail or None,
        "morphology": "point" if galaxy.kind == "star" else galaxy.shape.morphology,
        "half_light_radius": measured.half_light_radius,
        "bulge_to_total": galaxy.shape.bulge_to_total,
        "axis_ratio": galaxy.shape.axis_ratio,
        "dust_lane": galaxy.shape.dust_lane,
        "line_place": galaxy.line_place or None,
        "nucleus_to_host": galaxy.nucleus_to_host if galaxy.nucleus_to_host > 0 else None,
        **{f"ew_{group}": value for group, value in groups.items()},
        **{f"catalogued_ew_{group}": value for group, value in catalogued.items()},
        "has_mpa_jhu": galaxy.has_mpa_jhu,
        "bptclass": galaxy.bpt_class if galaxy.has_mpa_jhu else None,
        "in_dr16q": galaxy.in_dr16q,
        "milliquas_type": galaxy.milliquas_type or None,
        "n_spectra": galaxy.n_spectra if galaxy.has_mpa_jhu else 0,
        "n_neighbours": measured.n_neighbours,
        "artefact": galaxy.artefact or None,
        "bad_stamp": galaxy.bad_stamp or None,
        "has_cutout": galaxy.writes_cutout,
        "sdss_row": galaxy.sdss_row,
        "host_i_mag": float(-2.5 * np.log10(max(host[I_BAND], 1e-30))),
        **{f"line_share_{band}": float(planted[k] / spectrum.total()[k]) for k, band in enumerate(BANDS)},
        **{f"seeing_{band}": float(patch.seeing[k]) for k, band in enumerate(BANDS)},
        "xelg_planted": galaxy.kind == "xelg",
    }


def line_rows(galaxy: Galaxy) -> list[dict[str, object]]:
    """Rest-frame EWs of the summed spectrum, and how much of each was planted, for galaxies with planted light."""
    spectrum = galaxy.spectrum
    if not spectrum.planted_lines.any() and spectrum.nucleus_strength == 0.0:
        return []
    total = spectrum.rest_ews()
    template = spectrum.template_lines / spectrum.continuum_at_lines()
    return [
        {
            "object_id": galaxy.object_id,
            "line": name,
            "rest_ew": float(total[place]),
            "rest_ew_template": float(template[place]),
        }
        for place, name in enumerate(LINE_NAMES)
    ]


def write_truth(
    folder: Path,
    galaxies: Sequence[Galaxy],
    measured: Sequence[Measured],
    patches: dict[int, Patch],
) -> None:
    """objects.parquet, lines.parquet and bad_stamps.parquet, as schemas/truth/*.toml have them."""
    rows = {
        "objects": [
            object_row(galaxy, one, patches[galaxy.skymap_id]) for galaxy, one in zip(galaxies, measured, strict=True)
        ],
        "lines": [row for galaxy in galaxies for row in line_rows(galaxy)],
        "bad_stamps": [
            {
                "object_id": galaxy.object_id,
                "band": bad_band(galaxy),
                "kind": galaxy.bad_stamp,
            }
            for galaxy in galaxies
            if galaxy.bad_stamp
        ],
    }
    for name, table in rows.items():
        schema = load_contract(f"truth.{name}").arrow_schema()
        pq.write_table(pa.Table.from_pylist(table, schema=schema), folder / f"{name}.parquet")
