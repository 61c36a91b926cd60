"""The spectroscopic catalogues as their archives serve them: MPA-JHU's galSpec FITS, DR16Q FITS, Milliquas text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from swimmy_db.sources.simulated.galaxy import COSMOLOGY, I_BAND, Galaxy
from swimmy_db.sources.simulated.lines import MISSING
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.spectra import LINE_NAMES, line_index, sdss_galaxies

Identity = tuple[int, int, int]  # plate, mjd, fibre of a spectrum

FIBRE_SHARE = 0.35  # of a galaxy's light goes through SDSS's 3 arcsec fibre
_ABSORPTION = {"h_delta": 1.8, "h_gamma": 1.4, "h_beta": 1.3, "h_alpha": 1.5}  # Angstrom, stellar


def offset_position(galaxy: Galaxy, arcsec: float, rng: np.random.Generator) -> tuple[float, float]:
    """RA and Dec at this distance from the galaxy, in a random direction."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    ra = galaxy.ra + arcsec * np.cos(angle) / 3600.0 / np.cos(np.radians(galaxy.dec))
    return ra % 360.0, galaxy.dec + arcsec * np.sin(angle) / 3600.0


def write_galspec(
    folder: Path, galaxies: Sequence[Galaxy], options: SurveyOptions, rng: np.random.Generator
) -> dict[int, Identity]:
    """galSpecInfo, galSpecLine and galSpecExtra, row-aligned; rows without a result have ids of -1 and blanks.

    Returns plate, mjd and fibre of one spectrum of each galaxy that has any, by the galaxy's index.
    """
    rows: list[tuple[Galaxy | None, float]] = [
        (galaxy, abs(rng.normal(0.0, 0.1)))
        for galaxy in galaxies
        if galaxy.has_mpa_jhu
        for _ in range(galaxy.n_spectra)
    ]
    members = [galaxy for galaxy in galaxies if galaxy.is_member and galaxy.kind == "galaxy" and not galaxy.has_mpa_jhu]
    donors = [galaxy for galaxy in galaxies if galaxy.has_mpa_jhu and galaxy.kind == "galaxy"]
    # A spectrum of something else, near a member but not near enough to be its own.
    near = list(zip(donors, members[: options.near_misses], strict=False))
    rows += [(None, 0.0)] * max(2, len(rows) // 10)
    info = {name: np.zeros(len(rows) + len(near), kind) for name, kind in _INFO_TYPES}
    line = {"SPECOBJID": info["SPECOBJID"], **_line_arrays(len(rows) + len(near))}
    extra = {"SPECOBJID": info["SPECOBJID"], **_extra_arrays(len(rows) + len(near))}
    order = rng.permutation(len(rows))
    identities: dict[int, Identity] = {}
    for place, pick in enumerate(order):
        galaxy, distance = rows[pick]
        if galaxy is None:
            info["PLATEID"][place] = info["MJD"][place] = info["FIBERID"][place] = -1
            continue
        position = offset_position(galaxy, min(distance, 0.4), rng)
        identities[galaxy.index] = _fill_row(info, line, extra, place, galaxy, position, rng)
    for step, (donor, member) in enumerate(near):
        position = offset_position(member, float(rng.uniform(1.4, 3.0)), rng)
        _fill_row(info, line, extra, len(rows) + step, donor, position, rng)
    for kind, columns in (("Info", info), ("Line", line), ("Extra", extra)):
        _write_table(folder / f"galSpec{kind}-dr8.fits", columns)
    return identities


_INFO_TYPES = (
    ("PLATEID", "i4"),
    ("MJD", "i4"),
    ("FIBERID", "i4"),
    ("SPECOBJID", "S22"),
    ("RA", "f4"),
    ("DEC", "f4"),
    ("PRIMTARGET", "i4"),
    ("TARGETTYPE", "S18"),
    ("SPECTROTYPE", "S6"),
    ("SUBCLASS", "S20"),
    ("Z", "f4"),
    ("Z_ERR", "f4"),
    ("Z_WARNING", "i4"),
    ("V_DISP", "f4"),
    ("V_DISP_ERR", "f4"),
    ("SN_MEDIAN", "f4"),
    ("E_BV_SFD", "f4"),
    ("RELEASE", "S8"),
    ("RELIABLE", "i4"),
)
_EXTRA_PERCENTILES = ("p2p5", "p16", "p50", "p84", "p97p5")


def _line_arrays(n_rows: int) -> dict[str, np.ndarray]:
    names = ["SIGMA_BALMER", "SIGMA_BALMER_ERR", "SIGMA_FORBIDDEN", "SIGMA_FORBIDDEN_ERR"]
    parts = ("cont", "cont_err", "reqw", "reqw_err", "eqw", "eqw_err", "flux", "flux_err", "inst_res", "chisq")
    names += [f"{line}_{part}".upper() for line in LINE_NAMES for part in parts]
    names += ["OII_SIGMA", "OII_FLUX", "OII_FLUX_ERR", "SPECTOFIBER"]
    return {name: np.zeros(n_rows, "f4") for name in names}


def _extra_arrays(n_rows: int) -> dict[str, np.ndarray]:
    quantities = ("oh", "lgm_tot", "lgm_fib", "sfr_tot", "sfr_fib", "specsfr_tot", "specsfr_fib")
    arrays: dict[str, np.ndarray] = {"BPTCLASS": np.full(n_rows, -1, "i2")}
    for quantity in quantities:
        for percentile in _EXTRA_PERCENTILES:
            arrays[f"{quantity}_{percentile}".upper()] = np.full(n_rows, MISSING, "f4")
    return arrays


def _fill_row(
    info: dict,
    line: dict,
    extra: dict,
    place: int,
    galaxy: Galaxy,
    position: tuple[float, float],
    rng: np.random.Generator,
) -> Identity:
    plate, mjd, fibre = int(rng.integers(266, 2974)), int(rng.integers(51600, 54700)), int(rng.integers(1, 641))
    spec_id = plate << 50 | fibre << 38 | (mjd - 50000) << 24 | 26 << 10
    magnitude = -2.5 * np.log10(galaxy.spectrum.total()[I_BAND])
    info["PLATEID"][place], info["MJD"][place], info["FIBERID"][place] = plate, mjd, fibre
    info["SPECOBJID"][place] = f"{spec_id:>22}".encode()
    info["RA"][place], info["DEC"][place] = position
    info["PRIMTARGET"][place] = 64
    info["TARGETTYPE"][place], info["SPECTROTYPE"][place] = b"GALAXY", b"GALAXY"
    info["Z"][place] = galaxy.redshift + rng.normal(0.0, 2e-5)
    info["Z_ERR"][place] = 2e-5
    info["Z_WARNING"][place] = 4 if rng.random() < 0.01 else 0
    info["V_DISP"][place], info["V_DISP_ERR"][place] = rng.uniform(50, 300), 12.0
    info["SN_MEDIAN"][place] = 20.0 * 10.0 ** (-0.2 * (magnitude - 16.5))
    info["E_BV_SFD"][place] = galaxy.spectrum.ebv
    info["RELEASE"][place] = b"dr7"
    info["RELIABLE"][place] = 0 if rng.random() < 0.01 else 1
    _fill_lines(line, place, galaxy, rng)
    extra["BPTCLASS"][place] = galaxy.bpt_class
    rate = log_sfr(galaxy)
    for quantity, value in (
        ("LGM_TOT", galaxy.log_mass),
        ("LGM_FIB", galaxy.log_mass + np.log10(FIBRE_SHARE)),
        ("SFR_TOT", rate),
        ("SFR_FIB", rate + np.log10(FIBRE_SHARE)),
        ("SPECSFR_TOT", rate - galaxy.log_mass),
        ("SPECSFR_FIB", rate - galaxy.log_mass),
    ):
        # One in a hundred has no mass: -9999 stays there.
        if quantity.startswith("LGM") and galaxy.index % 100 == 17:
            continue
        for percentile, sigmas in zip(_EXTRA_PERCENTILES, (-2.0, -1.0, 0.0, 1.0, 2.0), strict=True):
            width = 0.09 if quantity.startswith("LGM") else 0.3
            extra[f"{quantity}_{percentile}".upper()][place] = value + sigmas * width
    return plate, mjd, fibre


def _fill_lines(line: dict, place: int, galaxy: Galaxy, rng: np.random.Generator) -> None:
    """Emission is negative in EQW and REQW; FLUX / CONT = -EQW, both in the rest frame."""
    continuum = galaxy.spectrum.continuum_at_lines() * FIBRE_SHARE * 1e17
    for name in LINE_NAMES:
        key, position = name.upper(), line_index(name)
        ew = float(galaxy.measured_ews[position])
        line[f"{key}_CONT"][place] = continuum[position]
        line[f"{key}_CONT_ERR"][place] = 0.03 * continuum[position]
        line[f"{key}_EQW"][place] = -ew
        line[f"{key}_EQW_ERR"][place] = galaxy.ew_error
        line[f"{key}_REQW"][place] = -ew + _ABSORPTION.get(name, 0.0)
        line[f"{key}_REQW_ERR"][place] = galaxy.ew_error
        line[f"{key}_FLUX"][place] = ew * continuum[position]
        line[f"{key}_FLUX_ERR"][place] = galaxy.ew_error * continuum[position]
        line[f"{key}_INST_RES"][place] = 69.0
        line[f"{key}_CHISQ"][place] = rng.uniform(0.7, 1.4)
    broad = galaxy.nucleus_to_host > 0
    line["SIGMA_BALMER"][place] = rng.uniform(300, 500) if broad else rng.uniform(60, 200)
    line["SIGMA_FORBIDDEN"][place] = rng.uniform(60, 200)
    line["SIGMA_BALMER_ERR"][place] = line["SIGMA_FORBIDDEN_ERR"][place] = 5.0
    line["OII_FLUX"][place] = line["OII_3726_FLUX"][place] + line["OII_3729_FLUX"][place]
    line["OII_FLUX_ERR"][place] = 1.4 * line["OII_3729_FLUX_ERR"][place]
    line["OII_SIGMA"][place] = line["SIGMA_FORBIDDEN"][place]
    line["SPECTOFIBER"][place] = 1.0


def log_sfr(galaxy: Galaxy) -> float:
    """log10 of the star formation rate in suns a year from the whole H alpha flux (Kennicutt 1998, Kroupa)."""
    centimetres = COSMOLOGY.luminosity_distance(max(galaxy.redshift, 1e-3)).to_value("cm")
    luminosity = 4.0 * np.pi * centimetres**2 * galaxy.spectrum.line_fluxes()[line_index("h_alpha")] * 2.5
    return float(np.clip(np.log10(max(luminosity, 1e30)) - 41.27, -2.5, 3.0))


def _write_table(path: Path, columns: dict[str, np.ndarray]) -> None:
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(Table(columns, copy=False))]).writeto(path)


