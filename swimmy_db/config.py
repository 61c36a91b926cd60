"""All settings of a survey's search: one flat model, filled from presets/*.toml and a workspace's settings.toml."""

import math
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from swimmy_db.errors import InputRefused, UsageError


def _setting(default: Any, section: str, description: str, unit: str = "", **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"unit": unit, "section": section}, **limits)


# a user and a password in an address would be kept in files
ADDRESS = "^[^@]*$"


class Band(BaseModel):
    """One band of the survey, a row of survey.bands; the order of the list is the order in every cube."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    band: str = Field(pattern="^[a-z][a-z0-9]*$")
    archive_name: str
    stretch_divisor: float = Field(1.0, gt=0)
    is_selection_band: bool = False
    reference_wavelength: float = Field(gt=0, description="Angstrom")
    filter_curve: str | None = Field(None, description="name of the throughput in speclite")
    psf_depth_min: float | None = Field(None, description="AB mag, 5 sigma; shallower patches are dropped")


class Instrument(BaseModel):
    """Pixel grid and zero points, the row of survey.instrument."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pixel_scale: float = Field(0.168, gt=0, description="arcsec per pixel")
    target_fwhm: float = Field(1.0, gt=0, description="arcsec; every band is smoothed to it")
    aperture_diameter_arcsec: float = Field(1.008, gt=0, description="arcsec; the disc A' of equation 6")
    zero_point: float = Field(27.0, description="AB mag of one count, where a stamp does not say its own")
    stretch_zero_point: float = Field(19.0, description="AB mag of flux 1 before the stretch")


