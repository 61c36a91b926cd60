import hashlib

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_stamps import MissingStamp, StampPixels, iterate_stamps
from swimmy_db.sources.own_survey import read_survey

IDS = [10_000_000_000_000_019, 7, 9_223_372_036_854_775_801]
FITS_PATH = 'format = "fits"\npath = "stamps/{object_id}_{band}.fits"'


def pixels() -> np.ndarray:
    """(object, band, y, x): 1000 object + 100 band + 10 row + column."""
    i, b, y, x = np.ogrid[:3, :2, :8, :10]
    return (1000.0 * i + 100.0 * b + 10.0 * y + x).astype(np.float32)


def layout(folder, name: str, cubes: np.ndarray) -> tuple[str, str]:
    """Write the stamps in the layout; returns the change of survey.toml."""
    (folder / "stamps").mkdir()
    one = zip(IDS, cubes, strict=True)
    if name == "fits":
        for object_id, cube in one:
            for band, plane in zip("gz", cube, strict=True):
                fits.PrimaryHDU(plane).writeto(folder / f"stamps/{object_id}_{band}.fits")
        return FITS_PATH, FITS_PATH
    if name == "fits with an extension a band":
        for object_id, cube in one:
            hdus = [fits.ImageHDU(plane, name=f"TINY-{band}") for band, plane in zip("GZ", cube, strict=True)]
            fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(folder / f"stamps/{object_id}.fits")
        return FITS_PATH, 'format = "fits"\npath = "stamps/{object_id}.fits"\nhdu = "{archive_name}"'
    if name == "fits cube, bands reversed, compressed":
        for object_id, cube in one:
            hdu = fits.CompImageHDU(cube[::-1].astype(np.int32), compression_type="RICE_1")
            hdu.writeto(folder / f"stamps/{object_id}.fits")
        return FITS_PATH, 'format = "fits_cube"\npath = "stamps/{source_id}.fits"\nband_order = ["z", "g"]'
    if name in ("npz per object", "npy per object"):
        for object_id, cube in one:
            np.savez(folder / f"stamps/{object_id}.npz", images=cube)
            np.save(folder / f"stamps/{object_id}.npy", cube.astype(">f8"))
        suffix = name[:3]
        return FITS_PATH, f'format = "{suffix}"\npath = "stamps/{{object_id}}.{suffix}"\narray = "images"'
    return layout_for_all(folder, name, cubes)


def layout_for_all(folder, name: str, cubes: np.ndarray) -> tuple[str, str]:
    """All objects in one array, in another order than the catalogue's."""
    order = [2, 0, 1]
    if name == "npz for all":
        np.savez_compressed(folder / "stamps/all.npz", pixels=cubes[order], object_id=np.array(IDS)[order])
        return FITS_PATH, 'format = "npz"\npath = "stamps/all.npz"'
    np.save(folder / "stamps/all.npy", cubes[order])
    np.save(folder / "stamps/ids.npy", np.array(IDS)[order])
    return FITS_PATH, 'format = "npy"\npath = "stamps/all.npy"\nids = "stamps/ids.npy"'


LAYOUTS = [
    "fits",
    "fits with an extension a band",
    "fits cube, bands reversed, compressed",
    "npz per object",
    "npy per object",
    "npz for all",
    "npy for all",
]


def read(toml, wanted=None) -> dict[tuple, StampPixels | MissingStamp]:
    stamps = list(iterate_stamps(read_survey(toml), wanted))
    found = {(stamp.object_id, stamp.band): stamp for stamp in stamps}
    assert len(found) == len(stamps)
    return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_pixels(make_survey, tmp_path, name):
    stamps = read(make_survey(layout(tmp_path, name, pixels())))
    assert set(stamps) == {(object_id, band) for object_id in IDS for band in "gz"}
    for i, object_id in enumerate(IDS):
        for b, band in enumerate("gz"):
            stamp = stamps[object_id, band]
            assert stamp.pixels.dtype == np.float32
            assert stamp.pixels.tolist() == pixels()[i, b].tolist()
            assert (stamp.x, stamp.y) == (4.5, 3.5)
            assert stamp.zero_point == (25.0, 24.0)[b]
            assert (tmp_path / stamp.archive).is_file()
            assert len(stamp.sha256) == 64


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_the_wanted_are_read(make_survey, tmp_path, name):
    stamps = read(make_survey(layout(tmp_path, name, pixels())), {7})
    assert {object_id for object_id, _ in stamps} == {7}


