"""A survey of one's own (`swimmy ingest files`): its survey.toml, checked, and what it means for the settings.

own_declaration.py describes the format; own_catalogue.py reads the catalogue, own_stamps.py the pixels.
"""

import tomllib
from pathlib import Path
from string import Formatter
from typing import Any

from pydantic import ValidationError

from swimmy_db.config import Band, Settings, preset_names, preset_values
from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_declaration import (
    BAND_FIELDS,
    OBJECT_FIELDS,
    PHOTOMETRY,
    SUFFIXES,
    OwnSurvey,
    template_fields,
)

# Cuts of the paper's sample. On a survey of one's own they mean something only where its owner says so.
CUTS = ("magnitude_max", "extendedness_min", "redshift_min", "redshift_max", "seeing_max")
STATED_ELSEWHERE = ("survey", "release", "bands", "instrument")


def read_survey(toml: Path) -> OwnSurvey:
    """Read and check a survey.toml.

    Raises InputRefused with every fault found: the file, the key, what was expected, what was found.
    """
    try:
        values = tomllib.loads(toml.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputRefused(f"{toml}: expected a survey.toml, found no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise InputRefused(f"{toml}: expected TOML, found: {fault}") from None
    try:
        survey = OwnSurvey(**{**values, "folder": toml.parent, "toml": toml})
    except ValidationError as fault:
        _refuse(toml, [_fault(error) for error in fault.errors()])
    except TypeError as fault:
        _refuse(toml, [str(fault)])
    faults = [*_band_faults(survey), *_catalogue_faults(survey), *_stamp_faults(survey), *_setting_faults(survey)]
    if faults:
        _refuse(toml, faults)
    return survey


def own_settings(survey: OwnSurvey) -> dict[str, Any]:
    """What a workspace's settings.toml begins with: names, bands, instrument, and which cuts apply.

    The sample is `own`; a cut that [settings] does not state is in `not_applied`; without limits of depth the depth
    cut is off. Values are plain (text, numbers, lists, tables), as TOML has them.
    """
    stated = {name: value for name, value in survey.settings.items() if name != "not_applied"}
    empty = [name for name in CUTS if name not in stated] + list(survey.settings.get("not_applied", ()))
    fields = set(Band.model_fields)
    return {
        "preset": "paper",
        "survey": survey.survey.name,
        "release": survey.survey.release,
        "samples": "own",
        "apply_depth_cut": any(band.psf_depth_min is not None for band in survey.bands),
        **stated,
        "not_applied": list(dict.fromkeys(empty)),
        "bands": [band.model_dump(include=fields, exclude_none=True) for band in survey.bands],
        "instrument": survey.instrument.model_dump(),
    }


def survey_files(survey: OwnSurvey) -> set[Path]:
    """Every file that the survey consists of: survey.toml, the catalogue, the stamps that are there."""
    stamps = survey.stamps
    patterns = {
        "".join(
            text + ("*" if field is not None else "") for text, field, _, _ in Formatter().parse(band.fill(stamps.path))
        )
        for band in survey.bands
    }
    if stamps.format == "npy" and not stamps.per_object:
        patterns.add(stamps.ids)
    pixels = {file for pattern in patterns for file in survey.folder.glob(pattern)}
    return {survey.toml, survey.catalogue_file} | pixels


def _refuse(toml: Path, faults: list[str]) -> None:
    raise InputRefused(f"{toml} is not a survey:\n  " + "\n  ".join(faults))


def _fault(error: dict[str, Any]) -> str:
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{where}: expected no such key (a slip of the pen?), found {error['input']!r}"
    if error["type"] == "missing":
        return f"{where}: expected a value, found no such key"
    return f"{where}: expected {error['msg']}, found {error['input']!r}"


def _template_faults(key: str, template: str, allowed: tuple[str, ...], needs: tuple[str, ...] = ()) -> list[str]:
    try:
        found = template_fields(template)
    except ValueError as fault:
        return [f"{key}: expected a name with {{...}} in pairs, found {template!r} ({fault})"]
    faults = [
        f"{key}: expected one of {{{'}, {'.join(allowed)}}}, found {{{field}}} in {template!r}"
        for field in found
        if field not in allowed
    ]
    if needs and not set(found) & set(needs):
        faults.append(f"{key}: expected one of {{{'}, {'.join(needs)}}} in the name, found {template!r}")
    return faults


def _inside(key: str, path: str) -> list[str]:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        return [f"{key}: expected a path below the folder of survey.toml, found {path!r}"]
    return []


def _band_faults(survey: OwnSurvey) -> list[str]:
    names = [band.band for band in survey.bands]
    faults = [f"bands: expected each band once, found {names}"] if len(set(names)) < len(names) else []
    if not any(band.is_selection_band for band in survey.bands):
        faults.append("bands: expected is_selection_band = true in at least one, found none")
    for band in survey.bands:
        if band.seeing_fwhm is None and survey.catalogue.columns.seeing_fwhm is None:
            faults.append(
                f"bands.{band.band}.seeing_fwhm: expected arcsec here, or a column in "
                "catalogue.columns.seeing_fwhm; found neither"
            )
        elif band.seeing_fwhm is not None and band.seeing_fwhm > survey.instrument.target_fwhm:
            faults.append(
                f"instrument.target_fwhm: expected at least the seeing of every band ({band.band}: "
                f"{band.seeing_fwhm} arcsec; smoothing cannot sharpen), found {survey.instrument.target_fwhm}"
            )
    return faults


def _catalogue_faults(survey: OwnSurvey) -> list[str]:
    catalogue, columns = survey.catalogue, survey.catalogue.columns
    faults = _inside("catalogue.file", catalogue.file)
    if catalogue.file_format is None:
        endings = ", ".join(SUFFIXES)
        faults.append(f"catalogue.file: expected one of {endings}, or catalogue.format; found {catalogue.file!r}")
    sky, pixels = (columns.ra, columns.dec), (columns.x, columns.y)
    if not (all(sky) and not any(pixels)) and not (all(pixels) and not any(sky)):
        found = sorted({"ra", "dec", "x", "y"} & set(columns.of_objects()))
        faults.append(f"catalogue.columns: expected ra and dec, or x and y; found {found or 'none of them'}")
    if any(pixels) != (catalogue.tangent_point is not None):
        faults.append("catalogue.tangent_point: expected with columns x and y, and only with them")
    names = [band.band for band in survey.bands]
    for name, theirs in columns.model_dump(exclude_none=True).items():
        key = f"catalogue.columns.{name}"
        if isinstance(theirs, dict):
            faults += [f"{key}: expected bands of {names}, found {band!r}" for band in theirs if band not in names]
            continue
        faults += _template_faults(key, theirs, BAND_FIELDS if name in PHOTOMETRY else ())
        if name in ("magnitude", "psf_magnitude") and len(names) > 1:
            faults += _template_faults(key, theirs, BAND_FIELDS, BAND_FIELDS)
    return list(dict.fromkeys(faults))


def _stamp_faults(survey: OwnSurvey) -> list[str]:
    stamps = survey.stamps
    faults = _inside("stamps.path", stamps.path)
    allowed = (*OBJECT_FIELDS, *(BAND_FIELDS if stamps.format == "fits" else ()))
    faults += _template_faults("stamps.path", stamps.path, allowed)
    if faults:
        return faults
    if stamps.format.startswith("fits"):
        faults += _template_faults("stamps.path", stamps.path, allowed, OBJECT_FIELDS)
    if stamps.format == "fits" and stamps.hdu is None and len(survey.bands) > 1:
        faults += _template_faults("stamps.path", stamps.path, allowed, BAND_FIELDS)
    if stamps.format == "npy" and not stamps.per_object:
        faults += _inside("stamps.ids", stamps.ids)
    if not stamps.format.startswith("fits") and (stamps.position == "wcs" or stamps.zero_point_key):
        faults.append(f"stamps: expected position 'wcs' and zero_point_key only with FITS, found {stamps.format}")
    names = sorted(band.band for band in survey.bands)
    if stamps.band_order is not None and sorted(stamps.band_order) != names:
        faults.append(f"stamps.band_order: expected each of {names} once, found {list(stamps.band_order)}")
    return faults


def _setting_faults(survey: OwnSurvey) -> list[str]:
    faults, settings = [], survey.settings
    known = set(Settings.model_fields) - set(STATED_ELSEWHERE) | {"preset"}
    for name in (*(name for name in settings if name != "not_applied"), *settings.get("not_applied", ())):
        if name not in known:
            faults.append(f"settings.{name}: expected the name of a setting (swimmy settings lists them), found none")
    if faults:
        return faults
    columns = survey.catalogue.columns
    needs = {
        "magnitude_max": (columns.magnitude,),
        "redshift_min": (columns.redshift,),
        "redshift_max": (columns.redshift,),
        "extendedness_min": (columns.magnitude, columns.psf_magnitude),
        "extinction_corrected": (columns.magnitude, columns.extinction),
    }
    for name, wanted in needs.items():
        if settings.get(name) not in (None, False) and not all(wanted):
            faults.append(f"settings.{name}: expected the columns it needs in catalogue.columns, found them not mapped")
    if settings.keys() & {"redshift_min", "redshift_max"} and "specz" not in str(settings.get("samples")):
        faults.append(
            'settings.samples: expected "specz" with redshift_min or redshift_max (the sample "own" takes objects '
            f"with and without redshifts), found {settings.get('samples', 'own')!r}"
        )
    names = [band.band for band in survey.bands]
    cut = settings.keys() & {"magnitude_max", "extendedness_min"}
    if cut and settings.get("magnitude_band", Settings.model_fields["magnitude_band"].default) not in names:
        faults.append(f"settings.magnitude_band: expected one of {names}, found {settings.get('magnitude_band')!r}")
    values = own_settings(survey)
    preset, empty = values.pop("preset"), dict.fromkeys(values.pop("not_applied"))
    if preset not in preset_names():
        return [*faults, f"settings.preset: expected one of {preset_names()}, found {preset!r}"]
    try:
        Settings(**{**preset_values(preset), **values, **empty})
    except ValidationError as fault:
        faults += [f"settings.{_fault(error)}" for error in fault.errors()]
    return faults