def write_dr16q(path: Path, galaxies: Sequence[Galaxy], options: SurveyOptions, rng: np.random.Generator) -> None:
    """DR16Q_v4.fits: the members' quasars, near misses, and quasars elsewhere on the sky."""
    sdss = sdss_galaxies()
    places = [(offset_position(g, abs(rng.normal(0.0, 0.12)), rng), g.redshift, g) for g in galaxies if g.in_dr16q]
    others = [g for g in galaxies if g.is_member and not g.in_dr16q and g.kind == "galaxy"]
    for galaxy in others[: options.near_misses]:
        places.append((offset_position(galaxy, float(rng.uniform(1.3, 3.0)), rng), float(rng.uniform(0.8, 2.5)), None))
    for _ in range(options.unrelated_rows):
        row = int(rng.integers(len(sdss.ra)))
        away = (float(sdss.ra[row] + rng.normal(0, 0.1)) % 360.0, float(np.clip(sdss.dec[row], -10, 60)) + 1.0)
        places.append((away, float(rng.uniform(0.3, 3.5)), None))
    places = [places[pick] for pick in rng.permutation(len(places))]
    n_rows = len(places)
    magnitudes = np.array(
        [
            np.interp([3550, 4770, 6230, 7630, 9130], [4793, 6213, 7733, 8905, 9780], _magnitudes(galaxy))
            if galaxy is not None
            else rng.normal([21.0, 20.7, 20.4, 20.3, 20.2], 0.7)
            for _, _, galaxy in places
        ]
    )
    columns = {
        "SDSS_NAME": np.array([sexagesimal_name(*position) for position, _, _ in places], "S18"),
        "RA": np.array([position[0] for position, _, _ in places]),
        "DEC": np.array([position[1] for position, _, _ in places]),
        "PLATE": rng.integers(266, 12000, n_rows).astype("i4"),
        "MJD": rng.integers(51600, 58543, n_rows).astype("i4"),
        "FIBERID": rng.integers(1, 1001, n_rows).astype("i2"),
        "OBJID": np.array([f"{value:>19}" for value in rng.integers(1, 10**15, n_rows) + 1237645 * 10**12], "S19"),
        "THING_ID": rng.integers(10**7, 10**9, n_rows).astype("i8"),
        "Z": np.array([redshift for _, redshift, _ in places]),
        "SOURCE_Z": np.array(rng.choice(["VI", "PIPE", "DR7Q_SCH"], n_rows), "S12"),
        "Z_PIPE": np.array([redshift for _, redshift, _ in places]) + rng.normal(0, 1e-3, n_rows),
        "ZWARNING": np.zeros(n_rows, "i4"),
        "Z_CONF": np.full(n_rows, 3, "i2"),
        "CLASS_PERSON": np.full(n_rows, 3, "i4"),
        "IS_QSO_FINAL": np.ones(n_rows, "i2"),
        "BAL_PROB": np.clip(rng.normal(0.0, 0.2, n_rows), 0.0, 1.0).astype("f4"),
        "SN_MEDIAN_ALL": rng.uniform(1.0, 30.0, n_rows),
        "PSFFLUX": (10.0 ** (0.4 * (22.5 - magnitudes))).astype("f4"),
        "PSFMAG": magnitudes.astype("f4"),
        "EXTINCTION": rng.uniform(0.02, 0.4, (n_rows, 1)) * np.array([1.85, 1.43, 1.0, 0.74, 0.55]),
        "M_I": rng.uniform(-28.0, -20.5, n_rows),
    }
    _write_table(path, columns)


def _magnitudes(galaxy: Galaxy) -> np.ndarray:
    flux = galaxy.spectrum.nucleus()
    return -2.5 * np.log10(np.maximum(flux, 1e-12))


def sexagesimal_name(ra: float, dec: float) -> str:
    """HHMMSS.ss+DDMMSS.s, truncated as SDSS names are."""
    seconds = int(ra / 15.0 * 360_000.0)
    hours, rest = divmod(seconds, 360_000)
    minutes, hundredths = divmod(rest, 6000)
    tenths = int(abs(dec) * 36_000.0)
    degrees, rest_dec = divmod(tenths, 36_000)
    arcmin, arcsec = divmod(rest_dec, 600)
    sign = "-" if dec < 0 else "+"
    return f"{hours:02d}{minutes:02d}{hundredths / 100:05.2f}{sign}{degrees:02d}{arcmin:02d}{arcsec / 10:04.1f}"
