"""The HSC catalogue as its SQL jobs return it: objects, masks, patch_qa and specz as CSV (FORMATS 1 and 2.1)."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from swimmy_db.sources.simulated.galaxy import Galaxy
from swimmy_db.sources.simulated.images import Measured
from swimmy_db.sources.simulated.options import BANDS, FLAG_CUTS
from swimmy_db.sources.simulated.sky import GAMA_TRACTS, Patch

SURVEY_FLAGS = (
    "specz_flag_sdss_dr15",
    "specz_flag_gama_dr3",
    "specz_flag_2dfgrs",
    "specz_flag_6dfgrs",
    "specz_flag_wigglez_dr1",
    "specz_flag_primus_dr1",
    "specz_flag_vipers_dr2",
)
PIXEL_FLAGS = tuple(flag for flag in FLAG_CUTS if not flag.startswith("mask_"))
MASKS = tuple(flag for flag in FLAG_CUTS if flag.startswith("mask_"))
_SPELLINGS = {"nan": float("nan"), "inf": float("inf"), "null": None}


def write_sql_result(path: Path, sql: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A job's result: lines about the query, the header as the last `#` line, True and False, missing as nothing."""
    with open(path, "w", newline="", encoding="ascii") as stream:
        stream.write("# [query]\n")
        stream.writelines(f"# {line}\n" for line in sql.splitlines())
        stream.write("# [result]\n# " + ",".join(columns) + "\n")
        csv.writer(stream, lineterminator="\n").writerows([_text(value) for value in row] for row in rows)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(value)


def object_columns() -> list[str]:
    """Columns of objects.csv in order."""
    per_band = [f"{band}_{name}" for name in ("cmodel_mag", "cmodel_magerr", "psfflux_mag") for band in BANDS]
    flags = [f"{band}_{flag}" for flag in PIXEL_FLAGS for band in BANDS]
    head = ["object_id", "ra", "dec", "tract", "patch", "skymap_id", "isprimary"]
    return [*head, *per_band, *(f"a_{band}" for band in BANDS), *flags]


def object_row(galaxy: Galaxy, measured: Measured) -> dict[str, object]:
    """A galaxy's row, with the one value or flag spoilt for which it was planted."""
    row: dict[str, object] = {
        "object_id": galaxy.object_id,
        "ra": galaxy.ra,
        "dec": galaxy.dec,
        "tract": galaxy.tract,
        "patch": galaxy.patch,
        "skymap_id": galaxy.skymap_id,
        "isprimary": galaxy.failed_cut != "not_primary",
    }
    for position, band in enumerate(BANDS):
        row[f"{band}_cmodel_mag"] = round(float(measured.cmodel_mag[position]), 6)
        row[f"{band}_cmodel_magerr"] = round(float(measured.cmodel_magerr[position]), 8)
        row[f"{band}_psfflux_mag"] = round(float(measured.psf_mag[position]), 6)
        row[f"a_{band}"] = round(float(galaxy.spectrum.extinction[position]), 6)
        row |= {f"{band}_{flag}": False for flag in PIXEL_FLAGS}
    if galaxy.failed_cut in PIXEL_FLAGS:
        row[galaxy.failed_detail] = True
    lacking = galaxy.failed_cut.removeprefix("missing:")
    if lacking != galaxy.failed_cut and lacking in row:
        row[lacking] = _SPELLINGS[galaxy.failed_detail]
    return row


def mask_columns() -> list[str]:
    return ["object_id", *(f"{band}_{mask}" for mask in MASKS for band in BANDS)]


def mask_row(galaxy: Galaxy) -> dict[str, object] | None:
    """A galaxy's row of masks; None for one planted without."""
    if galaxy.failed_cut == "missing:masks":
        return None
    row: dict[str, object] = dict.fromkeys(mask_columns(), False)
    row["object_id"] = galaxy.object_id
    if galaxy.failed_cut in MASKS:
        row[galaxy.failed_detail] = True
    lacking = galaxy.failed_cut.removeprefix("missing:")
    if lacking != galaxy.failed_cut and lacking in row:
        row[lacking] = None
    return row


def patch_columns() -> list[str]:
    return [
        "skymap_id",
        "tract",
        "patch",
        *(f"{band}mag_psf_depth" for band in BANDS),
        *(f"{band}seeing" for band in BANDS),
    ]


def patch_row(patch: Patch) -> dict[str, object] | None:
    if patch.fault == "no_row":
        return None
    row: dict[str, object] = {"skymap_id": patch.skymap_id, "tract": patch.tract, "patch": patch.patch}
    for position, band in enumerate(BANDS):
        row[f"{band}mag_psf_depth"] = float(patch.depth[position])
        row[f"{band}seeing"] = float(patch.seeing[position])
    if patch.fault == "no_seeing":
        row["iseeing"] = None
    elif patch.fault == "no_depth":
        row["rmag_psf_depth"] = None
    return row


