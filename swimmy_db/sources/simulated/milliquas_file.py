"""Milliquas as fixed-width text, the layout of 18 fields (FORMATS 4.1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.spectra import sdss_galaxies
from swimmy_db.sources.simulated.spectro_files import offset_position, sexagesimal_name

_FIELDS = {  # 0-based, half-open
    "ra": (0, 11),
    "dec": (12, 23),
    "name": (25, 50),
    "type": (51, 55),
    "rmag": (56, 61),
    "bmag": (62, 67),
    "comment": (68, 70),
    "r": (71, 72),
    "b": (73, 74),
    "z": (76, 82),
    "cite": (83, 88),
    "zcite": (90, 95),
    "rxpct": (97, 99),
    "qpct": (101, 103),
    "xname": (105, 126),
    "rname": (128, 149),
    "lobe1": (151, 172),
    "lobe2": (174, 195),
}
_LEFT = ("name", "type", "comment", "cite", "zcite", "xname", "rname", "lobe1", "lobe2")
_UNRELATED_TYPES = ("Q", "Q", "q", "QX", "A", "AX", "N", "K", "B", "RX", "R", "X", "qR", "QR2", "S", "")


class Source(NamedTuple):
    ra: float
    dec: float
    type: str
    magnitude: float
    redshift: float | None


def format_line(values: dict[str, str]) -> str:
    """One fixed-width line; raises ValueError for a value wider than its field."""
    line = [" "] * 195
    for name, value in values.items():
        start, stop = _FIELDS[name]
        if len(value) > stop - start:
            raise ValueError(f"{name} = {value!r} does not fit in {stop - start} characters")
        line[start:stop] = value.ljust(stop - start) if name in _LEFT else value.rjust(stop - start)
    return "".join(line)


def _line(source: Source, rng: np.random.Generator) -> str:
    ra, dec = round(source.ra, 7), round(source.dec, 7)
    name = sexagesimal_name(ra, dec)
    fuzzy = source.type[:1] in ("A", "N")
    values = {
        "ra": f"{ra:.7f}",
        "dec": f"{dec:.7f}",
        "name": f"SDSS J{name}",
        "type": source.type,
        "rmag": f"{source.magnitude:.1f}",
        # 0.0 is Milliquas's way to say that there is no magnitude.
        "bmag": "0.0" if rng.random() < 0.05 else f"{source.magnitude + 0.7:.1f}",
        "comment": "p" if rng.random() < 0.5 else "g",
        "r": "1" if fuzzy else "-",
        "b": "1" if fuzzy else "-",
        "z": "" if source.redshift is None else f"{source.redshift:.3f}",
        "cite": "DR16" if source.type[:1] not in ("q", "R", "X", "2", "") else "MQ",
        "zcite": "" if source.redshift is None else "DR16",
    }
    if source.type[:1] in ("q", "R", "X", "2", ""):
        values["qpct"] = f"{int(rng.integers(50, 100))}"
    if "X" in source.type:
        values["xname"] = f"2SXPS J{name[:6]}{name[9:16]}"
        values["rxpct"] = f"{int(rng.integers(40, 100))}"
    if "R" in source.type or "2" in source.type:
        values["rname"] = f"FIRST J{name[:6]}{name[9:16]}"
    if "2" in source.type:
        values["lobe1"] = f"FIRST J{name[:6]}{name[9:16]}"
        values["lobe2"] = f"FIRST J{name[:6]}{name[9:16]}"
    return format_line(values)


def write_milliquas(path: Path, galaxies: Sequence[Galaxy], options: SurveyOptions, rng: np.random.Generator) -> None:
    """milliquas.txt, in order of RA: planted AGN, near misses, and sources of all types elsewhere."""
    sdss = sdss_galaxies()
    sources = []
    for galaxy in galaxies:
        if galaxy.milliquas_type:
            position = offset_position(galaxy, min(abs(rng.normal(0.0, 0.15)), 0.7), rng)
            candidate = galaxy.milliquas_type[0] in "qRX2"
            magnitude = -2.5 * float(np.log10(galaxy.spectrum.total()[I_BAND]))
            redshift = None if candidate and rng.random() < 0.5 else galaxy.redshift
            sources.append(Source(*position, galaxy.milliquas_type, magnitude, redshift))
    ordinary = [g for g in galaxies if g.is_member and g.kind == "galaxy"]
    for galaxy in ordinary[-options.near_misses :] if options.near_misses else []:
        position = offset_position(galaxy, float(rng.uniform(1.3, 3.0)), rng)
        sources.append(Source(*position, "Q", 19.5, float(rng.uniform(0.5, 2.5))))
    for _ in range(options.unrelated_rows):
        row = int(rng.integers(len(sdss.ra)))
        position = (float(sdss.ra[row] + rng.uniform(0, 3)) % 360.0, float(np.clip(sdss.dec[row] - 12.0, -60, 60)))
        kind = str(rng.choice(_UNRELATED_TYPES))
        redshift = None if rng.random() < 0.15 else float(rng.uniform(0.05, 4.0))
        sources.append(Source(*position, kind, float(rng.normal(20.0, 1.0)), redshift))
    sources.sort()
    path.write_text("".join(_line(source, rng) + "\n" for source in sources), encoding="ascii")