# the compressed cube holds integers, which have no NaN
@pytest.mark.parametrize("name", [name for name in LAYOUTS if "compressed" not in name])
def test_bad_pixels_are_nan_and_an_empty_stamp_is_missing(make_survey, tmp_path, name):
    cubes = pixels()
    cubes[0, 0, 2, 3] = np.inf
    cubes[1, 1] = np.nan
    stamps = read(make_survey(layout(tmp_path, name, cubes)))
    assert np.argwhere(np.isnan(stamps[IDS[0], "g"].pixels)).tolist() == [[2, 3]]
    assert isinstance(stamps[7, "z"], MissingStamp)
    assert stamps[7, "z"].reason == "no pixel has a value"
    assert sum(isinstance(stamp, StampPixels) for stamp in stamps.values()) == 5


def test_sha256_is_that_of_the_file(make_survey, tmp_path):
    stamps = read(make_survey(layout(tmp_path, "fits", pixels())))
    content = (tmp_path / "stamps/7_z.fits").read_bytes()
    assert stamps[7, "z"].sha256 == hashlib.sha256(content).hexdigest()


def _half(path):
    path.write_bytes(path.read_bytes()[:3000])


def _html(path):
    path.write_bytes(b"<html>504 Gateway Time-out</html>")


def _empty(path):
    path.write_bytes(b"")


def _line(path):
    path.unlink()
    fits.PrimaryHDU(np.arange(8.0)).writeto(path)


def _colour(path):
    path.unlink()
    fits.PrimaryHDU(np.zeros((3, 8, 10))).writeto(path)


@pytest.mark.filterwarnings("ignore:File may have been truncated", "ignore:Error validating header")
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "no such file"),
        (_half, "not FITS as declared"),
        (_html, "not FITS as declared"),
        (_empty, "not FITS as declared"),
        (_line, "no HDU with pixels"),
        (_colour, "wrong shape: expected (y, x), found (3, 8, 10)"),
    ],
)
def test_one_bad_file_costs_one_stamp(make_survey, tmp_path, spoil, reason):
    toml = make_survey(layout(tmp_path, "fits", pixels()))
    spoil(tmp_path / "stamps/7_z.fits")
    stamps = read(toml)
    missing = {key: stamp for key, stamp in stamps.items() if isinstance(stamp, MissingStamp)}
    assert set(missing) == {(7, "z")}
    assert reason in missing[7, "z"].reason
    assert missing[7, "z"].archive == "stamps/7_z.fits"


@pytest.mark.parametrize(("name", "file"), [("npz per object", "stamps/7.npz"), ("npy per object", "stamps/7.npy")])
@pytest.mark.parametrize("spoil", [_half, _html, _empty])
def test_a_bad_array_file_costs_one_object(make_survey, tmp_path, name, file, spoil):
    toml = make_survey(layout(tmp_path, name, pixels()))
    _html(tmp_path / file) if spoil is _half else spoil(tmp_path / file)
    stamps = read(toml)
    assert {key for key, stamp in stamps.items() if isinstance(stamp, MissingStamp)} == {(7, "g"), (7, "z")}
    assert stamps[7, "g"].reason.startswith("not np")


def test_a_cube_with_too_few_bands(make_survey, tmp_path):
    toml = make_survey(layout(tmp_path, "npy per object", pixels()[:, :1]))
    stamps = read(toml)
    assert all("expected (band, y, x) with 2 bands, found (1, 8, 10)" in stamp.reason for stamp in stamps.values())


