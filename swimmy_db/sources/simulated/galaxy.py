"""One galaxy of the embedded survey: its spectrum, what it is, and how it will look. Planned before any pixel."""

from dataclasses import dataclass, field

import numpy as np
from astropy.cosmology import FlatLambdaCDM

from swimmy_db.sources.simulated.lines import group_ews, observed_wavelengths, strongest_group
from swimmy_db.sources.simulated.options import BANDS
from swimmy_db.sources.simulated.spectra import (
    HSC_CURVES,
    HSC_EXTINCTION,
    HSC_WAVELENGTHS,
    LINE_NAMES,
    SDSS_R_EXTINCTION,
    Fit,
    continuum_matrix,
    curves,
    group_sums,
    line_matrix,
    power_law,
    templates,
)

COSMOLOGY = FlatLambdaCDM(H0=70, Om0=0.27)
I_BAND = BANDS.index("i")
NO_LINES = np.zeros(len(LINE_NAMES))


@dataclass
class Spectrum:
    """Continuum and lines of a host and its nucleus, as they arrive at the Galaxy; band fluxes are AB maggies."""

    redshift: float
    coefficients: np.ndarray  # (5,) of kcorrect's templates
    correction: np.ndarray  # (5,) observed over fitted, grizy
    ebv: float  # Galactic, mag
    planted_lines: np.ndarray = field(default_factory=NO_LINES.copy)  # (17,) erg/s/cm2
    nucleus_strength: float = 0.0  # erg/s/cm2/Angstrom at rest 5100
    nucleus_slope: float = -1.5
    nucleus_reddening: float = 0.0  # E(B-V)
    nucleus_line_ews: np.ndarray = field(default_factory=NO_LINES.copy)  # (17,) rest frame, over the power law

    @classmethod
    def of(cls, fit: Fit, redshift: float, sdss_extinction_r: float) -> "Spectrum":
        return cls(redshift, fit.coefficients.copy(), fit.correction, sdss_extinction_r / SDSS_R_EXTINCTION)

    @property
    def extinction(self) -> np.ndarray:
        """a_g to a_y, mag."""
        return HSC_EXTINCTION * 0.86 * self.ebv  # Schlafly & Finkbeiner (2011) scale

    @property
    def template_lines(self) -> np.ndarray:
        return self.coefficients @ templates().lines

    def host_continuum(self) -> np.ndarray:
        """(5,) maggies of the stars, reddened by the Galaxy as are all band fluxes."""
        return self._arrives(self.correction * (continuum_matrix(self.redshift, HSC_CURVES) @ self.coefficients))

    def lines(self, fluxes: np.ndarray) -> np.ndarray:
        """(5,) maggies of line fluxes (17,), each in the bands where its redshift puts it."""
        return self._arrives(self.correction * (line_matrix(self.redshift, HSC_CURVES) @ fluxes))

    def nucleus(self) -> np.ndarray:
        """(5,) maggies of the power law and its lines."""
        if self.nucleus_strength == 0.0:
            return np.zeros(len(BANDS))
        continuum = np.array(
            [
                curve.maggies(
                    curve.wavelength,
                    power_law(curve.wavelength, self.redshift, self.nucleus_slope, self.nucleus_reddening),
                )
                for curve in curves(HSC_CURVES)
            ]
        )
        flux = self.nucleus_strength * continuum
        return self._arrives(flux + line_matrix(self.redshift, HSC_CURVES) @ self._nucleus_lines())

    def total(self) -> np.ndarray:
        return self.host_continuum() + self.lines(self.template_lines + self.planted_lines) + self.nucleus()

    def line_fluxes(self) -> np.ndarray:
        """(17,) erg/s/cm2 of the summed spectrum."""
        host = self.template_lines + self.planted_lines
        return host * self._correction_at_lines() + self._nucleus_lines()

    def continuum_at_lines(self) -> np.ndarray:
        """(17,) erg/s/cm2/Angstrom of the summed spectrum, rest frame (flux per rest-frame Angstrom)."""
        host = (self.coefficients @ templates().continuum_at_lines()) * self._correction_at_lines()
        return host + self._nucleus_continuum_at_lines() * (1.0 + self.redshift)

    def rest_ews(self) -> np.ndarray:
        """(17,) rest-frame EW of the summed spectrum, Angstrom, emission positive."""
        return self.line_fluxes() / self.continuum_at_lines()

    def scale_to(self, i_mag: float) -> None:
        """Make everything brighter or fainter, so that the total has this i magnitude."""
        factor = 10.0 ** (-0.4 * i_mag) / self.total()[I_BAND]
        self.coefficients = self.coefficients * factor
        self.planted_lines = self.planted_lines * factor
        self.nucleus_strength *= factor

    def plant_lines(self, relative: np.ndarray, strongest_ew: float) -> None:
        """Add lines so that the strongest group of the sum has this observed EW (Angstrom)."""
        per_unit = group_sums(relative * self._correction_at_lines() / self.continuum_at_lines())
        present = group_ews(self.rest_ews(), self.redshift)
        steps = [
            (strongest_ew - present[group]) / (float(unit) * (1.0 + self.redshift))
            for group, unit in per_unit.items()
            if unit > 0
        ]
        self.planted_lines = self.planted_lines + relative * max(0.0, min(steps))

    def plant_nucleus(self, ratio: float, slope: float, reddening: float, line_ews: np.ndarray) -> None:
        """Add a power-law nucleus whose i flux, lines included, is ratio times the host's."""
        host = self.total()[I_BAND]
        self.nucleus_slope, self.nucleus_reddening, self.nucleus_line_ews = slope, reddening, line_ews
        self.nucleus_strength = 1e-17
        self.nucleus_strength *= ratio * host / self.nucleus()[I_BAND]

    def strongest_ew(self) -> float:
        return strongest_group(self.rest_ews(), self.redshift)

    def _arrives(self, maggies: np.ndarray) -> np.ndarray:
        return maggies * 10.0 ** (-0.4 * self.extinction)

    def _correction_at_lines(self) -> np.ndarray:
        return np.interp(observed_wavelengths(self.redshift), HSC_WAVELENGTHS, self.correction)

    def _nucleus_continuum_at_lines(self) -> np.ndarray:
        observed = observed_wavelengths(self.redshift)
        return self.nucleus_strength * power_law(observed, self.redshift, self.nucleus_slope, self.nucleus_reddening)

    def _nucleus_lines(self) -> np.ndarray:
        return self.nucleus_line_ews * self._nucleus_continuum_at_lines() * (1.0 + self.redshift)


