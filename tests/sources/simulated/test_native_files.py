"""The files as an archive's user opens them: csv, astropy and tarfile, none of this project's readers."""

import csv
import io
import re
import tarfile
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from swimmy_db.contracts import conform, load_contract
from swimmy_db.sources.simulated.options import BAD_STAMP_KINDS, BANDS

LISTED = re.compile(
    r"^pdr3_wide coadd (HSC-[GRIZY]) (\d+) (\S+)deg (\S+)deg 8\.2asec 8\.2asec true false false # (.*)$"
)


def sql_result(path):
    lines = path.read_text().splitlines()
    n_comments = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    names = lines[n_comments - 1].removeprefix("# ").split(",")
    return [dict(zip(names, row, strict=True)) for row in csv.reader(lines[n_comments:])]


@pytest.fixture(scope="session")
def cutouts(small_survey):
    """(object_id, band) -> (lineno, member name or None, bytes or None, listed RA, Dec)."""
    found = {}
    for listing in sorted((small_survey / "hsc" / "cutouts").glob("*.txt")):
        lines = listing.read_text().splitlines()
        assert lines[0].startswith("#? ")
        assert len(lines) <= 991
        with tarfile.open(listing.with_suffix(".tar")) as tar:
            members = {int(m.name.split("/")[1].split("-")[0]): m for m in tar.getmembers()}
            for number, line in enumerate(lines[1:], 2):
                band, tract, ra, dec, comment = LISTED.match(line).groups()
                member = members.pop(number, None)
                payload = tar.extractfile(member).read() if member else None
                if member:
                    expected = rf"arch-\d{{6}}-\d{{6}}/{number}-cutout-{band}-{tract}-pdr3_wide\.fits"
                    assert re.fullmatch(expected, member.name)
                key = (int(comment.removeprefix("object_id=")), band[-1].lower())
                found[key] = (number, member and member.name, payload, float(ra), float(dec))
            assert not members
    return found


def test_every_member_has_a_line_for_each_band(cutouts, small_truth):
    wanted = {(object_id, band) for object_id, row in small_truth.items() if row["has_cutout"] for band in BANDS}
    assert set(cutouts) == wanted
    assert {object_id for object_id, row in small_truth.items() if row["is_member"]} <= {key[0] for key in wanted}


def test_good_cutouts_are_fits_of_four_hdus_with_the_object_where_the_wcs_says(cutouts, small_truth):
    sizes, offsets = set(), []
    for (object_id, band), (_, _, payload, ra, dec) in cutouts.items():
        row = small_truth[object_id]
        if row["bad_stamp"]:
            continue
        with fits.open(io.BytesIO(payload)) as hdus:
            hdus.verify("exception")
            assert len(hdus) == 4
            assert hdus[0].header["FLUXMAG0"] == 63095734448.0194
            assert hdus[0].header["FILTER"] == band
            assert hdus[1].header["BITPIX"] == -32
            assert hdus[2].data is None
            assert hdus[3].data is None
            header, pixels = hdus[1].header, hdus[1].data
        assert (ra, dec) == (row["ra"], row["dec"])
        x, y = (float(value) for value in WCS(header).wcs_world2pix([[ra, dec]], 0)[0])
        assert abs(x - (pixels.shape[1] - 1) / 2) <= 1.0
        assert abs(y - (pixels.shape[0] - 1) / 2) <= 1.0
        offsets.append((x % 1.0, y % 1.0))
        sizes.add(pixels.shape)
        # 18000 - CRVAL1A = CRPIX1, as in the real cutouts.
        assert 18000 - header["CRVAL1A"] == header["CRPIX1"]
        if row["artefact"] != "nan_outskirts":
            assert np.isfinite(pixels).all()
    assert min(min(size) for size in sizes) >= 96
    assert len(sizes) > 1
    assert np.std(offsets, axis=0).min() > 0.2


