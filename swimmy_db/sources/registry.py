"""The archives that swimmy knows: one line each."""

from swimmy_db.sources import dr16q, gama, gswlc, hsc_archive, milliquas, sdss_galspec, sdss_spectra
from swimmy_db.sources.archive import Source

SOURCES: dict[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (
        hsc_archive,
        sdss_galspec,
        dr16q,
        milliquas,
        gama,
        gswlc,
        sdss_spectra,
    )
}
