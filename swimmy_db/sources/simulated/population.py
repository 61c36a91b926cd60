"""Who is in the embedded survey: which galaxies, of which kind, in which catalogue, failing which cut."""

from typing import NamedTuple

import numpy as np

from swimmy_db.sources.simulated import lines
from swimmy_db.sources.simulated.failures import plan_failures
from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy, Spectrum, draw_shape, log_stellar_mass
from swimmy_db.sources.simulated.options import BAD_STAMP_KINDS, SurveyOptions
from swimmy_db.sources.simulated.sky import GAMA_TRACTS, TRACTS, Patch, Sky, make_patches
from swimmy_db.sources.simulated.spectra import fit_photometry, line_index, sdss_galaxies

Z_MIN, Z_MAX = 0.05, 0.2
FAINTEST_MEMBER = 19.9  # i mag; the cut is at 20 and the measured magnitude has an error


class Plan(NamedTuple):
    galaxies: list[Galaxy]
    patches: dict[int, Patch]


class Planner:
    """Draws galaxies one after the other from the real SDSS ones; a row is not used twice before all have been."""

    def __init__(self, options: SurveyOptions) -> None:
        self.options = options
        self.rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([options.seed, 0])))
        self.patches = make_patches(options, self.rng)
        self.sky = Sky(self.patches, self.rng)
        self.galaxies: list[Galaxy] = []
        sdss = sdss_galaxies()
        self._colour = -2.5 * np.log10(sdss.maggies[:, 1] / sdss.maggies[:, 3])
        self._inside = (sdss.redshift > Z_MIN + 0.001) & (sdss.redshift < Z_MAX - 0.001)
        self._uses = np.zeros(len(sdss.redshift), int)
        self._planted = np.zeros(len(sdss.redshift), bool)

    def row(self, inside: bool = True, bluest: float = -9.0, reddest: float = 9.0, low: bool | None = None) -> int:
        """An SDSS galaxy in or out of the redshift range, with this observed g-i."""
        redshift = sdss_galaxies().redshift
        fits = (self._inside == inside) & (self._colour > bluest) & (self._colour < reddest)
        if not inside:
            fits &= (redshift < Z_MIN - 0.001) | (redshift > Z_MAX + 0.001)
        if low is not None:
            fits &= (redshift < Z_MIN) == low
        least = self._uses[fits].min()
        row = int(self.rng.choice(np.flatnonzero(fits & (self._uses == least))))
        self._uses[row] += 1
        return row

    def _row_of_colour(self, g_minus_i: float) -> int:
        """One of the 25 galaxies in the redshift range nearest to this g-i, between 0.3 and 1.2.

        Not counted as used: else the ordinary galaxies, which come later, would lack the blue ones.
        """
        inside = np.flatnonzero(self._inside & ~self._planted)
        if len(inside) < 1000:
            self._planted[:] = False
            inside = np.flatnonzero(self._inside)
        distance = np.abs(self._colour[inside] - np.clip(g_minus_i, 0.3, 1.2))
        row = int(self.rng.choice(inside[np.argsort(distance, kind="stable")[:25]]))
        self._planted[row] = True
        return row

    def spectrum(self, row: int) -> Spectrum:
        sdss = sdss_galaxies()
        return Spectrum.of(fit_photometry(row), float(sdss.redshift[row]), float(sdss.extinction[row, 2]))

    def faint_magnitude(self, brightest: float, faintest: float = 19.85, slope: float = 0.35) -> float:
        """An i magnitude from counts that rise as 10**(slope m)."""
        low, high = 10.0 ** (slope * brightest), 10.0 ** (slope * faintest)
        return float(np.log10(low + self.rng.random() * (high - low)) / slope)

    def add(
        self, kind: str, row: int, spectrum: Spectrum, patch_fault: str = "", gama: bool = False, **facts
    ) -> Galaxy:
        """Place a galaxy on the sky, draw its shape and keep it."""
        sdss = sdss_galaxies()
        tracts = GAMA_TRACTS if gama else TRACTS
        ra, dec, place = self.sky.place(float(sdss.ra[row]), float(sdss.dec[row]), patch_fault, tracts)
        galaxy = Galaxy(
            index=len(self.galaxies),
            object_id=self.sky.object_id(place),
            ra=ra,
            dec=dec,
            tract=place.tract,
            patch=place.patch,
            skymap_id=place.skymap_id,
            sdss_row=row,
            kind=kind,
            spectrum=spectrum,
            shape=draw_shape(spectrum, kind, facts.get("line_place", ""), self.rng),
            log_mass=log_stellar_mass(spectrum.total(), max(spectrum.redshift, 0.005)),
            **facts,
        )
        if galaxy.has_mpa_jhu:
            self._measure(galaxy)
        self.galaxies.append(galaxy)
        return galaxy

    def _measure(self, galaxy: Galaxy) -> None:
        """What MPA-JHU would write: EWs with errors that grow with magnitude, and the BPT class of the line fluxes."""
        magnitude = -2.5 * np.log10(galaxy.spectrum.total()[I_BAND])
        galaxy.ew_error = float(0.35 * 10.0 ** (0.2 * (magnitude - 16.5)) * np.exp(self.rng.normal(0.0, 0.25)))
        galaxy.measured_ews = lines.measured_ews(galaxy.spectrum.rest_ews(), galaxy.ew_error, galaxy.redshift, self.rng)
        continuum = galaxy.spectrum.continuum_at_lines()
        if galaxy.bpt_class is None:
            # In the templates [N II]/Ha of the weak-lined ones is a fit to noise: what they show is no LINER.
            found = lines.bpt_class(galaxy.measured_ews * continuum, galaxy.ew_error * continuum)
            weak = galaxy.measured_ews[line_index("h_alpha")] < 3.0 and galaxy.kind not in ("type1", "milliquas_quasar")
            galaxy.bpt_class = (2 if found in (3, 4) else -1) if weak and found >= 3 else found

    # the populations

    def xelgs(self, number: int, has_mpa_jhu: bool = True, failed_cut: str = "") -> None:
        options, rng = self.options, self.rng
        places = ("nucleus", "compact", "disc", "off_centre")
        for _ in range(number):
            pea = rng.random() < options.xelg_green_pea_share
            median = options.green_pea_ew_median if pea else options.xelg_ew_median
            sigma = options.green_pea_ew_sigma if pea else options.xelg_ew_sigma
            strength = 0.0
            while not 101.0 < strength < options.xelg_ew_max:
                strength = float(median * np.exp(sigma * rng.standard_normal()))
            # Starbursts are blue, the stronger the bluer; still some lie in red hosts.
            row = self._row_of_colour(0.75 - 0.25 * np.log10(strength / 100.0) + 0.2 * rng.standard_normal())
            spectrum = self.spectrum(row)
            hardness = np.clip(0.35 + 0.35 * np.log10(strength / 100.0) + rng.normal(0.0, 0.2), 0.0, 1.0)
            spectrum.plant_lines(lines.star_forming(rng, float(hardness)), strength)
            spectrum.scale_to(self.faint_magnitude(16.8, 19.6, slope=0.2))
            place = str(rng.choice(places, p=options.line_place_shares))
            self.add("xelg", row, spectrum, has_mpa_jhu=has_mpa_jhu, line_place=place, failed_cut=failed_cut)

    def narrow_lines(self, kind: str, number: int, bpt: int, milliquas: tuple[str, ...] = ("",)) -> None:
        """Type-II AGN, LINERs and composites: nuclear lines in ordinary hosts."""
        rng = self.rng
        recipes = {"type2": lines.seyfert, "liner": lines.liner, "composite": lines.composite}
        medians = {"type2": 28.0, "liner": 5.0, "composite": 20.0}
        for position in range(number):
            row = self.row(bluest=0.75)
            spectrum = self.spectrum(row)
            strength = float(np.clip(medians[kind] * np.exp(rng.normal(0.0, 0.6)), 2.0, 180.0))
            spectrum.plant_lines(recipes[kind](rng), spectrum.strongest_ew() + strength)
            self.add(
                kind,
                row,
                spectrum,
                has_mpa_jhu=True,
                bpt_class=bpt,
                line_place="nucleus",
                milliquas_type=milliquas[position % len(milliquas)],
            )

    def decoys(self, number: int) -> None:
        """Emission-line galaxies short of the XELG limit."""
        for _ in range(number):
            strength = float(self.rng.uniform(20.0, 95.0))
            spectrum = None
            # Not a galaxy whose own template has stronger lines: that one is an XELG already.
            while spectrum is None or spectrum.strongest_ew() > strength:
                row = self._row_of_colour(0.8 + 0.2 * self.rng.standard_normal())
                spectrum = self.spectrum(row)
            spectrum.plant_lines(lines.star_forming(self.rng, float(self.rng.uniform(0.1, 0.8))), strength)
            spectrum.scale_to(self.faint_magnitude(16.5, 19.2, slope=0.2))
            place = str(self.rng.choice(["nucleus", "compact", "disc", "off_centre"], p=self.options.line_place_shares))
            self.add("decoy", row, spectrum, has_mpa_jhu=True, line_place=place)

    def nuclei(self, kind: str, number: int, mpa_jhu_share: float, milliquas: tuple[str, ...]) -> None:
        """Quasars and type-I AGN: a reddened power law with broad lines in an ordinary host."""
        options, rng = self.options, self.rng
        ratios = options.type1_ratio if kind == "type1" else options.quasar_ratio
        reddening = options.type1_reddening if kind == "type1" else options.quasar_reddening
        for position in range(number):
            row = self.row(bluest=0.6)
            spectrum = self.spectrum(row)
            if rng.random() < 0.5:
                spectrum.scale_to(self.faint_magnitude(16.3, 19.2, slope=0.2))
            ratio = float(np.exp(rng.uniform(*np.log(ratios))))
            spectrum.plant_nucleus(
                ratio,
                float(rng.normal(-1.55, 0.2)),
                float(min(rng.exponential(reddening), 1.0)),
                lines.broad_line_ews(rng),
            )
            if -2.5 * np.log10(spectrum.total()[I_BAND]) > FAINTEST_MEMBER - 0.05:
                spectrum.scale_to(FAINTEST_MEMBER - 0.1)
            self.add(
                kind,
                row,
                spectrum,
                has_mpa_jhu=bool(rng.random() < mpa_jhu_share),
                bpt_class=4,  # where it has a spectrum there: broad lines put it above every curve
                nucleus_to_host=ratio,
                line_place="nucleus",
                in_dr16q=kind == "dr16q",
                milliquas_type=milliquas[position % len(milliquas)],
            )

    def ordinary(self, kind: str, number: int, has_mpa_jhu: bool, milliquas: tuple[str, ...] = ("",)) -> None:
        """Galaxies as they are. Those without MPA-JHU lines are mostly GAMA's: fainter, bluer, smaller."""
        for position in range(number):
            dimmed = not has_mpa_jhu and self.rng.random() < 0.75
            # What lies below SDSS's limit is bluer than what lies above it.
            row = self.row(reddest=1.05) if dimmed and self.rng.random() < 0.6 else self.row()
            spectrum = self.spectrum(row)
            if dimmed:
                spectrum.scale_to(self.faint_magnitude(16.6))
            elif -2.5 * np.log10(spectrum.total()[I_BAND]) > FAINTEST_MEMBER:
                spectrum.scale_to(FAINTEST_MEMBER - 0.05)
            self.add(
                kind,
                row,
                spectrum,
                gama=dimmed,
                has_mpa_jhu=has_mpa_jhu,
                milliquas_type=milliquas[position % len(milliquas)],
            )