class Settings(BaseModel):
    """Every number and choice that a result depends on. Each field says its unit and the paper's section.

    A cut whose setting is empty (None) is not applied.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    survey: str = _setting("hsc", "2.1", "name of the survey that this workspace holds")
    release: str = _setting("pdr3_wide", "2.1", "release of the survey")
    bands: tuple[Band, ...] = Field(min_length=1)
    instrument: Instrument = Instrument()

    # the parent sample
    samples: str = _setting("specz", "2.2", "samples to select, comma separated: specz, colour, own")
    magnitude_band: str = _setting("i", "2.2", "band of the magnitude limit and of the point-source cut")
    magnitude_max: float | None = _setting(20.0, "2.2", "cmodel magnitude limit, strict", "mag")
    extendedness_min: float | None = _setting(
        0.2, "2.2", "psfflux_mag - cmodel_mag must exceed it: drops point sources", "mag"
    )
    extinction_corrected: bool = _setting(
        False, "2.2", "correct magnitudes for Galactic extinction before the cuts (ambiguities 6 and 35)"
    )
    seeing_max: float | None = _setting(1.0, "2.1", "patches with a larger PSF FWHM in any band are dropped", "arcsec")
    apply_depth_cut: bool = _setting(True, "2.1", "drop patches shallower than survey.bands.psf_depth_min")
    flag_cuts: str = _setting(
        "pixelflags_edge,pixelflags_interpolatedcenter,pixelflags_saturatedcenter,pixelflags_crcenter,"
        "pixelflags_bad,sdssshape_flag,pixelflags_bright_objectcenter,mask_brightstar_halo,"
        "mask_brightstar_ghost,mask_brightstar_blooming",
        "2.2",
        "flags that must be false in all bands, comma separated (ambiguities 7 and 8)",
    )
    redshift_min: float | None = _setting(0.05, "2.2", "spectroscopic redshift, strict lower limit")
    redshift_max: float | None = _setting(0.2, "2.2", "spectroscopic redshift, strict upper limit")
    specz_survey_flags: str = _setting(
        "specz_flag_sdss_dr15,specz_flag_gama_dr3", "2.2", "surveys whose redshifts count (ambiguity 9)"
    )
    specz_match_radius: float = _setting(1.0, "2.2", "radius of the archive's own redshift match", "arcsec", gt=0)
    colour_gr_max: float = _setting(1.2, "app. 3", "g - r limit of the colour sample, strict", "mag")
    colour_rz_max: float = _setting(1.0, "app. 3", "r - z limit of the colour sample, strict", "mag")

    # matches and classes
    match_radius_mpa_jhu: float = _setting(1.0, "2.2", "match radius (ambiguity 12)", "arcsec", gt=0)
    match_radius_dr16q: float = _setting(1.0, "2.2", "match radius (ambiguity 14)", "arcsec", gt=0)
    match_radius_milliquas: float = _setting(1.0, "4.2", "match radius", "arcsec", gt=0)
    match_radius_gama: float = _setting(1.0, "2.2", "match radius", "arcsec", gt=0)
    match_radius_gswlc: float = _setting(1.0, "4.3", "match radius", "arcsec", gt=0)
    milliquas_layout: str = _setting(
        "auto", "4.2", "columns of Milliquas as text: auto (recognised), A, B or 2016", pattern="^(auto|A|B|2016)$"
    )
    milliquas_classes: str = _setting(
        "Q=quasar,A=type_i,N=type_ii,K=type_ii",
        "4.2",
        "class by the first letter of Milliquas's type, case-sensitive; all other letters are others (ambiguity 30)",
        pattern=r"^(\s*[A-Za-z]\s*=\s*(quasar|type_i|type_ii|others)\s*(,|$))*$",
    )
    match_radius_spectra: float = _setting(1.0, "4.4", "match radius of SDSS spectra", "arcsec", gt=0)
    mpa_jhu_value_max: float = _setting(
        9e3, "2.2", "a larger value of a line in MPA-JHU means that there is no measurement", gt=0
    )
    mpa_jhu_require_reliable: bool = _setting(
        False, "2.2", "only MPA-JHU rows with RELIABLE = 1 and Z_WARNING = 0 (ambiguity 12)"
    )
    dr16q_require_final: bool = _setting(
        True, "2.2", "rows of DR16Q with IS_QSO_FINAL = 0 are no quasars; a table without the column has quasars only"
    )
    gswlc_missing: float = _setting(-99.0, "4.3", "the mass or rate of a failed fit in GSWLC-2 (ambiguity 32)")
    gswlc_good_flags: str = _setting(
        "0",
        "4.3",
        "FLAG_SED of fits that did not fail, comma separated; empty: whatever it is (ambiguity 32)",
        pattern=r"^(\s*\d+\s*(,|$))*$",
    )
    xelg_ew_min: float = _setting(100.0, "2.2", "any line group above it makes an XELG, strict", "Angstrom", ge=0)
    xelg_ew_frame: str = _setting("observed", "2.2", "observed or rest (ambiguity 13)", pattern="^(observed|rest)$")
    xelg_ew_estimator: str = _setting(
        "eqw", "2.2", "eqw or flux_over_cont (ambiguity 13)", pattern="^(eqw|flux_over_cont)$"
    )
    training_bptclass_max: int = _setting(2, "2.2", "larger BPTCLASS are AGN, LINER or composite")
    agn_bptclasses: str = _setting(
        "4,5", "4.3", "BPTCLASS that counts as an AGN in figures 11 to 13, comma separated (ambiguity 31)"
    )
    ew_band_throughput: str = _setting(
        "relative",
        "4.1",
        "in EW_band: T/max(T) (relative), T (absolute), or T of integral 1 over ln wavelength, which makes EW_band the "
        "fraction that lines add to the band's light (fraction) (ambiguity 15)",
        pattern="^(relative|absolute|fraction)$",
    )

    # cubes
    cube_set: str = _setting("psf1p0", "2.3", "name of the set of cubes that is trained on and scored")
    stamp_size: int = _setting(64, "2.3", "side of a cube", "pix", ge=16, multiple_of=8)
    psf_margin: int = _setting(16, "2.3", "margin kept around a cube before the PSF match", "pix", ge=0)
    stretch_alpha: float = _setting(math.exp(10), "2.3", "alpha of equation 1", gt=0)
    stretch_beta: float = _setting(0.05, "2.3", "beta of equation 1")

    # network and training
    experiment: str = _setting(
        "default", "app. 1", "name of the set of runs whose results are published", pattern="^[a-z0-9_]+$"
    )
    experiments: str = _setting(
        "",
        "app. 1",
        "further experiments, trained beside it: NAME latent_dim=4 noise_std=0.02 runs=10; NAME ...",
        pattern=r"^(\s*[a-z0-9_]+(\s+(latent_dim|noise_std|runs)=[0-9.]+)*\s*(;|$))*$",
    )
    score_all_experiments: bool = _setting(
        True, "app. 1", "score the weights of the further experiments too; else only their losses are known"
    )
    latent_dim: int = _setting(8, "3.1", "channels d of the latent space", ge=1)
    noise_std: float = _setting(0.02, "3.1", "standard deviation r_gauss of the noise on the input", ge=0)
    runs: int = _setting(30, "app. 1", "independent trainings", ge=1)
    epochs: int = _setting(25, "app. 1", "epochs of each run", ge=1)
    first_saved_epoch: int = _setting(10, "app. 1", "weights are saved from this epoch on", ge=1)
    batch_size: int = _setting(32, "3.1", "galaxies per training step (ambiguity 17)", ge=1)
    learning_rate: float = _setting(1e-3, "3.1", "Adam's, up to learning_rate_epoch", gt=0)
    learning_rate_after: float = _setting(2e-4, "3.1", "Adam's, after learning_rate_epoch", gt=0)
    learning_rate_epoch: int = _setting(10, "3.1", "last epoch of the first learning rate (ambiguity 18)", ge=1)
    validation_fraction: float = _setting(0.2, "app. 1", "share kept for validation (4:1)", gt=0, lt=1)
    batchnorm_momentum: float = _setting(0.01, "3.1", "torch's momentum; Keras's 0.99 is 0.01 here", gt=0, le=1)
    seed: int = _setting(20210831, "app. 1", "run k uses seed + k")
    training_precision: str = _setting("float32", "3.1", "float32 or bf16 (autocast)", pattern="^(float32|bf16)$")
    training_jobs: int = _setting(0, "app. 1", "runs trained side by side; 0: as many as cores or CUDA devices", ge=0)

    # scores and selection
    score_epsilon: float = _setting(1e-6, "3.2", "least denominator of equation 6 (ambiguity 23)", gt=0)
    scoring_batch_size: int = _setting(64, "3.2", "galaxies per scoring step", ge=1)
    fraction_2sigma: float = _setting(0.05, "3.2", "share selected per band at 2 sigma", gt=0, lt=1)
    fraction_3sigma: float = _setting(0.003, "3.2", "share selected per band at 3 sigma", gt=0, lt=1)
    fraction_3_5sigma: float = _setting(0.000465, "app. 3", "share selected per band at 3.5 sigma", gt=0, lt=1)
    validation_loss_ratio_max: float | None = _setting(
        2.0, "app. 1", "checkpoints whose validation loss exceeds this times the training loss are not scored"
    )
    stack_window_min: float = _setting(
        5400.0, "4.4", "spectra are divided by their median from here ... (ambiguity 34)", "Angstrom", gt=0
    )
    stack_window_max: float = _setting(5600.0, "4.4", "... to here, rest frame", "Angstrom", gt=0)

    # what is asked of the HSC-SSP services, and how (FORMATS.md sections 1 and 2)
    push_down: bool = _setting(
        True, "2.2", "let the HSC server make the coarse cuts: primary, near the magnitude limit, no clear point source"
    )
    push_down_magnitude_margin: float = _setting(
        0.5, "2.2", "the coarse cut on the server is fainter than magnitude_max by this", "mag", ge=0
    )
    push_down_extendedness_margin: float = _setting(
        0.2, "2.2", "the coarse cut on the server is below extendedness_min by this", "mag", ge=0
    )
    psf: str = _setting(
        "patch",
        "2.3",
        "patch (its seeing) or picker (the PSF picker's, per object)",
        pattern="^(patch|picker)$",
    )
    hsc_cutouts: str = _setting(
        "auto",
        "2.3",
        "cutouts: files (downloads/hsc/cutouts), service (fetch what lacks), or auto (service where the catalogue was "
        "fetched too)",
        pattern="^(auto|files|service)$",
    )
    hsc_variance: bool = _setting(False, "2.3", "keep the variance of each stamp beside its pixels")
    hsc_release_file: str = _setting("", "2.1", "a TOML of one's own that describes HSC releases as hsc_releases.toml")
    hsc_sql_url: str = _setting("", "2.1", "address of the catalogue jobs; empty: the release's", pattern=ADDRESS)
    hsc_cutout_url: str = _setting("", "2.3", "address of the image cutouts; empty: the release's", pattern=ADDRESS)
    hsc_psf_url: str = _setting("", "2.3", "address of the PSF picker; empty: the release's", pattern=ADDRESS)
    hsc_tracts_a_job: int = _setting(1, "2.1", "tracts that one catalogue job covers", ge=1)
    hsc_jobs_at_once: int = _setting(2, "2.1", "catalogue jobs that run side by side", ge=1, le=8)
    hsc_poll_first: float = _setting(1.0, "2.1", "first wait between two looks at a job; doubled each time", "s", gt=0)
    hsc_poll_max: float = _setting(300.0, "2.1", "longest wait between two looks at a job", "s", gt=0)
    hsc_job_hours_max: float = _setting(24.0, "2.1", "a job that has not ended after it counts as stuck", "h", gt=0)
    hsc_list_rows: int = _setting(990, "2.3", "rows of one request for cutouts; the server refuses 1000", ge=1, le=990)
    hsc_connections: int = _setting(4, "2.3", "cutout requests at once; the archive asks for 4 at most", ge=1, le=4)
    hsc_timeout: float = _setting(300.0, "2.3", "longest silence of a service", "s", gt=0)
    hsc_rate_min: float = _setting(
        500.0, "2.3", "a download slower than it over hsc_timeout is given up and asked for again", "byte / s", ge=0
    )
    hsc_retries: int = _setting(8, "2.3", "attempts without any progress before a fetch gives up", ge=0)
    hsc_backoff: float = _setting(1.0, "2.3", "first wait after a failed attempt; doubled each time", "s", gt=0)

    @property
    def band_names(self) -> tuple[str, ...]:
        """The bands in cube order; the one place that knows it."""
        return tuple(band.band for band in self.bands)

    @property
    def selection_bands(self) -> tuple[str, ...]:
        return tuple(band.band for band in self.bands if band.is_selection_band)


def scalar_fields() -> dict[str, FieldInfo]:
    """The settings that are single values, in order: the rows of meta.settings (bands and instrument are tables)."""
    return {name: field for name, field in Settings.model_fields.items() if name not in ("bands", "instrument")}


def setting_rows(settings: Settings, defaults: Settings) -> list[dict[str, Any]]:
    """Rows of meta.settings: name, value (numbers and switches), text (words), unit, section, default_value."""
    rows = []
    for name, field in scalar_fields().items():
        current = getattr(settings, name)
        extra = field.json_schema_extra or {}
        default = getattr(defaults, name)
        rows.append(
            {
                "name": name,
                "value": None if isinstance(current, str) or current is None else float(current),
                "text": current if isinstance(current, str) else None,
                "unit": extra.get("unit") or None,
                "section": extra.get("section"),
                "default_value": None if default is None else str(default),
                "description": field.description,
            }
        )
    return rows


def preset_names() -> list[str]:
    folder = resources.files("swimmy_db.presets")
    return sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".toml"))


def preset_values(name: str) -> dict[str, Any]:
    """A preset's values; `extends = "other"` in it starts from another preset.

    Raises UsageError for a name that is no preset.
    """
    resource = resources.files("swimmy_db.presets") / f"{name}.toml"
    if not resource.is_file():
        raise UsageError(f"no preset named {name!r}; there are: {', '.join(preset_names())}")
    values = tomllib.loads(resource.read_text(encoding="utf-8"))
    base = values.pop("extends", None)
    return {**(preset_values(base) if base else {}), **values}


def load_preset(name: str, **changes: Any) -> Settings:
    """The settings of a preset, with changes by name."""
    return make_settings({**preset_values(name), **changes}, f"preset {name}")


def make_settings(values: dict[str, Any], source: str) -> Settings:
    """Settings checked against the model. Raises InputRefused naming the source, each setting, expected, found."""
    try:
        return Settings(**values)
    except ValidationError as fault:
        listing = "\n  ".join(
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}, found {_shown(error['input'])}"
            for error in fault.errors()
        )
        raise InputRefused(f"{source}: settings refused\n  {listing}") from None


def _shown(value: Any) -> str:
    """A refused value, without the user and the password of an address."""
    return re.sub(r"//[^/]*@", "//***@", repr(value))
