"""The archives that swimmy can read, one entry each: which files, into which tables, whom to thank."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from swimmy_db.sources import dr16q, gama, gswlc, hsc_catalogue, milliquas, sdss_galspec, sdss_spectra


class FileKind(NamedTuple):
    """Files of one kind: the table that they fill, their glob in downloads/<source>/, and their reader.

    `read(path)` yields tables of at most 100 000 rows with native names, before the contract is applied.
    """

    table: str
    pattern: str
    read: Callable[[Path], Iterator[pa.Table]]
    required: bool = True


class Source(NamedTuple):
    """An archive: its files, those kept beside the tables (`kept`, globs), and how to acknowledge it."""

    name: str
    title: str
    files: dict[str, FileKind]
    acknowledgement: str
    kept: tuple[str, ...] = ()


def _hsc(table: str, pattern: str) -> FileKind:
    return FileKind(table, pattern, partial(hsc_catalogue.read_hsc_table, table=table))


_HSC = (
    "The Hyper Suprime-Cam (HSC) collaboration (NAOJ, Kavli IPMU, ASIAA, Princeton); data from the Subaru Telescope on "
    "Maunakea. Cite Aihara et al. 2022 (PDR3), Bosch et al. 2018 (pipeline) and Kawanomoto et al. 2018 (filters), and "
    "print the full text of the HSC-SSP release site. Redshifts in specz belong to the surveys that they name."
)
_SDSS = (
    "SDSS-III, funded by the Alfred P. Sloan Foundation, the Participating Institutions, the NSF and the US Department "
    "of Energy Office of Science; cite Aihara et al. 2011 (DR8). For the MPA-JHU measurements cite Kauffmann et al. "
    "2003, Brinchmann et al. 2004 and Tremonti et al. 2004."
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "hsc",
            "HSC-SSP PDR3",
            {
                "objects": _hsc("raw.hsc_objects", "objects*"),
                "masks": _hsc("raw.hsc_masks", "masks*"),
                "patches": _hsc("raw.hsc_patches", "patch_qa*"),
                "specz": _hsc("raw.specz", "specz*"),
            },
            _HSC,
            kept=("cutouts/*.tar", "cutouts/*.txt"),
        ),
        Source(
            "mpa-jhu",
            "MPA-JHU, SDSS DR8",
            {
                "info": FileKind("raw.galspec_info", "galSpecInfo*.fits*", sdss_galspec.read_galspec),
                "line": FileKind("raw.galspec_line", "galSpecLine*.fits*", sdss_galspec.read_galspec),
                "extra": FileKind("raw.galspec_extra", "galSpecExtra*.fits*", sdss_galspec.read_galspec),
            },
            _SDSS,
        ),
        Source(
            "dr16q",
            "SDSS DR16 quasar catalogue",
            {"quasars": FileKind("raw.dr16q", "DR16Q*.fits*", dr16q.read_dr16q)},
            "SDSS-IV and eBOSS (same funders, see sdss.org); cite Lyke et al. 2020 and Ahumada et al. 2020 (DR16).",
        ),
        Source(
            "milliquas",
            "Million Quasars catalogue",
            {"quasars": FileKind("raw.milliquas", "milliquas.txt", milliquas.read_milliquas)},
            "Cite the Million Quasars catalogue, Flesch 2015 (PASA 32, 10) and Flesch 2023 for version 8, and name "
            "the version that was used.",
        ),
        Source(
            "gama",
            "GAMA spectra",
            {"spectra": FileKind("raw.gama", "*.fits*", gama.read_gama)},
            "GAMA, a European-Australasian project around a spectroscopic campaign on the Anglo-Australian Telescope, "
            "www.gama-survey.org; cite Baldry et al. 2018 (DR3) or Driver et al. 2022 (DR4).",
        ),
        Source(
            "gswlc",
            "GALEX-SDSS-WISE Legacy Catalog 2",
            {"galaxies": FileKind("raw.gswlc", "GSWLC*.dat*", gswlc.read_gswlc)},
            "Cite Salim et al. 2016 and Salim, Boquien and Lee 2018 (GSWLC-2); it builds on GALEX, SDSS and WISE.",
        ),
        Source(
            "sdss-spectra",
            "SDSS spectra",
            {"spectra": FileKind("raw.spectra", "spec-*.fits", sdss_spectra.read_spectrum, required=False)},
            "SDSS-IV (funders: see sdss.org); cite Ahumada et al. 2020 (DR16) and Smee et al. 2013 (spectrographs).",
        ),
    )
}