@dataclass
class Shape:
    """How a galaxy is drawn; radii in arcsec, angles in radians."""

    morphology: str  # elliptical, lenticular, spiral, barred, irregular, compact, edge_on
    half_light_radius: float
    sersic_index: float  # of the bulge
    bulge_to_total: float  # in i
    axis_ratio: float
    position_angle: float
    dust_lane: float = 0.0  # optical depth in g


@dataclass
class Galaxy:
    """A row of the catalogue and everything that is true of it."""

    index: int
    object_id: int
    ra: float
    dec: float
    tract: int
    patch: int
    skymap_id: int
    sdss_row: int
    kind: str
    spectrum: Spectrum
    shape: Shape
    failed_cut: str = ""  # '' for a planned member
    failed_detail: str = ""  # column, band or spelling
    line_place: str = ""  # nucleus, compact, disc, off_centre
    nucleus_to_host: float = 0.0
    artefact: str = ""
    bad_stamp: str = ""
    has_mpa_jhu: bool = False
    n_spectra: int = 1
    bpt_class: int | None = None
    ew_error: float = 0.5  # Angstrom, rest frame
    measured_ews: np.ndarray | None = None  # (17,) rest frame, as written into galSpecLine
    in_dr16q: bool = False
    milliquas_type: str = ""
    specz_rows: int = 1
    log_mass: float = 10.0
    writes_cutout: bool = True

    @property
    def is_member(self) -> bool:
        return not self.failed_cut

    @property
    def redshift(self) -> float:
        return self.spectrum.redshift


