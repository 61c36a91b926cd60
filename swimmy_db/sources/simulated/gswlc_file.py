"""GSWLC-2 as its authors serve it: headerless text, gzipped, -99 where there is no value (FORMATS.md 4.3)."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from swimmy_db.sources.simulated.galaxy import Galaxy
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.spectra import sdss_galaxies
from swimmy_db.sources.simulated.spectro_files import log_sfr, offset_position

COVERED_SHARE = 0.9  # of SDSS's galaxies: the rest lie outside GALEX's or WISE's tiles
FAILING_SHARE = 0.005  # of ordinary galaxies have no SED fit
FLAG_BROAD_LINES, FLAG_BAD_FIT, FLAG_NO_PHOTOMETRY = 1, 2, 5
MISSING = -99.0


def write_gswlc(path: Path, galaxies: Sequence[Galaxy], options: SurveyOptions, rng: np.random.Generator) -> None:
    """Rows of the members that SDSS has a spectrum of, near misses, and galaxies elsewhere."""
    listed = [galaxy for galaxy in galaxies if galaxy.is_member and galaxy.has_mpa_jhu]
    rows = [
        _row(galaxy, offset_position(galaxy, min(abs(rng.normal(0.0, 0.1)), 0.4), rng), rng)
        for galaxy in listed
        if rng.random() < COVERED_SHARE
    ]
    others = [galaxy for galaxy in galaxies if galaxy.is_member and not galaxy.has_mpa_jhu]
    for galaxy in others[: options.near_misses]:
        rows.append(_row(galaxy, offset_position(galaxy, float(rng.uniform(1.3, 3.0)), rng), rng))
    sdss = sdss_galaxies()
    for _ in range(options.unrelated_rows if listed else 0):
        place = int(rng.integers(len(sdss.ra)))
        away = (float(sdss.ra[place] + rng.normal(0, 0.1)) % 360.0, float(np.clip(sdss.dec[place], -10, 60)) + 1.0)
        rows.append(_row(listed[int(rng.integers(len(listed)))], away, rng))
    text = "".join(rows[place] for place in rng.permutation(len(rows)))
    # without the time of day: the same options give the same bytes
    path.write_bytes(gzip.compress(text.encode("ascii"), mtime=0))


def failure(galaxy: Galaxy, rng: np.random.Generator) -> int:
    """FLAG_SED: 0, or why the fit failed. Templates without strong lines or a nucleus do not fit what has them."""
    if galaxy.kind in ("dr16q", "milliquas_quasar", "type1"):
        # half of them have broad lines in their spectrum and are not fitted
        return FLAG_BROAD_LINES if rng.random() < 0.5 else 0
    if galaxy.spectrum.strongest_ew() > 200.0 and rng.random() < 0.4:
        return FLAG_BAD_FIT
    return FLAG_NO_PHOTOMETRY if rng.random() < FAILING_SHARE else 0


def _row(galaxy: Galaxy, position: tuple[float, float], rng: np.random.Generator) -> str:
    flag = failure(galaxy, rng)
    object_id = 1237645 * 10**12 + int(rng.integers(1, 10**15))
    plate, mjd, fibre = int(rng.integers(266, 2974)), int(rng.integers(51600, 54700)), int(rng.integers(1, 641))
    glxid = int(rng.integers(10**17, 10**18)) if rng.random() < 0.8 else -99
    if flag:
        chi2, mass, mass_err, sfr, sfr_err = (45.0 if flag == FLAG_BAD_FIT else MISSING), *([MISSING] * 4)
        dust = [MISSING] * 6
    else:
        # Chabrier's IMF: 0.03 dex below Kroupa's
        chi2, mass_err, sfr_err = float(rng.uniform(0.2, 5.0)), 0.04, 0.09
        mass, sfr = galaxy.log_mass - 0.03 + rng.normal(0.0, 0.08), log_sfr(galaxy) + rng.normal(0.0, 0.2)
        dust = [1.8, 0.3, 0.45, 0.1, 0.35, 0.1]
    numbers = f"{object_id} {glxid} {plate} {mjd} {fibre} {position[0]:.5f} {position[1]:.5f} {galaxy.redshift:.4f}"
    fitted = f"{chi2:.2f} {mass:.3f} {mass_err:.3f} {sfr:.3f} {sfr_err:.3f} {' '.join(f'{d:.3f}' for d in dust)}"
    flags = f"{flag} {int(rng.integers(1, 4))} {0 if glxid == -99 else 3} {int(rng.integers(0, 3))} 1"
    return f"{numbers} {fitted} {flags}\n"
