"""PSF kernels of single objects: read from the archive's files, and their width (FORMATS.md section 2.3)."""

import hashlib
import io

import numpy as np

from swimmy_db.cubes.cutouts import BadCutout, Stamp
from swimmy_db.cubes.psf import FWHM_OF_SIGMA

SUM_TOLERANCE = 0.05
STEPS = 200
SETTLED = 1e-7  # relative change of the moments
LEAST_WEIGHT = 0.1  # pix^2; a narrower weight sees one pixel


def read_kernel(payload: bytes, *, object_id: int, band: str, tract: int, member: str = "", archive: str = "") -> Stamp:
    """A kernel as a stamp of a star: pixels of sum 1, x and y its centre; sides may be even and differ.

    Raises BadCutout where the file is none, or its pixels are no PSF.
    """
    from astropy.io import fits

    if not payload:
        raise BadCutout("empty file")
    try:
        with fits.open(io.BytesIO(payload), memmap=False) as hdus:
            pixels = np.asarray(hdus[0].data, np.float64)
    except Exception:  # what a damaged file makes astropy raise is not documented
        raise BadCutout("damaged FITS") from None
    if pixels.ndim != 2 or min(pixels.shape) < 5 or not np.isfinite(pixels).all():
        raise BadCutout("no PSF image in HDU 0")
    total = pixels.sum()
    if abs(total - 1) > SUM_TOLERANCE:
        raise BadCutout(f"a PSF of sum {total:.3g}, expected 1")
    x, y, _ = adaptive_moments(pixels)
    digest = hashlib.sha256(payload).hexdigest()
    kernel = (pixels / total).astype(np.float32)
    return Stamp(object_id, band, tract, kernel, x, y, float("nan"), 0, 0, member, archive, digest)


def kernel_fwhm(pixels: np.ndarray, pixel_scale: float) -> float:
    """FWHM (arcsec) of the Gaussian of a kernel's adaptive moments, as the archive's own seeing is defined.

    2.3548 (Mxx Myy - Mxy^2)^(1/4); pixel_scale in arcsec per pixel. Raises BadCutout where there is no such Gaussian.
    """
    _, _, moments = adaptive_moments(np.asarray(pixels, np.float64))
    return float(FWHM_OF_SIGMA * np.linalg.det(moments) ** 0.25 * pixel_scale)


def adaptive_moments(pixels: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Centre (x, y, in pixels from 0) and second moments (2, 2; pix^2) under the matching elliptical Gaussian weight.

    Bernstein and Jarvis 2002, section 3.1: the weight is moved and reshaped until it is the Gaussian that it measures.
    Raises BadCutout where it does not settle.
    """
    y, x = np.indices(pixels.shape, dtype=float)
    peak = np.unravel_index(np.argmax(pixels), pixels.shape)
    centre, weight = np.array([peak[1], peak[0]], float), np.eye(2) * 4.0
    for _ in range(STEPS):
        dx, dy = x - centre[0], y - centre[1]
        inverse = np.linalg.inv(weight)
        window = np.exp(-0.5 * (inverse[0, 0] * dx**2 + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy**2))
        light = window * pixels
        total = light.sum()
        if not total > 0:
            break
        shift = np.array([(light * dx).sum(), (light * dy).sum()]) / total
        dx, dy = dx - shift[0], dy - shift[1]
        seen = np.array([[(light * dx * dx).sum(), (light * dx * dy).sum()], [0.0, (light * dy * dy).sum()]]) / total
        seen[1, 0] = seen[0, 1]
        # a Gaussian under a Gaussian weight shows the inverse sum of both; the kernel's own part is what is left
        try:
            found = np.linalg.inv(np.linalg.inv(seen) - inverse)
        except np.linalg.LinAlgError:
            break
        if not (np.isfinite(found).all() and np.linalg.eigvalsh(found)[0] > LEAST_WEIGHT):
            break
        done = np.abs(found - weight).max() < SETTLED * np.trace(weight) and np.abs(shift).max() < SETTLED
        centre, weight = centre + 2 * shift, found
        if done:
            return float(centre[0]), float(centre[1]), weight
    raise BadCutout("no width can be measured on the PSF")
