import numpy as np
import pytest
from matplotlib.image import imread

from swimmy_db.report.gallery import Galaxies, anomaly_gallery, colour_bands, residual_rgb, stamp_rgb


def galaxies(title: str, n: int, seed: int, offset: float = 0.0) -> Galaxies:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64] - 31.5
    disc = np.exp(-np.hypot(x, y) / 6.0)
    cubes = np.clip(0.05 + 0.5 * disc * rng.random((n, 5, 1, 1)), 0, 1).astype(np.float32)
    return Galaxies(
        title, cubes, cubes - offset * (np.hypot(x, y) < 3), range(n), [f"g {i / 10:.1f}" for i in range(n)]
    )


def test_the_gallery_is_drawn(tmp_path):
    path = anomaly_gallery(tmp_path / "report" / "a.png", galaxies("odd", 25, 1, 0.1), galaxies("plain", 25, 2))
    picture = imread(path)
    height, width, _ = picture.shape
    assert 2000 < width < 3000
    assert 1000 < height < width
    # of the eight full rows hardly a tile is of one colour: only residuals that vanish may be
    full = picture[120 : 120 + 8 * (height - 120) // 9, :, :3]
    tiles = full[: len(full) // 60 * 60, : width // 60 * 60].reshape(len(full) // 60, 60, width // 60, 60, 3)
    assert (tiles.std(axis=(1, 3)).max(-1) > 0.01).mean() > 0.9


def test_different_galaxies_give_different_pictures(tmp_path):
    plain = galaxies("plain", 4, 2)
    pictures = [
        imread(anomaly_gallery(tmp_path / f"{seed}.png", galaxies("odd", 4, seed, 0.1), plain)) for seed in (1, 1, 3)
    ]
    assert np.array_equal(pictures[0], pictures[1])
    changed = np.abs(pictures[0] - pictures[2]).max(-1) > 0.02
    half = changed.shape[1] // 2
    assert changed[:, :half].mean() > 0.02
    assert not changed[120:, half + 20 :].any()


def test_an_excess_in_one_band_colours_the_residual(tmp_path):
    residual = np.zeros((5, 8, 8))
    residual[0, 4, 4] = 0.1  # g
    residual[1, 2, 2] = -0.3
    image = residual_rgb(residual, (2, 1, 0), full_scale=0.2)
    assert image[0, 0].tolist() == [0.5, 0.5, 0.5]
    assert image[4, 4].tolist() == pytest.approx([0.5, 0.5, 0.75])
    assert image[2, 2].tolist() == pytest.approx([0.5, 0.0, 0.5])


def test_the_aperture_is_drawn_on_the_residual(tmp_path):
    some = galaxies("odd", 1, 1)
    without = imread(anomaly_gallery(tmp_path / "a.png", some, some))
    with_disc = imread(anomaly_gallery(tmp_path / "b.png", some, some, aperture_radius=3.0))
    changed = np.flatnonzero((without != with_disc).any(axis=(0, 2)))
    assert len(changed)
    # the residual is the third image of the first cell of each half
    width = without.shape[1]
    assert ((changed % (width / 2)) / (width / 2) > 0.2).all()
    assert ((changed % (width / 2)) / (width / 2) < 0.34).all()


def test_a_stamp_in_colour_has_red_from_the_reddest_band():
    cube = np.zeros((5, 64, 64), np.float32)
    cube[2] = 1.0
    assert stamp_rgb(cube)[0, 0].tolist() == [1.0, 0.0, 0.0]
    assert stamp_rgb(cube, (4, 3, 2))[0, 0].tolist() == [0.0, 0.0, 1.0]


def test_colours_follow_the_selection_bands():
    assert colour_bands("grizy", "gri") == (2, 1, 0)
    assert colour_bands("ugrizy", ("i", "g", "r")) == (3, 2, 1)
    assert colour_bands(("g", "z"), ("g",)) == (1, 1, 0)
    assert colour_bands(("r",)) == (0, 0, 0)


def test_arrays_that_do_not_fit_are_refused(tmp_path):
    good = galaxies("plain", 3, 1)
    with pytest.raises(ValueError, match="odd: cubes, reconstructions, ids and labels do not fit"):
        anomaly_gallery(tmp_path / "a.png", good._replace(title="odd", labels=["one"]), good)
    assert not list(tmp_path.iterdir())
