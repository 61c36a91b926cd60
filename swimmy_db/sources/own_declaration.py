"""survey.toml: what a survey that is not HSC declares about itself, checked before any file is opened.

```toml
[survey]
name = "kids_viking"                # becomes the settings survey and release
release = "dr4"

[[bands]]                           # in the order of the cubes; the fields of config.Band, and
band = "g"
archive_name = "KiDS-g"             # left out: the band's name
reference_wavelength = 4770.0       # Angstrom
is_selection_band = true
zero_point = 0.0                    # AB mag of one count; left out: instrument.zero_point
seeing_fwhm = 0.9                   # arcsec, where no catalogue column says it
depth = 25.0                        # AB mag, 5 sigma point source; likewise

[instrument]                        # the fields of config.Instrument
pixel_scale = 0.2
target_fwhm = 1.0

[settings]                          # any other setting; a cut that is not stated here is not applied
magnitude_band = "r"
magnitude_max = 22.0
not_applied = ["validation_loss_ratio_max"]     # TOML has no null: settings to be empty

[catalogue]
file = "catalogue.fits"             # .fits .vot .csv .parquet (or format = "..."), relative to survey.toml
missing_values = [-99.0, 99.0]      # numbers that mean "no value"

[catalogue.columns]                 # ours = theirs; {band}, {BAND}, {archive_name} stand for each band
object_id = "ID"
ra = "ALPHA_J2000"                  # degrees, ICRS
dec = "DELTA_J2000"
magnitude = "MAG_AUTO_{archive_name}"

[stamps]
format = "fits"                     # fits (object and band), fits_cube, npz, npy
path = "stamps/{source_id}_{band}.fits"
```

Images without a WCS: `columns.x` and `columns.y` in place of ra and dec, and a `[catalogue.tangent_point]`.
"""

from pathlib import Path
from string import Formatter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from swimmy_db.config import Band, Instrument