def specz_columns() -> list[str]:
    return [
        "object_id",
        "d_pos",
        "specz_name",
        "specz_ra",
        "specz_dec",
        "specz_redshift",
        "specz_redshift_err",
        "specz_flag_homogeneous",
        *SURVEY_FLAGS,
    ]


def specz_rows(galaxy: Galaxy, rng: np.random.Generator) -> list[dict[str, object]]:
    """A galaxy's rows of specz, nearest first; none for one without a redshift."""
    if galaxy.failed_cut == "no_redshift" or galaxy.failed_detail == "star, without a redshift":
        return []
    in_gama = galaxy.tract in GAMA_TRACTS
    surveys = ["specz_flag_sdss_dr15"]
    if in_gama and not galaxy.has_mpa_jhu and not galaxy.in_dr16q:
        surveys = ["specz_flag_gama_dr3"]
    elif in_gama and rng.random() < 0.3:
        surveys = ["specz_flag_sdss_dr15", "specz_flag_gama_dr3"]
    if galaxy.failed_cut == "other_survey_redshift":
        surveys = [str(rng.choice(["specz_flag_2dfgrs", "specz_flag_6dfgrs", "specz_flag_wigglez_dr1"]))]
    first = _specz_row(galaxy, surveys, abs(rng.normal(0.0, 0.12)), galaxy.redshift, rng)
    if galaxy.failed_cut == "insecure_redshift":
        first |= {"specz_redshift": -9.0, "specz_redshift_err": -9.0, "specz_flag_homogeneous": False}
    elif galaxy.failed_cut == "redshift_too_far":
        first["d_pos"] = round(float(rng.uniform(1.05, 1.9)), 4)
    elif galaxy.failed_cut == "missing:specz_redshift":
        first["specz_redshift"] = _SPELLINGS[galaxy.failed_detail]
    rows = [first]
    if galaxy.failed_cut:
        return rows
    for extra in range(galaxy.specz_rows - 1):
        # Never nearer than the first, so that every way to choose one row of an object gives the same redshift.
        further = float(first["d_pos"]) + rng.uniform(0.05, 0.3)
        if extra == 0 and rng.random() < 0.5:
            row = _specz_row(galaxy, ["specz_flag_primus_dr1"], further, -9.0, rng)
            rows.append(row | {"specz_redshift_err": -9.0, "specz_flag_homogeneous": False})
        else:
            other = str(rng.choice(["specz_flag_2dfgrs", "specz_flag_sdss_dr15"]))
            rows.append(_specz_row(galaxy, [other], further, galaxy.redshift + rng.normal(0.0, 2e-4), rng))
    return rows


def _specz_row(
    galaxy: Galaxy, surveys: list[str], d_pos: float, redshift: float, rng: np.random.Generator
) -> dict[str, object]:
    names = [
        f"{flag.removeprefix('specz_flag_').upper().replace('_', '-')}-{int(rng.integers(10**6, 10**9))}"
        for flag in surveys
    ]
    angle = rng.uniform(0.0, 2.0 * np.pi)
    if galaxy.failed_detail == "exactly on the limit":
        shown = redshift
    else:
        shown = redshift if redshift < 0 else round(float(redshift), 6)
    return {
        "object_id": galaxy.object_id,
        "d_pos": round(float(d_pos), 4),
        "specz_name": ",".join(names),
        "specz_ra": round((galaxy.ra + d_pos * np.cos(angle) / 3600.0 / np.cos(np.radians(galaxy.dec))) % 360.0, 8),
        "specz_dec": round(galaxy.dec + d_pos * np.sin(angle) / 3600.0, 8),
        "specz_redshift": shown,
        "specz_redshift_err": round(float(rng.uniform(1e-5, 2e-4)), 7),
        "specz_flag_homogeneous": True,
        **{flag: flag in surveys for flag in SURVEY_FLAGS},
    }


def write_hsc_catalogue(
    folder: Path,
    galaxies: Sequence[Galaxy],
    measured: Sequence[Measured],
    patches: dict[int, Patch],
    rng: np.random.Generator,
) -> None:
    """objects.csv, masks.csv, patch_qa.csv and specz.csv; rows in the order of object ids, as a database has them."""
    order = sorted(range(len(galaxies)), key=lambda place: galaxies[place].object_id)
    objects = [object_row(galaxies[place], measured[place]) for place in order]
    masks = [row for place in order if (row := mask_row(galaxies[place])) is not None]
    specz = [row for place in order for row in specz_rows(galaxies[place], rng)]
    quality = [row for key in sorted(patches) if (row := patch_row(patches[key])) is not None]
    for name, table, columns, rows in (
        ("objects", "forced LEFT JOIN pdr3_wide.forced2 USING (object_id)", object_columns(), objects),
        ("masks", "masks", mask_columns(), masks),
        ("specz", "specz", specz_columns(), specz),
        ("patch_qa", "patch_qa", patch_columns(), quality),
    ):
        sql = f"SELECT {', '.join(columns)}\nFROM pdr3_wide.{table}"
        write_sql_result(folder / f"{name}.csv", sql, columns, ([row[column] for column in columns] for row in rows))
