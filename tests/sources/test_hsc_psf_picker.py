"""The PSF picker's list and the names of its files (FORMATS.md section 2.3)."""

import pytest

from swimmy_db.config import load_preset
from swimmy_db.sources.hsc_bulk import WantedRow
from swimmy_db.sources.hsc_credentials import Account
from swimmy_db.sources.hsc_psf_picker import MEMBER, PsfPicker
from swimmy_db.sources.hsc_release import release_of


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("2-psf-calexp-pdr3_wide-HSC-I-9815-3,4-218.87409--2.17422.fits", ("2", "HSC-I", "9815")),
        ("991-psf-calexp-pdr3_wide-HSC-R-8279-0,8-30.59134-6.28237.fits", ("991", "HSC-R", "8279")),
        ("4-psf-calexp-s23b_wide-i-9815-3,4-218.87409-2.17422.fits", ("4", "i", "9815")),
    ],
)
def test_names_of_members(name, parts):
    found = MEMBER.fullmatch(name)
    assert (found["lineno"], found["filter"], found["tract"]) == parts


@pytest.mark.parametrize(
    "name", ["2-psf-warp-pdr3_wide-HSC-I-9815-3,4-1234-218.87409-2.17422.fits", "2-cutout-HSC-I-9815-pdr3_wide.fits"]
)
def test_other_names_are_none(name):
    assert MEMBER.fullmatch(name) is None


def test_a_list_has_the_official_columns():
    settings = load_preset("paper")
    picker = PsfPicker(Account("me", "secret"), settings, release_of(settings))
    text = picker.list_text([WantedRow(36411461425187990, "r", 8279, 30.59, -6.28)])
    header, row = text.splitlines()
    assert header == "#? rerun type filter tract patch ra dec centered"
    # tract 8279, patch 0,8: FORMATS 1.7's example of an id
    cells = row.split("#")[0].split()
    assert cells[:5] == ["pdr3_wide", "coadd", "HSC-R", "8279", "0,8"]
    assert [float(cell) for cell in cells[5:7]] == [30.59, -6.28]
    assert cells[7] == "true"
