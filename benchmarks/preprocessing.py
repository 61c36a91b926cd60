"""PSF match to 1.0 arcsec and arcsinh stretch of five bands: 96 x 96 counts to 64 x 64 cubes."""

from pathlib import Path

import numpy as np
from contest import Contender, Contest, script

SIZES = {"full": 2000, "small": 32}
MARGIN, SIDE = 16, 96
TOLERANCE = 2e-3  # astropy's and scipy's kernels end at four sigma, ours does not


def write_counts(folder: Path, n_objects: int) -> Path:
    """Round galaxies with sky noise, flux 1 = 19 mag; seeing as HSC has it, another in each band."""
    random = np.random.default_rng(20261123)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    width = random.uniform(3, 9, (n_objects, 1, 1, 1))
    peak = 10 ** random.uniform(-3, -1, (n_objects, 5, 1, 1))
    flux = peak * np.exp(-np.hypot(x, y) / width) + random.normal(0, 2e-5, (n_objects, 5, SIDE, SIDE))
    seeing = random.uniform(0.5, 0.9, (n_objects, 5))
    path = folder / "counts.npz"
    np.savez(path, flux=flux.astype(np.float32), seeing=seeing, margin=MARGIN)
    return path


def same_cubes(ours: Path, other: Path) -> str:
    mine, theirs = np.load(ours), np.load(other)
    worst = float(np.abs(mine - theirs).max())
    assert mine.shape == theirs.shape, f"{mine.shape} and {theirs.shape}"
    assert worst < TOLERANCE, f"cubes differ by up to {worst}"
    return f"{len(mine)} cubes within {worst:.0e} of the full scale"


def contest(folder: Path, size: str, pythons: dict[str, Path]) -> Contest:
    counts = write_counts(folder, SIZES[size])
    contenders = [
        Contender(name, script(f"{which}_preprocessing", pythons["ours"], counts, answer), answer)
        for name, which in (
            ("swimmy_db", "ours"),
            ("astropy.convolution + numpy", "astropy"),
            ("scipy + numpy", "scipy"),
        )
        for answer in [folder / f"{which}.npy"]
    ]
    aims = {"astropy.convolution + numpy": 80, "scipy + numpy": 8}
    return Contest("PSF match + stretch", SIZES[size], "cubes", "swimmy_db", contenders, aims, same_cubes)