def test_bad_stamps_are_what_truth_says(cutouts, small_survey, small_truth):
    planted = pq.read_table(small_survey / "simulated" / "bad_stamps.parquet").to_pylist()
    assert Counter(row["kind"] for row in planted) == Counter(BAD_STAMP_KINDS)
    for row in planted:
        assert small_truth[row["object_id"]]["is_member"]
        _, name, payload, _, _ = cutouts[row["object_id"], row["band"]]
        kind = row["kind"]
        if kind == "missing_band":
            assert name is None
            continue
        if kind == "empty":
            assert payload == b""
        elif kind == "html":
            assert payload.startswith(b"<!DOCTYPE html")
        elif kind == "truncated":
            assert payload.startswith(b"SIMPLE")
            assert len(payload) < 98 * 98 * 4
        else:
            pixels = fits.getdata(io.BytesIO(payload), 1)
            middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
            assert {
                "wrong_shape": pixels.shape == (40, 40),
                "all_nan": np.isnan(pixels).all(),
                "nan_core": np.isnan(middle) and not np.isnan(pixels).all(),
            }[kind]
        others = [cutouts[row["object_id"], band][2] for band in BANDS if band != row["band"]]
        assert all(other.startswith(b"SIMPLE") and len(other) > 98 * 98 * 4 for other in others)


def test_the_hsc_catalogue_says_what_was_planted(small_survey, small_truth):
    objects = {int(row["object_id"]): row for row in sql_result(small_survey / "hsc" / "objects.csv")}
    masks = {int(row["object_id"]): row for row in sql_result(small_survey / "hsc" / "masks.csv")}
    patches = {int(row["skymap_id"]): row for row in sql_result(small_survey / "hsc" / "patch_qa.csv")}
    assert set(objects) == set(small_truth)
    for object_id, truth in small_truth.items():
        row = objects[object_id]
        flags = {name for name, value in {**row, **masks.get(object_id, {})}.items() if value == "True"}
        flags.discard("isprimary")
        cut = truth["failed_cut"] or ""
        if truth["is_member"]:
            assert flags == set()
            assert row["isprimary"] == "True"
            assert float(row["i_cmodel_mag"]) < 20.0
            assert float(row["i_psfflux_mag"]) - float(row["i_cmodel_mag"]) > 0.2
            patch = patches[int(row["skymap_id"])]
            assert max(float(patch[f"{band}seeing"]) for band in BANDS) <= 1.0
        elif "pixelflags" in cut or "sdssshape" in cut or "brightstar" in cut:
            if not cut.startswith("missing:"):
                assert flags == {truth["failed_detail"]}
        elif cut == "missing:masks":
            assert object_id not in masks
        elif cut == "missing:patch_qa":
            assert int(row["skymap_id"]) not in patches
        elif cut == "magnitude":
            assert float(row["i_cmodel_mag"]) >= 20.0
        elif cut == "extendedness":
            assert float(row["i_psfflux_mag"]) - float(row["i_cmodel_mag"]) <= 0.2
        elif cut.startswith("missing:") and cut[8:] in row:
            assert row[cut[8:]] == ("" if truth["failed_detail"] == "null" else truth["failed_detail"])


def test_specz_gives_members_and_failures_their_redshifts(small_survey, small_truth):
    by_object: dict[int, list] = {}
    for row in sql_result(small_survey / "hsc" / "specz.csv"):
        by_object.setdefault(int(row["object_id"]), []).append(row)
    for object_id, truth in small_truth.items():
        good = [
            row
            for row in by_object.get(object_id, [])
            if row["specz_flag_homogeneous"] == "True"
            and "True" in (row["specz_flag_sdss_dr15"], row["specz_flag_gama_dr3"])
            and row["specz_redshift"] not in ("", "nan")
            and float(row["d_pos"]) <= 1.0
            and 0.05 < float(row["specz_redshift"]) < 0.2
        ]
        lost = ("insecure_redshift", "other_survey_redshift", "redshift_too_far", "redshift_low", "redshift_high")
        if truth["is_member"]:
            assert good
            nearest = min(good, key=lambda row: float(row["d_pos"]))
            assert float(nearest["specz_redshift"]) == pytest.approx(truth["redshift"], abs=1e-5)
        elif truth["failed_cut"] in (*lost, "no_redshift", "missing:specz_redshift"):
            assert not good
    assert any(row["specz_redshift"] == "-9.0" for rows in by_object.values() for row in rows)


