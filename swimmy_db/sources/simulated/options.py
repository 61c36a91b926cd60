"""What the embedded survey holds: every count, share and depth, with its meaning."""

from pydantic import BaseModel, ConfigDict, Field

BANDS = ("g", "r", "i", "z", "y")
ARCHIVE_NAMES = {"g": "HSC-G", "r": "HSC-R", "i": "HSC-I", "z": "HSC-Z", "y": "HSC-Y"}
FLAG_CUTS = (
    "pixelflags_edge",
    "pixelflags_interpolatedcenter",
    "pixelflags_saturatedcenter",
    "pixelflags_crcenter",
    "pixelflags_bad",
    "sdssshape_flag",
    "pixelflags_bright_objectcenter",
    "mask_brightstar_halo",
    "mask_brightstar_ghost",
    "mask_brightstar_blooming",
)
BAD_STAMP_KINDS = ("truncated", "empty", "html", "all_nan", "missing_band", "wrong_shape", "nan_core")
PIXEL_SCALE = 0.168  # arcsec
ZERO_POINT = 27.0  # AB mag of one count
FLUXMAG0 = 63095734448.0194


def _share(default: float, description: str) -> float:
    return Field(default, ge=0.0, le=1.0, description=f"{description}; share of n")


class SurveyOptions(BaseModel):
    """The embedded survey. `count(share)` galaxies are planted of each population, at least `minimum_planted`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = Field(3000, ge=10, description="galaxies of the specz sample whose five stamps are good")
    seed: int = Field(1, ge=0, description="of every random number")
    jobs: int = Field(0, ge=0, description="processes; 0: as many as cores. The files do not depend on it")
    minimum_planted: int = Field(2, ge=0, description="least number planted of each population, for n >= 50")

    # the shares of the sample (paper, Table 1), raised where statistics would mean nothing
    mpa_jhu_share: float = _share(0.54, "members with MPA-JHU lines, planted ones included (paper 0.52)")
    xelg_share: float = _share(0.022, "planted extreme emission-line galaxies (paper 0.014, raised)")
    xelg_green_pea_share: float = Field(
        0.3, ge=0, le=1, description="of the XELGs: EW drawn from real green peas; the others from xelg_ew_median"
    )
    xelg_other_share: float = _share(0.004, "planted XELGs without MPA-JHU lines, in other_specz")
    dr16q_share: float = _share(0.0107, "DR16Q quasars (paper 0.0005, raised)")
    milliquas_quasar_share: float = _share(0.006, "Milliquas quasars outside DR16Q (paper 0.0005, raised)")
    type1_share: float = _share(0.015, "type-I AGN of Milliquas (paper 0.006, raised)")
    type2_share: float = _share(0.022, "type-II AGN of Milliquas (paper 0.012, raised)")
    milliquas_other_share: float = _share(0.0017, "candidates and BL Lacs of Milliquas that are ordinary galaxies")
    liner_share: float = _share(0.021, "LINERs, BPTCLASS 5")
    composite_share: float = _share(0.018, "composites, BPTCLASS 3")
    decoy_share: float = _share(0.020, "galaxies with planted lines of 20 to 95 Angstrom, in the training sample")
    chance_share: float = _share(0.010, "chance projections of a star or galaxy on the nucleus or beside it")
    merger_share: float = _share(0.020, "mergers and close pairs with tidal debris")
    r_zero_point_share: float = _share(0.008, "stamps whose r band has a wrong zero point and a raised sky")
    saturated_share: float = _share(0.003, "stamps with a saturated core in i")
    trail_share: float = _share(0.003, "stamps with a satellite trail in one band")
    nan_outskirts_share: float = _share(0.003, "stamps with a few NaN pixels far from the centre")
    multiple_specz_share: float = _share(0.05, "objects with more than one row in specz")
    duplicate_spectra_share: float = _share(0.03, "members with two spectra in MPA-JHU")

    other_spectra_share: float = _share(0.035, "members with an SDSS spectrum file, beside all XELGs and quasars")

    # outside the sample
    outside_redshift_share: float = _share(0.18, "SDSS galaxies outside 0.05 < z < 0.2, no other cut failed")
    no_redshift_share: float = _share(0.08, "galaxies without a row in specz: the colour sample")
    no_redshift_xelg_share: float = _share(0.004, "planted XELGs without a row in specz")
    star_share: float = _share(0.03, "stars")
    failing_each: int = Field(3, ge=1, description="galaxies that fail one cut alone, for each cut")
    missing_each: int = Field(1, ge=0, description="galaxies that lack one needed value, for each value and spelling")
    bad_patch_share: float = Field(0.05, ge=0, lt=0.5, description="patches with poor seeing, and as many too shallow")
    n_bad_stamps: int = Field(
        len(BAD_STAMP_KINDS), ge=0, description="further members with one bad stamp, of each kind in turn"
    )
    near_misses: int = Field(3, ge=0, description="catalogue sources 1.3 to 3 arcsec from a member, per catalogue")
    unrelated_rows: int = Field(300, ge=0, description="rows of each catalogue that lie elsewhere")

    # strengths
    xelg_ew_median: float = Field(
        90.0, gt=0, description="Angstrom, observed; the parent of all emission-line galaxies"
    )
    xelg_ew_sigma: float = Field(0.75, gt=0, description="of ln EW of that parent, of which EW > 100 A is planted")
    green_pea_ew_median: float = Field(647.0, gt=0, description="Angstrom; [O III] of 80 peas, Cardamone et al. 2009")
    green_pea_ew_sigma: float = Field(0.62, gt=0, description="of ln EW of the green peas (Cardamone et al. 2009)")
    xelg_ew_max: float = Field(1500.0, gt=100, description="Angstrom, observed")
    line_place_shares: tuple[float, float, float, float] = Field(
        (0.25, 0.40, 0.20, 0.15), description="XELG lines in the nucleus, a compact body, the disc, off centre"
    )
    quasar_ratio: tuple[float, float] = Field((0.03, 3.0), description="nucleus to host in i, log-uniform: quasars")
    type1_ratio: tuple[float, float] = Field((0.01, 1.0), description="nucleus to host in i, log-uniform: type I")
    quasar_reddening: float = Field(0.08, ge=0, description="mean E(B-V) of quasars' nuclei, exponential")
    type1_reddening: float = Field(0.20, ge=0, description="mean E(B-V) of type-I nuclei, exponential")

    # imaging
    zero_point_scatter: float = Field(0.012, ge=0, description="mag-like relative scatter per patch and band")
    sky_sigma: tuple[float, float, float, float, float] = Field(
        (0.036, 0.052, 0.057, 0.11, 0.19), description="counts per pixel, grizy, at zero point 27 (HSC-wide)"
    )
    seeing_median: tuple[float, float, float, float, float] = Field(
        (0.77, 0.72, 0.60, 0.68, 0.68), description="arcsec, grizy (HSC-SSP PDR3 wide)"
    )
    depth_median: tuple[float, float, float, float, float] = Field(
        (26.30, 25.95, 25.75, 24.95, 24.15), description="5 sigma PSF depth, AB mag, grizy"
    )
    depth_min: tuple[float, float, float, float, float] = Field(
        (25.82, 25.49, 25.23, 24.47, 23.59), description="shallower patches are dropped (paper 2.1)"
    )
    neighbour_share: float = Field(0.30, ge=0, le=1, description="stamps with a neighbour within 3 mag of the galaxy")
    background_density: float = Field(45.0, ge=0, description="galaxies of i < 25.5 per square arcmin")
    objects_a_tar: int = Field(198, ge=1, le=198, description="at most; five lines each, at most 990 lines a list")
    semi_width_arcsec: float = Field(8.2, ge=8.1, le=12, description="requested half size of a cutout")

    def count(self, share: float) -> int:
        """Number of galaxies for a share of n: rounded, and at least minimum_planted where the share is not 0.

        Below n = 50 the minimum shrinks, so that a dozen populations leave room for ordinary galaxies.
        """
        return max(min(self.minimum_planted, self.n // 25), round(share * self.n)) if share > 0 else 0
