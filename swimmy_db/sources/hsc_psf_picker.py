"""The PSF picker of HSC-SSP: the coadd's PSF at an object, as a small image of sum 1 (FORMATS.md section 2.3)."""

import re

from swimmy_db.config import Settings
from swimmy_db.sources.hsc_bulk import BulkService, WantedRow
from swimmy_db.sources.hsc_credentials import Account
from swimmy_db.sources.hsc_release import Release

# <line>-psf-calexp-<rerun>-<filter>-<tract>-<x>,<y>-<ra>-<dec>.fits; a southern dec gives two hyphens
MEMBER = re.compile(
    r"(?:.*/)?(?P<lineno>\d+)-psf-calexp-[^/]+?-(?P<filter>HSC-[A-Z0-9]+|[a-z][a-z0-9]*)"
    r"-(?P<tract>\d+)-\d+,\d+-[\d.]+--?[\d.]+\.fits"
)


class PsfPicker(BulkService):
    """Kernels of coadds at the objects' positions."""

    title = "PSFs"
    columns = ("rerun", "type", "filter", "tract", "patch", "ra", "dec", "centered")
    member_pattern = MEMBER
    post_parameters = {"bulk": "on"}  # noqa: RUF012

    def __init__(self, account: Account, settings: Settings, release: Release) -> None:
        super().__init__(account, settings, release, release.psf_url, archive_name(release))

    def values(self, row: WantedRow) -> dict[str, str]:
        # an object's id holds its patch (FORMATS.md section 1.7)
        patch_x, patch_y = row.object_id >> 37 & 31, row.object_id >> 32 & 31
        return {
            "rerun": self.release.rerun,
            "type": "coadd",
            "filter": self.filter_of(row.band),
            "tract": str(row.tract),
            "patch": f"{patch_x},{patch_y}",
            "ra": f"{row.ra:.16e}",
            "dec": f"{row.dec:.16e}",
            "centered": "true",
        }

    def single_parameters(self, row: WantedRow) -> dict[str, str]:
        return self.values(row)


def archive_name(release: Release) -> str:
    """What survey.psf_kernels says of a kernel that the service sent."""
    return f"psf_picker {release.rerun}"