def plan(options: SurveyOptions) -> Plan:
    """Every galaxy of the survey, members first. The same options give the same plan."""
    planner = Planner(options)
    count = options.count
    planner.xelgs(count(options.xelg_share))
    planner.xelgs(count(options.xelg_other_share), has_mpa_jhu=False)
    planner.narrow_lines("type2", count(options.type2_share), 4, ("N", "N", "NX", "NR", "K", "N"))
    planner.narrow_lines("liner", count(options.liner_share), 5)
    planner.narrow_lines("composite", count(options.composite_share), 3)
    planner.decoys(count(options.decoy_share))
    planner.nuclei("dr16q", count(options.dr16q_share), 0.06, ("Q", "QX", "QR", "Q", "AX"))
    planner.nuclei("milliquas_quasar", count(options.milliquas_quasar_share), 0.3, ("Q", "QX", "QRX", "Q"))
    planner.nuclei("type1", count(options.type1_share), 0.45, ("A", "AX", "A", "AR", "ARX2"))
    planner.ordinary("milliquas_other", count(options.milliquas_other_share), True, ("q", "RX", "X", "B", "2", "S"))
    special = options.n - len(planner.galaxies)
    chance, mergers = count(options.chance_share), count(options.merger_share)
    for kind, number in (("chance", chance), ("merger", mergers)):
        planner.ordinary(kind, number // 2, True)
        planner.ordinary(kind, number - number // 2, False)
    with_lines = max(0, round(options.mpa_jhu_share * options.n) - sum(g.has_mpa_jhu for g in planner.galaxies))
    rest = special - chance - mergers
    planner.ordinary("galaxy", min(with_lines, rest), True)
    planner.ordinary("galaxy", max(0, rest - with_lines), False)
    _plant_artefacts(planner)
    first_bad = len(planner.galaxies)
    planner.ordinary("galaxy", options.n_bad_stamps, True)
    for position, galaxy in enumerate(planner.galaxies[first_bad:]):
        galaxy.bad_stamp = BAD_STAMP_KINDS[position % len(BAD_STAMP_KINDS)]
    _several_spectra(planner)
    plan_failures(planner)
    return Plan(planner.galaxies, planner.patches)


def _plant_artefacts(planner: Planner) -> None:
    options = planner.options
    free = [galaxy for galaxy in planner.galaxies if galaxy.kind == "galaxy"]
    order = planner.rng.permutation(len(free))
    bright = [place for place in order if -2.5 * np.log10(free[place].spectrum.total()[I_BAND]) < 16.8]
    for artefact, share in (
        ("saturated_core", options.saturated_share),
        ("r_zero_point", options.r_zero_point_share),
        ("satellite_trail", options.trail_share),
        ("nan_outskirts", options.nan_outskirts_share),
    ):
        sites = bright if artefact == "saturated_core" else list(order)
        for place in [site for site in sites if not free[site].artefact][: options.count(share)]:
            free[place].artefact = artefact


def _several_spectra(planner: Planner) -> None:
    rng = planner.rng
    for galaxy in planner.galaxies:
        if rng.random() < planner.options.multiple_specz_share:
            galaxy.specz_rows = 2 + int(rng.random() < 0.2)
        if galaxy.has_mpa_jhu and rng.random() < planner.options.duplicate_spectra_share:
            galaxy.n_spectra = 2
