"""Cutout files: the real ones of hyrax, and files made by astropy from FORMATS.md 2.2, whole and broken."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from swimmy_db.cubes.cutout_fits import NotPlain, read_plain, read_with_astropy
from swimmy_db.cubes.cutouts import BadCutout, read_cutout, sky_to_pixel

DATA = Path(__file__).parents[3] / "shared" / "data"
RA, DEC = 30.59133800094649, -6.2823738524005
SIZE = 97
PLANES = {"BAD": 0, "SAT": 1, "INTRP": 2, "CR": 3, "EDGE": 4, "NO_DATA": 8, "BRIGHT_OBJECT": 9, "SENSOR_EDGE": 15}


def header(ra=RA, dec=DEC, middle=(48.3, 48.1)):
    """The service's WCS: reference at the tract's centre, far outside; (ra, dec) at `middle`, pixels from 0."""
    cards = fits.Header()
    cards["CRPIX1"], cards["CRPIX2"] = 0.0, 0.0
    cards["CRVAL1"], cards["CRVAL2"] = 29.8755186721992, -6.69421487603305
    cards["CTYPE1"], cards["CTYPE2"] = "RA---TAN", "DEC--TAN"
    cards["CD1_1"], cards["CD2_2"] = -4.666666666663e-05, 4.66666666666382e-05
    x, y = WCS(cards).all_world2pix(ra, dec, 0)
    cards["CRPIX1"], cards["CRPIX2"] = float(middle[0] - x), float(middle[1] - y)
    cards["LTV1"], cards["EXTTYPE"], cards["INHERIT"] = -2739.0, "IMAGE", True
    cards["CTYPE1A"], cards["CRPIX1A"], cards["CRVAL1A"] = "LINEAR", 1.0, 2739.0
    return cards


def pixels(ny=SIZE, nx=SIZE):
    return np.random.default_rng(5).normal(0, 0.03, (ny, nx)).astype("f4")


def mask_hdu(mask, planes=PLANES):
    hdu = fits.ImageHDU(mask)
    for name, bit in planes.items():
        hdu.header[f"HIERARCH MP_{name}"] = bit
    return hdu


def hdus(image=None, mask=None, cards=None, primary=None):
    first = fits.PrimaryHDU()
    first.header["HIERARCH variance_scale"] = 1.16067850592502
    first.header["BGVAR"] = 0.000134410888000884
    for key, value in ({"FILTER": "i", "FLUXMAG0": 63095734448.0194} if primary is None else primary).items():
        first.header[key] = value
    image_hdu = fits.ImageHDU(pixels() if image is None else image, header() if cards is None else cards)
    return fits.HDUList([first, image_hdu, mask or fits.ImageHDU(), fits.ImageHDU()])


def payload(made=None, **options):
    content = io.BytesIO()
    (made or hdus()).writeto(content, **options)
    return content.getvalue()


def read(content, **options):
    where = {"object_id": 36411461425187990, "band": "i", "tract": 8279, "archive_band": "HSC-I"}
    return read_cutout(content, RA, DEC, **(where | {"stamp_size": 64, "margin": 16} | options))


def reason(content, **options):
    with pytest.raises(BadCutout) as refusal:
        read(content, **options)
    return refusal.value.reason


def test_pixels_position_and_zero_point():
    content = payload()
    stamp = read(content, member="2-cutout.fits", archive="a.tar")
    np.testing.assert_array_equal(stamp.pixels, pixels())
    assert stamp.pixels.dtype == np.dtype("=f4")
    assert (stamp.x, stamp.y) == (pytest.approx(48.3, abs=1e-6), pytest.approx(48.1, abs=1e-6))
    assert stamp.zero_point == pytest.approx(27.0, abs=1e-12)
    assert (stamp.object_id, stamp.band, stamp.tract) == (36411461425187990, "i", 8279)
    assert (stamp.n_bad, stamp.mask_bits, stamp.member, stamp.archive) == (0, 0, "2-cutout.fits", "a.tar")
    assert stamp.sha256 == hashlib.sha256(content).hexdigest()


def test_no_data_and_nan_become_nan_and_mask_bits_are_kept():
    image, mask = pixels(), np.zeros((SIZE, SIZE), "i4")
    image[3, 4] = np.inf
    image[5, 6] = np.nan
    mask[5, 6] = 1 << 8
    mask[7, 8] = 1 << 8 | 1 << 4
    mask[9, 9] = 1 << 15
    stamp = read(payload(hdus(image, mask_hdu(mask))))
    assert stamp.n_bad == 3
    assert np.argwhere(np.isnan(stamp.pixels)).tolist() == [[3, 4], [5, 6], [7, 8]]
    assert stamp.pixels[9, 9] == image[9, 9]
    assert stamp.mask_bits == 1 << 8 | 1 << 4 | 1 << 15


def test_the_files_own_plane_numbers_count():
    mask = np.zeros((SIZE, SIZE), "i4")
    mask[0, 0] = 1 << 2
    mask[1, 1] = 1 << 8
    stamp = read(payload(hdus(mask=mask_hdu(mask, {"NO_DATA": 2, "SAT": 8}))))
    assert np.argwhere(np.isnan(stamp.pixels)).tolist() == [[0, 0]]
    assert stamp.mask_bits == 1 << 8 | 1 << 1, "NO_DATA and SAT in the numbers of PDR3"


def test_broken_files_have_short_reasons():
    content = payload()
    html = b"<!DOCTYPE HTML>\n<html><body>Rectangle not found in observed area</body></html>"
    assert reason(b"") == "empty file"
    assert reason(html) == "not FITS: HTML"
    assert reason(b"\n  <html>" + content) == "not FITS: HTML"
    assert reason(b"\x1f\x8b\x08\x00junk") == "not FITS"
    for length in (100, 2880, 2881, 5760, len(content) - 2880, len(content) - 1, len(content) // 2):
        assert reason(content[:length]) == "truncated FITS", length
    assert reason(payload(fits.HDUList(hdus()[:3]))) == "truncated FITS"


def test_wrong_contents_have_short_reasons():
    assert reason(payload(hdus(np.full((SIZE, SIZE), np.nan, "f4")))) == "all pixels NaN"
    no_data = mask_hdu(np.full((SIZE, SIZE), 1 << 8, "i4"))
    assert reason(payload(hdus(mask=no_data))) == "all pixels NaN"
    assert reason(payload(hdus(pixels(40, 40)))) == "too small: 40x40, need 96x96"
    assert reason(payload(hdus(pixels(93, 97)))) == "too small: 97x93, need 96x96"
    assert reason(payload(hdus(cards=header(middle=(20.0, 48.0))))) == "object too near the edge"
    assert reason(payload(hdus(cards=header(middle=(-500.0, 48.0))))) == "object too near the edge"
    assert reason(payload(hdus(primary={"FILTER": "i"}))) == "FLUXMAG0 missing"
    assert reason(payload(hdus(primary={"FLUXMAG0": 0.0}))) == "FLUXMAG0 not a flux"
    assert reason(payload(hdus(primary={"FLUXMAG0": "much"}))) == "FLUXMAG0 not a flux"
    assert reason(payload(hdus(primary={"FILTER": "r", "FLUXMAG0": 1e10}))) == "wrong filter: r, expected HSC-I"
    assert (
        reason(payload(hdus(mask=mask_hdu(np.zeros((96, 97), "i4"))))) == "wrong shape: the mask's is not the image's"
    )
    assert reason(payload(hdus(cards=fits.Header()))) == "no WCS"
    no_image = hdus()
    no_image[1] = fits.ImageHDU(header=header())
    assert reason(payload(no_image)) == "no image in HDU 1"


def test_old_and_new_glass_are_one_filter_and_none_is_not_wrong():
    for name in ("i", "HSC-I", "i2", "HSC-I2", "I"):
        assert read(payload(hdus(primary={"FILTER": name, "FLUXMAG0": 1e10}))).zero_point == 25.0
    assert read(payload(hdus(primary={"FLUXMAG0": 1e10}))).n_bad == 0


@pytest.mark.parametrize("size", [(96, 96), (97, 96), (96, 97), (97, 97)])
def test_the_services_wobble_of_a_pixel_is_accepted(size):
    for middle in (46.6, 47.0, 47.5, 48.0, 48.4):
        stamp = read(payload(hdus(pixels(*size), cards=header(middle=(middle, middle)))))
        assert stamp.pixels.shape == size


def test_checksums_are_verified():
    content = payload(checksum=True)
    assert read(content).n_bad == 0
    position = content.index(pixels().astype(">f4").tobytes()) + 1000
    flipped = bytearray(content)
    flipped[position] ^= 1
    assert reason(bytes(flipped)) == "checksum failure"
    assert read(payload(checksum="datasum")).n_bad == 0
    flipped = bytearray(payload(checksum="datasum"))
    flipped[-1] ^= 1
    assert read(bytes(flipped)).n_bad == 0, "no data in the last HDU: its padding is nobody's"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40_000), st.integers(1, 255))
def test_one_flipped_byte_in_a_file_with_checksums_never_passes_unseen(position, flip):
    content = bytearray(_WITH_SUMS)
    content[position % len(content)] ^= flip
    try:
        stamp = read(bytes(content))
    except BadCutout:
        return
    np.testing.assert_array_equal(stamp.pixels, pixels())
    assert stamp.zero_point == pytest.approx(27.0)


_WITH_SUMS = payload(checksum=True)


def test_a_text_without_its_closing_quote_is_no_value():
    content = payload(hdus(primary={"FILTER": "i", "FLUXMAG0": 1e10}))
    card = b"FILTER  = 'i       '"
    assert card in content
    assert read(content.replace(card, b"FILTER  = 'i        ")).band == "i"


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.data is None) == (other.data is None)
        if one.data is not None:
            np.testing.assert_array_equal(one.data, other.data)
        for key in other.cards.keys() - {"", "COMMENT", "HISTORY"}:
            assert one.cards[key] == other.cards[key], key


def test_the_quick_reader_reads_what_astropy_reads():
    mask = np.arange(SIZE * SIZE, dtype="i4").reshape(SIZE, SIZE)
    for made in (hdus(), hdus(mask=mask_hdu(mask))):
        made[0].header["QUOTED"] = ("it's", "with a ' and a / in it")
        made[0].header["SLASH"] = "a/b"
        made[0].header["COMMENT"] = "EXTEND  =                    F"
        for content in (payload(made), payload(made, checksum=True)):
            same(read_plain(content), read_with_astropy(content))


@pytest.mark.parametrize("kind", ["scaled", "compressed", "table", "double"])
def test_unusual_files_are_left_to_astropy(kind):
    made = hdus()
    if kind == "scaled":
        made[1] = fits.ImageHDU(np.round(pixels() * 1000).astype("i2"), header())
        made[1].header["BSCALE"] = 0.001
        made[1].header["BZERO"] = 0.0
    elif kind == "compressed":
        made[1] = fits.CompImageHDU(pixels(), header(), compression_type="GZIP_2", quantize_level=0)
    elif kind == "table":
        made.append(fits.BinTableHDU(Table({"a": [1, 2]})))
    else:
        made[1] = fits.ImageHDU(pixels().astype("f8"), header())
    content = payload(made)
    with pytest.raises(NotPlain):
        read_plain(content)
    stamp = read(content)
    np.testing.assert_allclose(stamp.pixels, pixels(), atol=0.002 if kind == "scaled" else 0)
    assert (stamp.x, stamp.y) == (pytest.approx(48.3, abs=1e-6), pytest.approx(48.1, abs=1e-6))


@given(st.floats(0, 359.9999), st.floats(-89.5, 89.5), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9), st.floats(-3.2, 3.2))
def test_positions_are_astropys(ra0, dec0, xi, eta, rotation):
    """Over the whole sky, also around the poles and RA 0, within a tract; rotated matrices too."""
    cards = header()
    cards["CRVAL1"], cards["CRVAL2"] = ra0, dec0
    scale = 0.168 / 3600
    cards["CD1_1"], cards["CD1_2"] = -scale * np.cos(rotation), scale * np.sin(rotation)
    cards["CD2_1"], cards["CD2_2"] = scale * np.sin(rotation), scale * np.cos(rotation)
    wcs = WCS(cards)
    ra, dec = (float(value) for value in wcs.all_pix2world(xi * 18000, eta * 18000, 0))
    hdu = read_plain(payload(hdus(cards=cards)))[1]
    assert sky_to_pixel(hdu, ra, dec) == pytest.approx((xi * 18000, eta * 18000), abs=2e-6)


def test_a_position_behind_the_tangent_plane_and_another_projection():
    hdu = read_plain(payload())[1]
    with pytest.raises(BadCutout, match="position not in the image"):
        sky_to_pixel(hdu, 29.87 + 180, 6.69)
    cards = header()
    cards["CTYPE1"], cards["CTYPE2"] = "RA---SIN", "DEC--SIN"
    hdu = read_plain(payload(hdus(cards=cards)))[1]
    expected = WCS(cards).all_world2pix(RA, DEC, 0)
    assert sky_to_pixel(hdu, RA, DEC) == pytest.approx(tuple(float(value) for value in expected), abs=1e-6)


def real_cutouts():
    folder = DATA / "hsc_hyrax"
    if not folder.exists():
        pytest.skip("../shared/data/hsc_hyrax is absent")
    return folder, Table.read(folder / "star_cat_correct.csv")


def test_real_cutouts_are_what_astropy_reads_and_their_stars_are_where_they_must_be():
    folder, stars = real_cutouts()
    shapes = []
    for star in stars:
        path = folder / Path(star["star_filename"]).name
        content = path.read_bytes()
        same(read_plain(content), read_with_astropy(content))
        ra, dec = float(star["ira"]), float(star["idec"])
        stamp = read_cutout(content, ra, dec, object_id=1, band="i", tract=8279, archive_band="HSC-I")
        with fits.open(path) as opened, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = WCS(opened[1].header).all_world2pix(ra, dec, 0)
            np.testing.assert_array_equal(stamp.pixels, opened[1].data)
        assert (stamp.x, stamp.y) == pytest.approx(tuple(float(value) for value in expected), abs=1e-6)
        assert stamp.zero_point == pytest.approx(27.0, abs=1e-9)
        # The star shines where the WCS says.
        brightest = np.unravel_index(np.argmax(stamp.pixels), stamp.pixels.shape)
        assert np.hypot(brightest[1] - stamp.x, brightest[0] - stamp.y) < 1.5
        shapes.append(stamp.pixels.shape)
    assert len(shapes) == 10
    assert len(set(shapes)) == 3, "sizes wobble by a pixel"
    assert reason((folder / "2-cutout-HSC-I-8279-pdr2_wide.fits").read_bytes()) == "too small: 25x25, need 96x96"


def test_real_cutouts_with_mask_and_variance():
    import gzip

    folder = DATA / "hsc_multiprofit"
    if not folder.exists():
        pytest.skip("../shared/data/hsc_multiprofit is absent")
    for band in "gri":
        content = gzip.decompress((folder / f"222.51551376,0.09749601_300x300_{band}.fits.gz").read_bytes())
        same(read_plain(content), read_with_astropy(content))
        stamp = read_cutout(
            content, 222.51551376, 0.09749601, object_id=1, band=band, tract=9453, archive_band=f"HSC-{band.upper()}",
            stamp_size=64, margin=16,
        )  # fmt: skip
        with fits.open(io.BytesIO(content)) as opened:
            assert stamp.mask_bits == np.bitwise_or.reduce(opened[2].data, axis=None)
            assert stamp.n_bad == np.count_nonzero(opened[2].data & 1 << 8)
            assert opened[2].header["MP_NO_DATA"] == 8
            assert stamp.variance is None
            with_variance = read_cutout(
                content, 222.51551376, 0.09749601, object_id=1, band=band, tract=9453, with_variance=True
            )
            np.testing.assert_array_equal(with_variance.variance, opened[3].data)
        assert (stamp.x, stamp.y) == pytest.approx((150, 150), abs=1)
