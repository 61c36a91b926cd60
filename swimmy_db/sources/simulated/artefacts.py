"""What goes wrong in images, planted with truth: zero points, saturation, satellite trails, missing pixels."""

import numpy as np

from swimmy_db.sources.simulated.galaxy import I_BAND, Galaxy
from swimmy_db.sources.simulated.options import BANDS

R_BAND = BANDS.index("r")


def r_zero_point_factor(galaxy: Galaxy) -> float:
    """The wrong zero point of an `r_zero_point` artefact: r is too bright by this factor."""
    return float(np.random.Generator(np.random.PCG64(galaxy.object_id)).uniform(1.06, 1.35))


def spoil(galaxy: Galaxy, stamps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The stamps (5, ny, nx) with the galaxy's artefact, if it has one."""
    if galaxy.artefact == "r_zero_point":
        # The paper's appendix 2: r counts too high, the background with them.
        stamps[R_BAND] = stamps[R_BAND] * r_zero_point_factor(galaxy) + rng.uniform(0.05, 0.4)
    elif galaxy.artefact == "saturated_core":
        core = _distance(stamps, rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7)) < rng.uniform(3.0, 6.0)
        stamps[I_BAND][core] = np.minimum(stamps[I_BAND][core], np.quantile(stamps[I_BAND][core], 0.3))
    elif galaxy.artefact == "satellite_trail":
        band = int(rng.integers(3))
        angle, offset = rng.uniform(0.0, np.pi), rng.uniform(-15.0, 15.0)
        y, x = np.indices(stamps.shape[1:])
        across = (x - stamps.shape[2] / 2) * np.sin(angle) - (y - stamps.shape[1] / 2) * np.cos(angle) - offset
        stamps[band] += rng.uniform(0.5, 4.0) * np.exp(-0.5 * (across / rng.uniform(1.5, 3.0)) ** 2)
    elif galaxy.artefact == "nan_outskirts":
        band = int(rng.integers(len(BANDS)))
        row, column = (int(rng.integers(18, 26)) for _ in range(2))
        stamps[band, row : row + 3, column : column + 2] = np.nan
    return stamps


def _distance(stamps: np.ndarray, offset_x: float, offset_y: float) -> np.ndarray:
    y, x = np.indices(stamps.shape[1:])
    return np.hypot(x - (stamps.shape[2] - 1) / 2 - offset_x, y - (stamps.shape[1] - 1) / 2 - offset_y)
