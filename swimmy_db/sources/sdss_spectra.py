"""SDSS spectra, the lite files spec-PLATE-MJD-FIBER.fits (FORMATS.md section 3.4): one file, one row."""

import csv
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from swimmy_db.errors import InputRefused, UsageError
from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress, planned

NAME = "sdss-spectra"
FIRST_BOSS_PLATE = 3510
if TYPE_CHECKING:
    from swimmy_db.sources.download import Remote

# native spellings, best first; RA and DEC of the primary header are the telescope's, not the fibre's
_OF_THE_SPECTRUM = {
    "plate": ("PLATE", "PLATEID"),
    "mjd": ("MJD",),
    "fiberid": ("FIBERID",),
    "ra": ("PLUG_RA",),
    "dec": ("PLUG_DEC",),
    "z": ("Z",),
    "zwarning": ("ZWARNING",),
    "class": ("CLASS",),
    "subclass": ("SUBCLASS",),
    "run2d": ("RUN2D",),
}
_TYPES = dict.fromkeys(("plate", "mjd", "fiberid", "zwarning"), pa.int32()) | dict.fromkeys(
    ("ra", "dec", "z"), pa.float64()
)
_PIXELS = {"loglam": pa.float64(), "flux": pa.float32(), "ivar": pa.float32(), "model": pa.float32()}
_NAME = re.compile(r"spec-(\d+)-(\d+)-(\d+)\.fits", re.IGNORECASE)


