"""The image cutout service of HSC-SSP (FORMATS.md section 2.2)."""

from swimmy_db.config import Settings
from swimmy_db.sources.hsc_bulk import BulkService, WantedRow
from swimmy_db.sources.hsc_credentials import Account
from swimmy_db.sources.hsc_release import Release


class CutoutService(BulkService):
    """Cutouts of coadds, image and mask, wide enough for a stamp with its margin.

    semi_width: arcsec. The service's stamps differ by a pixel, so whoever needs n pixels asks for more.
    """

    title = "cutouts"
    columns = ("rerun", "type", "filter", "tract", "ra", "dec", "sw", "sh", "image", "mask", "variance")

    def __init__(self, account: Account, settings: Settings, release: Release) -> None:
        super().__init__(account, settings, release, release.cutout_url, archive_name(release))
        pixels = settings.stamp_size / 2 + settings.psf_margin + 1
        self.semi_width = pixels * settings.instrument.pixel_scale

    def values(self, row: WantedRow) -> dict[str, str]:
        width = f"{self.semi_width:.6f}asec"
        return {
            "rerun": self.release.rerun,
            "type": "coadd",
            "filter": self.filter_of(row.band),
            "tract": str(row.tract),
            "ra": f"{row.ra:.16e}deg",
            "dec": f"{row.dec:.16e}deg",
            "sw": width,
            "sh": width,
            "image": "true",
            "mask": "true",
            "variance": "true" if self.settings.hsc_variance else "false",
        }

    def single_parameters(self, row: WantedRow) -> dict[str, str]:
        values = self.values(row)
        switches = {name: "on" if values[name] == "true" else "off" for name in ("image", "mask", "variance")}
        return {**values, **switches}


def archive_name(release: Release) -> str:
    """What survey.stamps says of a stamp that the service sent."""
    return f"das_cutout {release.rerun}"