BAND_FIELDS = ("band", "BAND", "archive_name")
OBJECT_FIELDS = ("object_id", "source_id")
SUFFIXES = {
    ".fits": "fits",
    ".fit": "fits",
    ".fits.gz": "fits",
    ".vot": "votable",
    ".xml": "votable",
    ".votable": "votable",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def template_fields(template: str) -> list[str]:
    """Names of the {placeholders}; ValueError where the braces are not in pairs."""
    return [field for _, field, _, _ in Formatter().parse(template) if field is not None]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SurveyName(_Section):
    name: str = Field(pattern="^[A-Za-z][A-Za-z0-9_.-]*$")
    release: str = "own"
    acknowledgement: str | None = None


class OwnBand(Band):
    """A band with what is constant over the survey. zero_point, depth: AB mag; seeing_fwhm: arcsec."""

    archive_name: str = ""
    zero_point: float | None = None
    seeing_fwhm: float | None = Field(None, gt=0)
    depth: float | None = None

    def fill(self, template: str) -> str:
        """The template with {band}, {BAND} and {archive_name} filled in; object fields stay as they are."""
        values = {"band": self.band, "BAND": self.band.upper(), "archive_name": self.archive_name or self.band}
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", value)
        return template


class TangentPoint(_Section):
    """Sky position of one pixel, of an image that has no WCS: gnomonic projection, x from east to west."""

    ra: float = Field(ge=0, le=360)
    dec: float = Field(ge=-90, le=90)
    x: float = Field(description="pixels, counted as in the catalogue")
    y: float
    position_angle: float = Field(0.0, description="deg east of north, of the y axis")


# "MAG_{BAND}", or { g = "gmag", r = "rmag" } where the names follow no pattern
BandColumns = str | dict[str, str] | None


class ColumnMap(_Section):
    """Our columns and theirs; those of photometry are a template or a table by band."""

    object_id: str
    ra: str | None = None
    dec: str | None = None
    x: str | None = None
    y: str | None = None
    redshift: str | None = None
    redshift_source: str | None = None
    class_hint: str | None = None
    is_point_source: str | None = None
    flagged: str | None = None
    tract: str | None = None
    patch: str | None = None
    magnitude: BandColumns = None
    magnitude_error: BandColumns = None
    psf_magnitude: BandColumns = None
    extinction: BandColumns = None
    seeing_fwhm: BandColumns = None
    psf_depth: BandColumns = None

    def of_objects(self) -> dict[str, str]:
        """Ours to theirs, for the columns of which an object has one."""
        return {k: v for k, v in self.model_dump(exclude_none=True).items() if k not in PHOTOMETRY}

    def of_photometry(self, band: OwnBand) -> dict[str, str]:
        """Ours to theirs, for the columns of one band."""
        mapped = {}
        for ours in PHOTOMETRY:
            theirs = getattr(self, ours)
            theirs = theirs.get(band.band) if isinstance(theirs, dict) else theirs
            if theirs is not None:
                mapped[ours] = band.fill(theirs)
        return mapped


PHOTOMETRY = ("magnitude", "magnitude_error", "psf_magnitude", "extinction", "seeing_fwhm", "psf_depth")


class Catalogue(_Section):
    file: str
    format: Literal["fits", "votable", "csv", "parquet"] | None = None
    table: int | str | None = Field(None, description="FITS extension or VOTable table; left out: the first table")
    missing_values: tuple[float, ...] = ()
    columns: ColumnMap
    tangent_point: TangentPoint | None = None

    @property
    def file_format(self) -> str | None:
        name = self.file.lower()
        return self.format or next((kind for ending, kind in SUFFIXES.items() if name.endswith(ending)), None)


class Stamps(_Section):
    """Where the pixels are.

    fits: a file per object and band. fits_cube: a file per object, (band, y, x). npz, npy: a file per object, or,
    where `path` names no object, one array (object, band, y, x) with its ids in the array `ids` of the same npz,
    or in the npy file `ids`.
    """

    format: Literal["fits", "fits_cube", "npz", "npy"]
    path: str
    hdu: int | str | None = Field(None, description="FITS; left out: the first HDU with pixels")
    mask_hdu: int | str | None = Field(None, description="FITS; pixels that are not 0 there are bad")
    array: str = Field("pixels", description="npz: name of the array of pixels")
    mask_array: str | None = Field(None, description="npz: pixels that are not 0 there are bad")
    ids: str = Field("object_id", description="npz: name of the array of ids; npy: file of ids")
    position_array: str | None = Field(None, description="npz: x, y of the object in its stamp, 0-based: (object, 2)")
    band_order: tuple[str, ...] | None = Field(None, description="bands of a cube; left out: the order of [[bands]]")
    position: Literal["middle", "wcs"] = Field("middle", description="where in the stamp the object is")
    zero_point_key: str | None = Field(None, description="FITS keyword of the AB mag of one count")

    @property
    def per_object(self) -> bool:
        return any(field in OBJECT_FIELDS for field in template_fields(self.path))


class OwnSurvey(_Section):
    """A checked survey.toml; `folder` is where its relative paths begin."""

    survey: SurveyName
    bands: tuple[OwnBand, ...] = Field(min_length=1)
    instrument: Instrument
    settings: dict[str, Any] = {}
    catalogue: Catalogue
    stamps: Stamps
    folder: Path
    toml: Path

    @model_validator(mode="before")
    @classmethod
    def _name_bands(cls, values: dict[str, Any]) -> dict[str, Any]:
        for band in values.get("bands") or []:
            if isinstance(band, dict):
                band.setdefault("archive_name", band.get("band"))
        return values

    @property
    def catalogue_name(self) -> str:
        """Path of the catalogue below the survey's folder."""
        return Path(self.catalogue.file).as_posix()

    @property
    def catalogue_file(self) -> Path:
        return self.folder / self.catalogue.file