def read_spectrum(path: Path) -> Iterator[pa.Table]:
    """One row: who the spectrum is of (PLATE, MJD, FIBERID, position, Z), and its pixels as lists.

    Column names are upper case in DR16 and lower case in DR17; both are read. Raises InputRefused for a file that is
    not such a spectrum, has other numbers in it than in its name, or wavelengths that do not ascend.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # a truncated file; what it lacks is refused below
        try:
            with fits.open(path, memmap=False) as hdus:
                tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
                header = dict(hdus[0].header)
                pixels = {name: _pixels(tables[0], name) for name in _PIXELS} if tables else {}
                row = tables[1].data[:1] if len(tables) > 1 else None
        except InputRefused:
            raise
        except Exception as fault:  # what a damaged file makes astropy raise is not documented
            raise InputRefused(
                f"{path}: expected an SDSS spectrum in FITS, found {fault or type(fault).__name__}"
            ) from None
    if row is None or not len(row):
        raise InputRefused(f"{path}: expected a table of pixels and one of the redshift, found {len(tables)} tables")
    missing = [name for name in ("loglam", "flux", "ivar") if pixels[name] is None]
    if missing:
        raise InputRefused(
            f"{path}: column {missing[0]}: expected it in the first table, found {tables[0].columns.names}"
        )
    if not (np.diff(pixels["loglam"]) > 0).all() or not len(pixels["loglam"]):
        raise InputRefused(f"{path}: column loglam: expected ascending wavelengths, found {pixels['loglam'][:3]} ...")
    values = {name: _value(spellings, row, header) for name, spellings in _OF_THE_SPECTRUM.items()}
    values["ra"] = _value(("RA",), row, {}) if values["ra"] is None else values["ra"]
    values["dec"] = _value(("DEC",), row, {}) if values["dec"] is None else values["dec"]
    _check_name(path, values)
    columns = {name: pa.array([value], _TYPES.get(name, pa.string())) for name, value in values.items()}
    for name, kind in _PIXELS.items():
        columns[name] = pa.array([pixels[name]], pa.list_(kind))
    yield pa.table(columns)


def _pixels(hdu: fits.BinTableHDU, name: str) -> np.ndarray | None:
    native = {column.lower(): column for column in hdu.columns.names}
    if name not in native:
        return None
    dtype = np.float64 if name == "loglam" else np.float32
    return np.ascontiguousarray(hdu.data[native[name]], dtype=dtype)


def _value(spellings: tuple[str, ...], row: fits.FITS_rec, header: dict) -> object:
    """The value in the one-row table, else in the primary header; None where neither has it."""
    native = {column.lower(): column for column in row.columns.names}
    for name in spellings:
        if name.lower() in native:
            value = row[native[name.lower()]][0]
            value = value.item() if hasattr(value, "item") else value
            return (str(value).strip() or None) if isinstance(value, str) else value
    found = next((header[name] for name in spellings if name in header), None)
    return (found.strip() or None) if isinstance(found, str) else found


def _check_name(path: Path, values: dict) -> None:
    inside = tuple(values[name] for name in ("plate", "mjd", "fiberid"))
    if None in inside:
        raise InputRefused(f"{path}: expected PLATE, MJD and FIBERID, found {inside}")
    named = _NAME.fullmatch(path.name)
    if named and tuple(map(int, named.groups())) != inside:
        raise InputRefused(f"{path}: expected the spectrum that its name says, found plate, mjd, fiber {inside}")


class Wanted(NamedTuple):
    """A spectrum to fetch; run2d is "" where it is not known."""

    plate: int
    mjd: int
    fiberid: int
    run2d: str = ""


def fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    """The lite files of the spectra in the list; one that the archive does not have is a reject, not a failure.

    Not astroquery's get_spectra: it has the full files only, many times larger, and needs a query to CAS for each.
    """
    from swimmy_db.sources.download import NotThere, download
    from swimmy_db.sources.fetched_files import finished
    from swimmy_db.sources.network import Network, new_session

    network, fetched = Network.of(request), []
    wanted = read_list(request)
    came = 0
    with new_session() as session:
        for done, spectrum in enumerate(wanted, 1):
            remotes = list(_remotes(spectrum, request))
            known = finished(folder, remotes[0].name)
            if known is not None and known.url in [remote.url for remote in remotes]:
                remotes = [remote for remote in remotes if remote.url == known.url]
            for remote in remotes:
                try:
                    fetched.append(download(remote, folder, network, lambda *_: None, session))
                    came += fetched[-1].bytes
                    break
                except NotThere as fault:
                    missing = fault
            else:
                request.reject(
                    "spectrum not in the archive (options sdss-spectra.release, run2d_sdss, run2d_boss)",
                    source_file=f"{NAME}/{remotes[0].name}",
                    value=str(missing),
                )
            progress(came, came * len(wanted) // done)
    return fetched


def plan(request: FetchRequest) -> str:
    """What `fetch` would ask for."""
    wanted = read_list(request)
    asked = [next(iter(_remotes(spectrum, request))).url for spectrum in wanted]
    shown = asked if len(asked) <= 5 else [*asked[:4], "...", asked[-1]]
    return planned(shown, len(asked), len(asked) * int(request.options["bytes"]))


def read_list(request: FetchRequest) -> list[Wanted]:
    """The spectra of the list that the option names, or of the strangest candidates; each once.

    Raises UsageError, InputRefused naming the option.
    """
    path = request.options["list"]
    if not path:
        wanted = [Wanted(*row) for row in request.ask_survey("spectra_wanted")]
        if not wanted:
            raise UsageError(
                f"{NAME} needs the option {NAME}.list, a CSV file with columns plate, mjd, fiberid[, run2d], or a "
                "workspace with candidates beyond 2 sigma that have SDSS spectra (`swimmy candidates`)"
            )
        return wanted
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, skipinitialspace=True)
            rows.fieldnames = [(name or "").strip().lower() for name in rows.fieldnames or ()]
            wanted = [
                Wanted(int(row["plate"]), int(row["mjd"]), int(row["fiberid"]), (row.get("run2d") or "").strip())
                for row in rows
            ]
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise InputRefused(
            f"{path}: expected columns plate, mjd, fiberid (option {NAME}.list), found: {type(fault).__name__} {fault}"
        ) from None
    return list({spectrum[:3]: spectrum for spectrum in wanted}.values())


def _remotes(spectrum: Wanted, request: FetchRequest) -> "Iterator[Remote]":
    """Where the spectrum may be: in the reduction that is named, else in those of its spectrograph."""
    from swimmy_db.sources.download import Remote

    spectrograph = "boss" if spectrum.plate >= FIRST_BOSS_PLATE else "sdss"
    for run2d in [spectrum.run2d] if spectrum.run2d else request.options[f"run2d_{spectrograph}"].split(","):
        path = request.options["path"].format(
            release=request.options["release"], **(spectrum._asdict() | {"run2d": run2d.strip()})
        )
        yield Remote(
            f"{request.options['sas_url'].rstrip('/')}/{path}",
            f"spec-{spectrum.plate:04d}-{spectrum.mjd}-{spectrum.fiberid:04d}.fits",
            f"the options {NAME}.sas_url, path, release and run2d_{spectrograph}",
            "fits",
        )


SOURCE = Source(
    name=NAME,
    title="SDSS spectra",
    files={"spectra": FileKind("raw.spectra", ("spec-*.fits",), read_spectrum, required=False)},
    acknowledgement=(
        "SDSS-IV (funders: see sdss.org); cite Ahumada et al. 2020 (DR16) and Smee et al. 2013 (spectrographs)."
    ),
    fetch=fetch,
    plan=plan,
    accumulates=True,
)
