"""Line recipes of the planted populations, equivalent widths of the summed spectrum, and BPT classes."""

import numpy as np

from swimmy_db.sources.simulated.spectra import GROUPS, LINE_NAMES, LINE_WAVELENGTHS, line_index

MISSING = -9999.0


def recipe(**relative: float) -> np.ndarray:
    """Line fluxes (17,), given lines only."""
    fluxes = np.zeros(len(LINE_NAMES))
    for name, value in relative.items():
        fluxes[line_index(name)] = value
    return fluxes


def _with_ratios(nii: float, oiii: float, oii: float, sii: float, oi: float) -> np.ndarray:
    """Narrow lines relative to H beta = 1, from [N II]6584/Ha, [O III]5007/Hb, [O II]/Hb, [S II]/Ha, [O I]/Ha."""
    halpha = 2.9
    return recipe(
        oii_3726=oii * 0.42,
        oii_3729=oii * 0.58,
        neiii_3869=0.08 * oiii,
        h_delta=0.26,
        h_gamma=0.47,
        oiii_4363=0.01 * oiii,
        h_beta=1.0,
        oiii_4959=oiii / 2.98,
        oiii_5007=oiii,
        hei_5876=0.11,
        oi_6300=oi * halpha,
        nii_6548=nii * halpha / 2.95,
        h_alpha=halpha,
        nii_6584=nii * halpha,
        sii_6717=0.56 * sii * halpha,
        sii_6731=0.44 * sii * halpha,
        ariii7135=0.02 * oiii,
    )


def star_forming(rng: np.random.Generator, hardness: float) -> np.ndarray:
    """H II regions along the star-forming sequence; hardness 0 is metal-rich, 1 a green pea."""
    log_nii = -0.45 - 1.05 * hardness + rng.normal(0.0, 0.06)
    log_oiii = 0.61 / (log_nii - 0.05) + 1.15 + rng.normal(0.0, 0.05)
    oii = 10.0 ** (0.35 - 0.25 * (hardness - 0.5) ** 2 - 0.15 * hardness + rng.normal(0.0, 0.08))
    return _with_ratios(10.0**log_nii, min(10.0**log_oiii, 8.0), oii, 0.30 - 0.18 * hardness, 0.03)


def seyfert(rng: np.random.Generator) -> np.ndarray:
    """Narrow-line region of a type-II AGN, above Kewley's curve."""
    return _with_ratios(
        10.0 ** rng.normal(0.0, 0.10), 10.0 ** rng.normal(0.85, 0.12), 10.0 ** rng.normal(0.4, 0.1), 0.5, 0.13
    )


def liner(rng: np.random.Generator) -> np.ndarray:
    """LINER: strong [N II], [O I], [S II], weak [O III]."""
    return _with_ratios(10.0 ** rng.normal(0.10, 0.08), 10.0 ** rng.normal(0.25, 0.1), 3.0, 0.8, 0.25)


def composite(rng: np.random.Generator) -> np.ndarray:
    """Between Kauffmann's and Kewley's curves."""
    return _with_ratios(10.0 ** rng.normal(-0.23, 0.03), 10.0 ** rng.normal(0.05, 0.05), 1.5, 0.35, 0.06)


def broad_line_ews(rng: np.random.Generator) -> np.ndarray:
    """Rest-frame EWs (17,) of a quasar's lines over its own power law: broad Balmer lines, narrow [O III]."""
    hbeta = 65.0 * np.exp(rng.normal(0.0, 0.3))
    oiii = 20.0 * np.exp(rng.normal(0.0, 0.6))
    return recipe(
        oii_3726=0.8,
        oii_3729=1.0,
        neiii_3869=0.1 * oiii,
        h_delta=0.25 * hbeta,
        h_gamma=0.45 * hbeta,
        h_beta=hbeta,
        oiii_4959=oiii / 2.98,
        oiii_5007=oiii,
        hei_5876=0.15 * hbeta,
        oi_6300=2.0,
        nii_6548=1.0,
        h_alpha=4.2 * hbeta,
        nii_6584=3.0,
        sii_6717=2.0,
        sii_6731=1.8,
    )


def bpt_class(fluxes: np.ndarray, errors: np.ndarray) -> int:
    """BPTCLASS as MPA-JHU has it, from line fluxes (17,) (Brinchmann et al. 2004; Kauffmann and Kewley curves)."""
    names = ("nii_6584", "h_alpha", "oiii_5007", "h_beta")
    nii, halpha, oiii, hbeta = (float(fluxes[line_index(name)]) for name in names)
    nii_sn, halpha_sn, oiii_sn, hbeta_sn = (
        float(fluxes[line_index(name)] / max(errors[line_index(name)], 1e-30)) for name in names
    )
    if min(nii_sn, halpha_sn, oiii_sn, hbeta_sn) > 3.0:
        x, y = np.log10(nii / halpha), np.log10(oiii / hbeta)
        if x >= 0.47 or y > 0.61 / (x - 0.47) + 1.19:
            return 4
        return 3 if x >= 0.05 or y > 0.61 / (x - 0.05) + 1.3 else 1
    if min(nii_sn, halpha_sn) > 3.0 and nii / halpha > 0.6:
        return 5
    return 2 if halpha_sn > 2.0 else -1


def group_ews(rest_ews: np.ndarray, redshift: float) -> dict[str, float]:
    """Observed-frame EW of each line group of the XELG cut, Angstrom, emission positive; rest_ews (17,)."""
    return {
        group: float(sum(rest_ews[line_index(name)] for name in names) * (1.0 + redshift))
        for group, names in GROUPS.items()
    }


def strongest_group(rest_ews: np.ndarray, redshift: float) -> float:
    return max(group_ews(rest_ews, redshift).values())


def measured_ews(ews: np.ndarray, sigma: float, redshift: float, rng: np.random.Generator) -> np.ndarray:
    """Rest-frame EWs (17,) as MPA-JHU would measure them with an error of sigma.

    A group sum that comes within 0.05 Angstrom of the XELG limit is moved off it, so that no class hangs on rounding.
    """
    values = ews + sigma * rng.standard_normal(len(ews))
    for group, names in GROUPS.items():
        total = group_ews(values, redshift)[group]
        if abs(total - 100.0) < 0.05:
            values[line_index(names[0])] += 0.1 / (1.0 + redshift) * (1.0 if total > 100.0 else -1.0)
    return values


def observed_wavelengths(redshift: float) -> np.ndarray:
    return LINE_WAVELENGTHS * (1.0 + redshift)