def log_stellar_mass(maggies: np.ndarray, redshift: float) -> float:
    """log10 of the mass in suns from i and g-i (Taylor et al. 2011), with a linear K correction."""
    colour = -2.5 * np.log10(maggies[0] / maggies[I_BAND]) - 1.8 * redshift
    distance = COSMOLOGY.distmod(redshift).value
    absolute = -2.5 * np.log10(maggies[I_BAND]) - distance - 0.4 * redshift
    return float(np.clip(1.15 + 0.70 * colour - 0.4 * absolute, 7.0, 12.3))


def draw_shape(spectrum: Spectrum, kind: str, line_place: str, rng: np.random.Generator) -> Shape:
    """Type from rest-frame colour and mass, size from Shen et al. (2003) with its scatter, inclination at random."""
    maggies = spectrum.total() * 10.0 ** (0.4 * spectrum.extinction)
    redshift = max(spectrum.redshift, 0.005)
    mass = 10.0 ** log_stellar_mass(maggies, redshift)
    rest_colour = -2.5 * np.log10(maggies[0] / maggies[1]) - 1.6 * redshift
    early = rng.random() < 1.0 / (1.0 + np.exp(-(rest_colour - 0.64) / 0.045))
    if early:
        kpc = 2.88e-6 * mass**0.56 * np.exp(rng.normal(0.0, 0.33))
        # Dwarf early types do not follow the giants' relation down to nothing.
        kpc = max(kpc, 0.8)
    else:
        kpc = 0.1 * mass**0.14 * (1.0 + mass / 3.98e10) ** 0.25 * np.exp(rng.normal(0.0, 0.42))
    arcsec = kpc / (COSMOLOGY.angular_diameter_distance(redshift).value * 1e3) * 206265.0
    angle = rng.uniform(0.0, np.pi)
    # Discs of thickness 0.18 seen from all sides.
    cosine = rng.random()
    disc_ratio = float(np.sqrt(cosine**2 * (1.0 - 0.18**2) + 0.18**2))
    if line_place == "compact" or kind == "compact":
        size = np.clip(0.55 * arcsec * np.exp(rng.normal(0.0, 0.25)), 0.25, 1.2)
        return Shape("compact", float(size), 1.0, 0.0, float(rng.uniform(0.5, 1.0)), angle)
    arcsec = float(np.clip(arcsec, 0.3, 9.0))
    if early:
        if rng.random() < 0.55:
            index = float(rng.choice([2.5, 3.0, 4.0, 5.0]))
            return Shape(
                "elliptical", arcsec, index, float(rng.uniform(0.75, 1.0)), float(rng.uniform(0.55, 1.0)), angle
            )
        lane = float(rng.uniform(0.5, 1.5)) if disc_ratio < 0.4 and rng.random() < 0.3 else 0.0
        share = float(rng.uniform(0.3, 0.75))
        return Shape("lenticular", arcsec, float(rng.choice([2.0, 3.0, 4.0])), share, disc_ratio, angle, lane)
    irregular = 1.0 / (1.0 + np.exp((np.log10(mass) - 9.3) / 0.25))
    if rng.random() < 0.8 * irregular:
        return Shape("irregular", arcsec, 1.0, float(rng.uniform(0.0, 0.1)), max(disc_ratio, 0.3), angle)
    bulge = float(np.clip(rng.beta(1.2, 4.5) + 0.12 * (rest_colour - 0.5), 0.01, 0.6))
    index = float(rng.choice([1.0, 1.5, 2.0, 3.0]))
    if disc_ratio < 0.33:
        lane = float(rng.uniform(0.6, 2.5)) if rng.random() < 0.65 else 0.0
        return Shape("edge_on", 1.15 * arcsec, index, bulge, disc_ratio, angle, lane)
    lane = float(rng.uniform(0.3, 1.2)) if rng.random() < 0.25 else 0.0
    morphology = "barred" if rng.random() < 0.35 else "spiral"
    return Shape(morphology, arcsec, index, bulge, disc_ratio, angle, lane)
