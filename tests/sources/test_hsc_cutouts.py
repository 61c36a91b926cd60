"""Request lists and tars of cutouts, typed and packed by hand from FORMATS.md 2.2."""

import contextlib
import io
import tarfile

import pytest
from astropy.coordinates import Angle
from hypothesis import example, given
from hypothesis import strategies as st

from swimmy_db.config import load_preset
from swimmy_db.errors import InputRefused
from swimmy_db.sources.hsc_cutouts import (
    CutoutFile,
    MissingCutout,
    parse_angle,
    read_cutout_list,
    read_cutout_tar,
)

BANDS = load_preset("paper").bands
LIST = """\
#? rerun type filter tract ra dec sw sh image mask variance
pdr3_wide coadd HSC-G 8279 3.0591338000000000e+01deg -6.2823738000000001e+00deg 8asec 8asec true true false # object_id=36411461425187990
pdr3_wide coadd HSC-R 8279 3.0591338000000000e+01deg -6.2823738000000001e+00deg 8asec 8asec true true false # object_id=36411461425187990
pdr3_wide coadd HSC-G any 3.0569224e+01deg -6.3248e+00deg 8asec 8asec true true false # first try, object_id=9223372036854775807
pdr3_wide coadd NB0387 8279 30.5 -6.3 8asec 8asec true true false # object_id=5
"""  # noqa: E501
ID = 36411461425187990


def pack(path, members):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def arch(lineno, filter_name, tract=8279, rerun="pdr3_wide"):
    return f"arch-200827-123456/{lineno}-cutout-{filter_name}-{tract}-{rerun}.fits"


