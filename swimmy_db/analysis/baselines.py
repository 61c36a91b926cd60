"""What simpler methods find in the same cubes: principal components and nuclear colours, beside the network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.spatial import KDTree

MAD_TO_SIGMA = 1.482602218505602  # of a normal distribution


@dataclass(frozen=True)
class PrincipalComponents:
    """Mean cube and leading components of a sample: the linear counterpart of an autoencoder.

    mean: (features,) float32. components: (k, features) float32, orthonormal rows, by falling variance; the features
    are a cube's pixels in the order band, y, x. shape: (band, y, x).
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    shape: tuple[int, ...]

    def reconstruct(self, cubes: NDArray[np.float32]) -> NDArray[np.float32]:
        """cubes (n, band, y, x) projected on the components; the same shape. Not bounded to [0, 1]."""
        pixels = cubes.reshape(len(cubes), -1) - self.mean
        return (self.mean + (pixels @ self.components.T) @ self.components).reshape(cubes.shape)


def principal_components(cubes: NDArray[np.float32], n_components: int = 8) -> PrincipalComponents:
    """Principal components of a sample of cubes, stretched flux in [0, 1], (n, band, y, x).

    By the eigenvectors of the n x n matrix of products, which is much smaller than the covariance of 20 480 pixels.
    Raises ValueError unless the sample has more cubes than there are components.
    """
    n = len(cubes)
    if not 0 < n_components < n:
        raise ValueError(f"{n_components} components need more than {n_components} cubes, found {n}")
    # In float64: the products square the ratio of the largest to the smallest component.
    pixels = cubes.reshape(n, -1).astype(np.float64)
    mean = pixels.mean(axis=0)
    pixels -= mean
    products = pixels @ pixels.T
    variances, vectors = linalg.eigh(products, subset_by_index=(n - n_components, n - 1))
    leading = np.argsort(variances)[::-1]
    components = (vectors[:, leading] / np.sqrt(variances[leading])).T @ pixels
    return PrincipalComponents(mean.astype(np.float32), components.astype(np.float32), cubes.shape[1:])


def linear_flux(
    cubes: NDArray[np.floating], alpha: float, beta: float, divisors: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Stretched cubes (n, band, y, x) back to linear flux, 1.0 = the stretch's zero point: equations 1 and 2 inverted.

    The stretch keeps the bands' ratios, and the mean of the stretched bands is arcsinh(alpha I) / arcsinh(alpha), so I
    follows. Pixels that were clipped come out as the limit that they were clipped to. Same shape.
    """
    stretched = np.asarray(cubes, np.float64) - beta
    mean = stretched.mean(axis=1, keepdims=True)
    growth = mean * np.arcsinh(alpha)
    # sinh(u)/u -> 1: the limit where the mean of the bands vanishes.
    small = np.abs(growth) < 1e-6
    ratio = np.where(small, 1.0, np.sinh(growth) / np.where(small, 1.0, growth))
    return stretched * ratio * np.arcsinh(alpha) / alpha * np.reshape(divisors, (1, -1, 1, 1))


def aperture_magnitudes(flux: NDArray[np.floating], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Magnitudes (n, band), relative to the zero point, of linear flux (n, band, y, x) summed over `inside` (y, x).

    NaN where the sum is not positive.
    """
    total = flux[:, :, inside].sum(axis=2)
    return np.where(total > 0, -2.5 * np.log10(np.where(total > 0, total, 1.0)), np.nan)


def locus_distance(
    colours: NDArray[np.floating], fitted: NDArray[np.bool_], neighbours: int = 10
) -> NDArray[np.float64]:
    """Distance (n,) of each object from the locus of the fitted sample in colour space, in units of its scatter.

    colours: (n, k), e.g. nuclear g-r and r-i, mag; each is divided by the fitted sample's robust scatter. The distance
    is that to the fitted object that comes `neighbours`-th, an object never being its own neighbour. Infinite where a
    colour is NaN: a nucleus without flux is no member of the locus.
    """
    known = np.isfinite(colours).all(axis=1)
    reference = colours[fitted & known]
    centre = np.median(reference, axis=0)
    scatter = MAD_TO_SIGMA * np.median(np.abs(reference - centre), axis=0)
    tree = KDTree(reference / scatter)
    distances, _ = tree.query(colours[known] / scatter, k=neighbours + 1)
    found = np.full(len(colours), np.inf)
    # A fitted object meets itself at distance 0, so its n-th neighbour is one place further on.
    found[known] = np.where(fitted[known], distances[:, neighbours], distances[:, neighbours - 1])
    return found


def band_excess(
    magnitudes: NDArray[np.floating], fitted: NDArray[np.bool_], band: int, neighbours: int = 50
) -> NDArray[np.float64]:
    """How much brighter (n,) an object is in one of three bands than fitted objects of its other colour, in sigma.

    magnitudes: (n, 3). The expected magnitude relative to the mean of the other two bands is the median of the fitted
    objects nearest in the colour of those two; sigma is the robust scatter of the fitted sample about it. The square
    has the role of the anomaly score, the sign that of the residual. NaN where a magnitude is.
    """
    first, second = (other for other in range(3) if other != band)
    colour = magnitudes[:, first] - magnitudes[:, second]
    brightness = (magnitudes[:, first] + magnitudes[:, second]) / 2.0 - magnitudes[:, band]
    known = np.isfinite(colour) & np.isfinite(brightness)
    reference = fitted & known
    tree = KDTree(colour[reference, None])
    _, nearest = tree.query(colour[known, None], k=min(neighbours, int(reference.sum())))
    excess = np.full(len(magnitudes), np.nan)
    excess[known] = brightness[known] - np.median(brightness[reference][nearest], axis=1)
    return excess / (MAD_TO_SIGMA * np.median(np.abs(excess[reference])))