def test_an_id_without_pixels_is_missing(make_survey, tmp_path):
    toml = make_survey(layout(tmp_path, "npz for all", pixels()))
    np.savez(tmp_path / "stamps/all.npz", pixels=pixels()[:2], object_id=np.array(IDS)[:2])
    stamps = read(toml)
    assert stamps[IDS[2], "g"].reason == "no such id in object_id"
    assert isinstance(stamps[IDS[1], "g"], StampPixels)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"object_id": IDS}, "pixels"),
        ({"pixels": pixels(), "object_id": IDS[:2]}, "expected 3 ids"),
        ({"pixels": pixels(), "object_id": [1.0, 2.0, 3.0]}, "integers or text, found float64"),
        ({"pixels": pixels(), "object_id": [7, 8, 7]}, "found 7 in rows 0 and 2"),
        ({"pixels": pixels()[:, 0], "object_id": IDS}, r"with 2 bands, found \(3, 8, 10\)"),
    ],
)
def test_a_wrong_array_for_all_is_refused(make_survey, tmp_path, arrays, said):
    toml = make_survey(layout(tmp_path, "npz for all", pixels()))
    np.savez(tmp_path / "stamps/all.npz", **arrays)
    with pytest.raises(InputRefused, match=rf"all.npz: .*{said}"):
        read(toml)


def test_text_ids_name_their_files(make_survey, tmp_path):
    table = Table({"ID": ["J1+2", "../up", "c"], "RA": [1.0, 2, 3], "DEC": [1.0, 2, 3], "Z_SPEC": [0.1] * 3})
    table["STAR"], table["MAG_G"], table["MAG_Z"] = [False] * 3, [20.0] * 3, [20.0] * 3
    for name, cube in zip(["J1+2", "c"], pixels(), strict=False):
        np.save(tmp_path / f"{name}.npy", cube)
    stamps = read(make_survey((FITS_PATH, 'format = "npy"\npath = "{source_id}.npy"'), table=table))
    assert stamps[1, "z"].pixels.tolist() == pixels()[0, 1].tolist()
    assert stamps[3, "g"].pixels.tolist() == pixels()[1, 0].tolist()
    assert stamps[2, "g"].reason == "its name leads out of the survey's folder"


def test_wcs_zero_point_and_mask_of_the_header(make_survey, tmp_path):
    """A rotated WCS, RA over 0; the position that astropy put in comes out."""
    (tmp_path / "stamps").mkdir()
    for object_id, ra, dec in zip(IDS, [150.0, 0.0, 359.999], [2.2, -60.0, 45.5], strict=True):
        for band in "gz":
            wcs = WCS(naxis=2)
            wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [ra, dec]
            # FITS counts from 1: the object is at x = 4.2, y = 3.9 counted from 0
            wcs.wcs.crpix, wcs.wcs.cdelt = [5.2, 4.9], [-0.3 / 3600, 0.3 / 3600]
            image = fits.ImageHDU(pixels()[0, 0], wcs.to_header(), name="IMAGE")
            mask = fits.ImageHDU((pixels()[0, 0] == 23).astype(np.int32) * 4, name="MASK")
            primary = fits.PrimaryHDU()
            primary.header["MAGZP"] = 26.5
            fits.HDUList([primary, image, mask]).writeto(tmp_path / f"stamps/{object_id}_{band}.fits")
    table = Table({"ID": IDS, "RA": [150.0, 0.0, 359.999], "DEC": [2.2, -60.0, 45.5], "Z_SPEC": [0.1] * 3})
    table["STAR"], table["MAG_G"], table["MAG_Z"] = [False] * 3, [20.0] * 3, [20.0] * 3
    declared = FITS_PATH + '\nmask_hdu = "MASK"\nposition = "wcs"\nzero_point_key = "MAGZP"'
    stamps = read(make_survey((FITS_PATH, declared), table=table))
    for stamp in stamps.values():
        assert (stamp.x, stamp.y) == pytest.approx((4.2, 3.9), abs=1e-6)
        assert stamp.zero_point == 26.5
        assert np.argwhere(np.isnan(stamp.pixels)).tolist() == [[2, 3]]


def test_positions_in_the_npz(make_survey, tmp_path):
    toml = make_survey(layout(tmp_path, "npz for all", pixels()), ("[stamps]", '[stamps]\nposition_array = "at"'))
    at = np.array([[4.1, 3.2], [4.3, 3.4], [4.5, 3.6]])
    np.savez(tmp_path / "stamps/all.npz", pixels=pixels(), object_id=IDS, at=at)
    stamps = read(toml)
    assert [(stamps[i, "z"].x, stamps[i, "z"].y) for i in IDS] == [tuple(row) for row in at.tolist()]