@pytest.fixture
def sent(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(LIST)
    return path


@pytest.fixture
def tar(tmp_path):
    return pack(
        tmp_path / "a.tar",
        [(arch(4, "HSC-G"), b"four"), (arch(2, "HSC-G"), b"two"), (arch(3, "HSC-R"), b"three" * 700)],
    )


def read(tar, sent, **options):
    found = list(read_cutout_tar(tar, sent, BANDS, **options))
    cutouts = [item for item in found if isinstance(item, CutoutFile)]
    return cutouts, [item for item in found if isinstance(item, MissingCutout)]


def test_members_out_of_order_find_their_lines_and_an_omitted_line_is_reported(tar, sent):
    cutouts, missing = read(tar, sent)
    assert [(item.object_id, item.band, item.tract, item.payload[:5]) for item in cutouts] == [
        (2**63 - 1, "g", 8279, b"four"),
        (ID, "g", 8279, b"two"),
        (ID, "r", 8279, b"three"),
    ]
    assert cutouts[0].member == arch(4, "HSC-G")
    assert cutouts[0].archive == "a.tar"
    assert (cutouts[0].ra, cutouts[0].dec) == (30.569224, -6.3248)
    assert missing == [MissingCutout(5, None, 8279, "a.tar", 5, "omitted by the service")]


def test_only_wanted_objects_come_out(tar, sent):
    cutouts, missing = read(tar, sent, wanted={ID})
    assert [item.band for item in cutouts] == ["g", "r"]
    assert not missing


def test_lines_without_a_comment_go_to_the_nearest_object(tmp_path, tar):
    path = tmp_path / "b.txt"
    path.write_text("\n".join(line.split(" #")[0] for line in LIST.splitlines()))
    asked = []

    def nearest(ra, dec):
        asked.append((ra, dec))
        return 7 if ra > 30.58 else None

    cutouts, missing = read(tar, path, nearest=nearest)
    assert [(item.object_id, item.band) for item in cutouts] == [(7, "g"), (7, "r")]
    assert asked == [(30.591338, -6.2823738)] * 2 + [(30.569224, -6.3248), (30.5, -6.3)]
    assert [(item.lineno, item.object_id, item.reason) for item in missing] == [
        (4, None, "no object at the position"),
        (5, None, "omitted by the service"),
    ]


def test_members_in_excess_are_reported_and_harm_nothing(tmp_path, sent):
    tar = pack(
        tmp_path / "a.tar",
        [
            (arch(2, "HSC-G"), b"good"),
            (arch(2, "HSC-G"), b"again"),
            (arch(77, "HSC-G"), b"nowhere"),
            (arch(3, "HSC-I"), b"other filter"),
            (arch(4, "HSC-G", 9999), b"any tract will do"),
            ("arch-1-2/README", b"hello"),
            (arch(5, "NB0387"), b"no band of ours"),
        ],
    )
    cutouts, missing = read(tar, sent)
    assert [(item.payload, item.tract) for item in cutouts] == [(b"good", 8279), (b"any tract will do", 9999)]
    assert [(item.lineno, item.reason) for item in missing] == [
        (2, "second member for one line of the list"),
        (77, "member of no line of the list"),
        (3, "member is HSC-I, the list says HSC-R"),
        (None, "member name not understood"),
        (5, "filter NB0387 is no band"),
        (3, "omitted by the service"),
    ]


def test_a_member_of_another_tract_than_asked_for_is_not_taken(tmp_path, sent):
    cutouts, missing = read(pack(tmp_path / "a.tar", [(arch(2, "HSC-G", 8280), b"x")]), sent)
    assert not cutouts
    assert missing[0].reason == "member is of tract 8280, the list says 8279"


def test_names_of_other_reductions_and_services_are_understood(tmp_path):
    sent = tmp_path / "a.txt"
    sent.write_text("#? ra dec filter sw sh\n10 20 g 8asec 8asec # object_id=1\n10 20 i 8asec 8asec # object_id=1\n")
    names = ["arch-1-2/2-coadd+bg-HSC-G-1-pdr3_wide.fits", "arch-1-2/3-cutout-i-1-pdr3_dud_rev.fits"]
    cutouts, missing = read(pack(tmp_path / "a.tar", [(name, b"x") for name in names]), sent)
    assert [(item.object_id, item.band) for item in cutouts] == [(1, "g"), (1, "i")]
    assert not missing


def test_an_empty_tar_is_ten_kilobytes_of_zeros_and_all_lines_are_missing(tmp_path, sent):
    tar = tmp_path / "a.tar"
    tar.write_bytes(bytes(10240))
    cutouts, missing = read(tar, sent)
    assert not cutouts
    assert {item.reason for item in missing} == {"omitted by the service"}
    assert [item.lineno for item in missing] == [2, 3, 4, 5]


def test_a_tar_cut_anywhere_gives_its_whole_members_and_says_truncated(tmp_path, tar, sent):
    content = tar.read_bytes()
    end_of_members = 512 * 2 * 2 + 512 + 512 * -(-3500 // 512)
    assert content[end_of_members:].count(0) == len(content) - end_of_members
    for length in (0, 100, 512, 600, 1024, 1100, 2048, 2560, 4000, end_of_members):
        cut = tmp_path / "cut.tar"
        cut.write_bytes(content[:length])
        cutouts, missing = read(cut, sent)
        whole = sum(length >= stop for stop in (512 + 4, 1024 + 512 + 3, 2048 + 512 + 3500))
        assert [item.payload[:3] for item in cutouts] == [b"fou", b"two", b"thr"][:whole], length
        assert {item.reason for item in missing} == {"tar truncated"}, length
        assert len(cutouts) + len(missing) == 4


def test_what_is_no_tar_is_said(tmp_path, sent):
    tar = tmp_path / "a.tar"
    tar.write_bytes(b"<html><body>401 Unauthorized</body></html>" + b" " * 2000)
    cutouts, missing = read(tar, sent)
    assert not cutouts
    assert [item.lineno for item in missing] == [2, 3, 4, 5]
    assert all(item.reason.startswith("not a tar") for item in missing)


def test_garbage_between_members_is_not_taken_for_the_end(tmp_path, tar, sent):
    content = bytearray(tar.read_bytes())
    content[2048:2560] = b"\xa5" * 512
    tar.write_bytes(content)
    cutouts, missing = read(tar, sent)
    assert len(cutouts) == 2
    assert {item.reason for item in missing} == {"tar damaged"}


def test_columns_may_come_in_any_order_and_units(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(
        "#? sw sh dec ra\n"
        "8asec 8asec -06:16:56.5 02:02:21.92 # sexagesimal: RA in hours\r\n"
        "# a line of its own\n"
        "8asec 8asec -376.9424arcmin 2h2m21.92s\n"
        "\n"
        "8asec 8asec -0.10964rad 30.5913333\n"
    )
    rows = read_cutout_list(path)
    assert [row.lineno for row in rows] == [2, 4, 6]
    for row in rows:
        assert row.ra == pytest.approx(30.5913333, abs=1e-6)
        assert row.dec == pytest.approx(-6.2823, abs=1e-3)
        assert (row.filter, row.tract, row.object_id) == ("HSC-I", None, None)


def test_corners_stand_for_their_middle_also_across_zero(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("#? ra1 dec1 ra2 dec2\n359.999 1 0.003 2\n10 -1 11 1\n")
    rows = read_cutout_list(path)
    assert [(row.ra, row.dec) for row in rows] == [(pytest.approx(0.001), 1.5), (10.5, 0.0)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("#? ", "# ", "line 1: expected `#?` and column names"),
        (" ra dec", " right dec", "line 1: expected columns ra and dec"),
        ("HSC-R 8279", "HSC-R", "line 3: expected 11 values, found 10"),
        ("3.0569224e+01deg", "east", "line 4, column ra: expected an angle, found 'east'"),
        ("-6.3 ", "-6.3parsec ", "line 5, column dec: expected an angle, found '-6.3parsec'"),
        ("HSC-G any", "HSC-G each", "line 4, column tract: expected a number or any, found 'each'"),
    ],
)
def test_a_fault_of_the_list_is_named_with_its_line(tmp_path, tar, old, new, expected):
    path = tmp_path / "a.txt"
    path.write_text(LIST.replace(old, new, 1))
    with pytest.raises(InputRefused) as refusal:
        read(tar, path)
    assert expected in str(refusal.value)


UNITS = {
    "": 1.0, "deg": 1.0, "degrees": 1.0, "amin": 1 / 60, "arcmin": 1 / 60, "asec": 1 / 3600, "arcsecs": 1 / 3600,
    "rad": 57.29577951308232,
}  # fmt: skip


@given(st.floats(-360, 360), st.sampled_from(sorted(UNITS)), st.booleans())
def test_angles_with_units(value, unit, is_ra):
    assert parse_angle(f"{value:.16e}{unit}", is_ra) == pytest.approx(value * UNITS[unit], rel=1e-14, abs=1e-300)


@given(st.integers(0, 23), st.integers(0, 59), st.floats(0, 59.999))
def test_sexagesimal_angles_are_hours_for_ra_and_degrees_for_dec(whole, minutes, seconds):
    text = f"{whole:02d}:{minutes:02d}:{seconds:06.3f}"
    assert parse_angle(text, True) == pytest.approx(Angle(text, "hourangle").deg, abs=1e-9)
    assert parse_angle(f"-{text}", False) == pytest.approx(-Angle(text, "deg").deg, abs=1e-9)


@example("0W", False)  # a unit that astropy knows and that is no angle's
@given(st.text(st.characters(codec="ascii", exclude_characters=" \t\n\r"), max_size=12), st.booleans())
def test_any_other_text_is_an_angle_or_refused(text, is_ra):
    with contextlib.suppress(ValueError):
        assert isinstance(parse_angle(text, is_ra), float)