def test_galspec_is_row_aligned_with_emission_negative(small_survey, small_truth):
    info, line, extra = (
        fits.getdata(small_survey / "mpa-jhu" / f"galSpec{kind}-dr8.fits") for kind in ("Info", "Line", "Extra")
    )
    assert len(info) == len(line) == len(extra)
    lacking = info["PLATEID"] == -1
    assert lacking.sum() >= 2
    assert set(info["SPECOBJID"][lacking]) == {""}
    assert (info["SPECOBJID"] == line["SPECOBJID"]).all()
    assert (extra["LGM_TOT_P50"][lacking] == -9999).all()
    expected = sum(row["n_spectra"] for row in small_truth.values())
    assert expected <= (~lacking).sum() <= expected + 3
    isolated = np.abs(line["H_BETA_EQW"]) > 3
    ratio = line["H_BETA_FLUX"][isolated] / line["H_BETA_CONT"][isolated] / -line["H_BETA_EQW"][isolated]
    assert ratio == pytest.approx(np.ones(isolated.sum()), rel=1e-4)
    for row in small_truth.values():
        if not row["has_mpa_jhu"]:
            continue
        separation = (
            np.hypot((info["RA"] - row["ra"]) * np.cos(np.radians(row["dec"])), info["DEC"] - row["dec"]) * 3600
        )
        places = np.flatnonzero((separation < 0.9) & ~lacking)
        assert len(places) == row["n_spectra"]
        for place in places:
            total = -(line["NII_6548_EQW"] + line["H_ALPHA_EQW"] + line["NII_6584_EQW"])[place] * (1 + row["redshift"])
            assert total == pytest.approx(row["catalogued_ew_halpha_nii"], rel=1e-3, abs=1e-3)
            assert extra["BPTCLASS"][place] == row["bptclass"]
    xelgs = [row for row in small_truth.values() if row["class"] == "xelg"]
    groups = ("oii", "hbeta_oiii", "halpha_nii")
    assert all(max(row[f"catalogued_ew_{group}"] for group in groups) > 100.0 for row in xelgs)
    planted = [row for row in small_truth.values() if row["xelg_planted"] and row["has_mpa_jhu"]]
    assert {row["object_id"] for row in planted} <= {row["object_id"] for row in xelgs}


def test_quasars_and_agn_are_in_their_catalogues(small_survey, small_truth):
    dr16q = fits.getdata(small_survey / "dr16q" / "DR16Q_v4.fits")
    assert dr16q["PSFMAG"].shape == (len(dr16q), 5)
    lines = (small_survey / "milliquas" / "milliquas.txt").read_text().splitlines()
    assert {len(text) for text in lines} == {195}
    milliquas = [(float(text[0:11]), float(text[12:23]), text[51:55].strip(), text[76:82].strip()) for text in lines]
    assert any(kind.startswith("q") for _, _, kind, _ in milliquas)
    assert any(redshift == "" for _, _, _, redshift in milliquas)
    for row in small_truth.values():
        cosine = np.cos(np.radians(row["dec"]))
        near = np.hypot((dr16q["RA"] - row["ra"]) * cosine, dr16q["DEC"] - row["dec"]) * 3600 < 1.0
        assert near.sum() == row["in_dr16q"]
        types = [
            kind for ra, dec, kind, _ in milliquas if np.hypot((ra - row["ra"]) * cosine, dec - row["dec"]) * 3600 < 1.0
        ]
        assert types == ([row["milliquas_type"]] if row["milliquas_type"] else [])


def test_neighbours_are_in_at_least_a_fifth_of_the_stamps(small_truth):
    drawn = [row["n_neighbours"] for row in small_truth.values() if row["has_cutout"]]
    assert 0.2 < np.mean(np.array(drawn) > 0) < 0.6


def test_truth_conforms_to_its_contracts(small_survey):
    for path in sorted((small_survey / "simulated").glob("*.parquet")):
        contract = load_contract(f"truth.{path.stem}")
        table = pq.read_table(path)
        assert conform(table, contract, path).schema.names == table.schema.names == list(contract.columns)
        keys = list(zip(*(table[name].to_pylist() for name in contract.key), strict=True))
        assert len(set(keys)) == len(keys)
