"""Matches, line strengths, EW_band and classes against cases typed by hand and against numpy and astropy."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from swimmy_db.config import load_preset
from swimmy_db.errors import InputRefused

ARCSEC = 1 / 3600
LINES = {
    "oii_3726": 3727.09,
    "oii_3729": 3729.88,
    "neiii_3869": 3869.86,
    "h_beta": 4862.68,
    "oiii_4959": 4960.30,
    "oiii_5007": 5008.24,
    "nii_6548": 6549.85,
    "h_alpha": 6564.61,
    "nii_6584": 6585.27,
    "sii_6717": 6718.29,
    "sii_6731": 6732.67,
}
GROUPS = {
    "oii": ("oii_3726", "oii_3729"),
    "hbeta_oiii": ("h_beta", "oiii_4959", "oiii_5007"),
    "halpha_nii": ("nii_6548", "h_alpha", "nii_6584"),
}


def add_galaxy(survey, typed, number, ra, dec, redshift=0.1):
    """A member of the spec-z sample; its MPA-JHU rows, if any, are the caller's."""
    if not survey.rows("select * from raw.hsc_patches"):
        survey.add("raw.hsc_patches", typed.hsc_patch())
    survey.add("raw.hsc_objects", typed.hsc_object(number, ra=ra, dec=dec))
    survey.add("raw.hsc_masks", typed.hsc_mask(number))
    survey.add("raw.specz", typed.specz(number, redshift))


def line_row(**changes):
    """A row of galSpecLine without emission: EQW -1 +- 0.5, flux 10, continuum 10."""
    row = {}
    for line in LINES:
        row |= {f"{line}_eqw": -1.0, f"{line}_eqw_err": 0.5, f"{line}_flux": 10.0, f"{line}_flux_err": 1.0}
        row |= {f"{line}_cont": 10.0, f"{line}_cont_err": 0.0}
    return row | changes


def add_spectrum(survey, typed, specobjid, ra, dec, lines=None, bptclass=1, **info):
    survey.add("raw.galspec_info", typed.galspec_info(specobjid, ra, dec, **info))
    survey.add("raw.galspec_line", line_row(**(lines or {})))
    survey.add("raw.galspec_extra", {"bptclass": bptclass, "lgm_tot_p50": 10.5, "sfr_tot_p50": -9999.0})


def test_classes_are_disjoint_and_in_the_papers_precedence(make_survey, typed):
    survey = make_survey()
    strong = {"h_alpha_eqw": -95.0}  # (95 + 1 + 1) * 1.1 = 106.7 A observed, 97 A at rest
    cases = {
        # number: (lines, bptclass, is in DR16Q, class)
        1: ({}, 1, False, "training"),
        2: ({}, 2, False, "training"),
        3: ({}, -1, False, "training"),
        4: ({}, 3, False, "agn_liner_composite"),
        5: ({}, 5, False, "agn_liner_composite"),
        6: (strong, 1, False, "xelg"),
        7: (strong, 4, False, "xelg"),
        8: (strong, 4, True, "dr16q"),
        9: ({}, 1, True, "dr16q"),
        10: ({"h_alpha_eqw": -88.91}, 1, False, "xelg"),
        11: ({"h_alpha_eqw": -88.90}, 1, False, "training"),
        12: ({"h_alpha_eqw": 200.0}, 1, False, "training"),
        13: ({"h_alpha_eqw": -500.0, "h_alpha_eqw_err": -1.0}, 1, False, "training"),
        14: ({"h_alpha_eqw": -9999.0}, 1, False, "training"),
        15: ({"oii_3726_eqw": -60.0, "oii_3729_eqw": -40.0}, 1, False, "xelg"),
        16: ({"neiii_3869_eqw": -300.0, "sii_6717_eqw": -300.0}, 1, False, "training"),
    }
    for number, (lines, bptclass, is_quasar, _) in cases.items():
        add_galaxy(survey, typed, number, 10 + number / 100, 1.0)
        add_spectrum(survey, typed, f"  {number} ", 10 + number / 100, 1.0, lines, bptclass)
        if is_quasar:
            survey.add("raw.dr16q", {"sdss_name": f"q{number}", "ra": 10 + number / 100, "dec": 1.0, "is_qso_final": 1})
    # no MPA-JHU: no spectrum near, a row of specObj without a result, a quasar that DR16Q itself takes back
    for number in (20, 21, 22):
        add_galaxy(survey, typed, number, 10 + number / 100, 1.0)
    add_spectrum(survey, typed, "x", 10.20, 1.0 + 1.01 * ARCSEC)
    survey.add("raw.galspec_info", typed.galspec_info("  ", 10.21, 1.0, plateid=-1))
    survey.add("raw.galspec_line", line_row())
    survey.add("raw.galspec_extra", {"bptclass": -9999})
    survey.add("raw.dr16q", {"sdss_name": "not", "ra": 10.22, "dec": 1.0, "is_qso_final": 0})
    survey.run("select")
    found = dict(survey.rows("select object_id, class from survey.classes"))
    assert found == {number: case[3] for number, case in cases.items()} | dict.fromkeys((20, 21, 22), "other_specz")
    assert {row[0] for row in survey.rows("select object_id from survey.classes where is_training")} == {
        number for number, label in found.items() if label == "training"
    }
    assert survey.rows("select log_mass, log_sfr, specobjid from survey.line_strengths where object_id = 1") == [
        (10.5, None, "1")
    ]


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "xelg"),
        ({"xelg_ew_frame": "rest"}, "training"),
        ({"xelg_ew_estimator": "flux_over_cont"}, "training"),
        ({"xelg_ew_min": 200.0}, "training"),
        ({"mpa_jhu_require_reliable": True}, "other_specz"),
        ({"match_radius_mpa_jhu": 0.1}, "other_specz"),
    ],
)
def test_the_ambiguities_of_the_xelg_cut_are_settings(make_survey, typed, changes, label):
    survey = make_survey(**changes)
    add_galaxy(survey, typed, 1, 10.0, 1.0)
    add_spectrum(survey, typed, "1", 10.0, 1.0 + 0.2 * ARCSEC, {"h_alpha_eqw": -95.0}, reliable=0)
    survey.run("select")
    assert survey.rows("select class from survey.classes") == [(label,)]


def test_milliquas_classes_follow_the_first_letter_and_its_case(make_survey, typed):
    survey = make_survey()
    types = {"Q": "quasar", "QRX": "quasar", "A": "type_i", "ARX2": "type_i", "N": "type_ii", "KX": "type_ii"}
    types |= dict.fromkeys(("B", "S", "q", "qX", "R", "X", "2", "RX", "", None, "a", "k"), "others")
    for number, kind in enumerate(types):
        add_galaxy(survey, typed, number, 10 + number / 100, 1.0)
        survey.add("raw.milliquas", {"name": f"m{number}", "type": kind, "ra": 10 + number / 100, "dec": 1.0})
    add_galaxy(survey, typed, 99, 20.0, 1.0)
    survey.run("select")
    found = survey.rows("select milliquas_class from survey.classes order by object_id")
    assert [label for (label,) in found] == [*types.values(), None]


def test_what_milliquas_types_mean_is_a_setting(make_survey, typed):
    survey = make_survey(milliquas_classes=" K=quasar, A = others,B=type_i")
    for number, kind in enumerate(("KX", "A", "B", "Q", "k", None)):
        add_galaxy(survey, typed, number, 10 + number / 100, 1.0)
        survey.add("raw.milliquas", {"name": f"m{number}", "type": kind, "ra": 10 + number / 100, "dec": 1.0})
    survey.run("select")
    found = survey.rows("select milliquas_class from survey.classes order by object_id")
    assert [label for (label,) in found] == ["quasar", "others", "type_i", "others", "others", "others"]


@pytest.mark.parametrize("text", ["Q", "Q=qso", "QX=quasar", "Q=quasar;A=type_i"])
def test_what_is_no_list_of_milliquas_classes_is_refused(text):
    with pytest.raises(InputRefused, match="milliquas_classes"):
        load_preset("paper", milliquas_classes=text)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, [2, 3, 4, 5]),
        ({"gswlc_good_flags": "0, 5"}, [2, 3, 4]),
        ({"gswlc_good_flags": ""}, [2, 3]),
        ({"gswlc_missing": 10.25}, [1, 4, 5, 6]),
    ],
)
def test_which_fits_of_gswlc_failed_is_a_setting(make_survey, typed, changes, failed):
    survey = make_survey(**changes)
    # mass, rate and FLAG_SED; the last row has no flag
    rows = [(10.25, 0.5, 0), (-99.0, 0.5, 0), (10.0, -99.0, 0), (10.25, 0.5, 2), (10.25, 0.5, 5), (10.25, 0.5, None)]
    for number, (mass, rate, flag) in enumerate(rows, 1):
        place = {"ra": 10 + number / 100, "dec": 1.0}
        add_galaxy(survey, typed, number, **place)
        survey.add("raw.gswlc", {"objid": number, "logmstar": mass, "logsfr_sed": rate, "flag_sed": flag} | place)
    survey.run("select")
    found = survey.rows(
        "select object_id, log_mass is null from survey.stellar_properties where catalog = 'gswlc' and is_failed"
    )
    assert sorted(found) == [(number, True) for number in failed]


def test_what_counts_as_a_quasar_and_as_a_measurement_are_settings(make_survey, typed):
    survey = make_survey(dr16q_require_final=False, mpa_jhu_value_max=90.0)
    for number in (1, 2):
        add_galaxy(survey, typed, number, 10 + number / 100, 1.0)
        add_spectrum(survey, typed, str(number), 10 + number / 100, 1.0, {"h_alpha_eqw": -95.0})
    survey.add("raw.dr16q", {"sdss_name": "q", "ra": 10.01, "dec": 1.0, "is_qso_final": 0})
    survey.run("select")
    assert survey.rows("select object_id, class from survey.classes order by 1") == [(1, "dr16q"), (2, "training")]


def test_a_blind_survey_trains_on_all_of_it(make_survey, typed):
    survey = make_survey()
    add_galaxy(survey, typed, 1, 10.0, 1.0)
    add_galaxy(survey, typed, 2, 11.0, 1.0)
    survey.run("select")
    assert survey.rows("select object_id, class, is_training from survey.classes order by 1") == [
        (1, "other_specz", True),
        (2, "other_specz", True),
    ]
    for table in ("matches", "line_strengths", "band_line_strengths", "line_measurements"):
        assert survey.rows(f"select * from survey.{table}") == []


def test_the_colour_sample_does_not_train_unless_it_is_alone(make_survey, typed):
    for samples, training in (("specz,colour", {1}), ("colour", {2})):
        survey = make_survey(samples=samples)
        add_galaxy(survey, typed, 1, 10.0, 1.0)
        survey.add("raw.hsc_objects", typed.hsc_object(2))
        survey.add("raw.hsc_masks", typed.hsc_mask(2))
        survey.run("select")
        assert {row[0] for row in survey.rows("select object_id from survey.classes where is_training")} == training


def test_rank_one_is_the_nearest_then_the_higher_signal_then_the_smaller_id(make_survey, typed):
    survey = make_survey()
    add_galaxy(survey, typed, 1, 10.0, 0.0)
    add_galaxy(survey, typed, 2, 10.0, 1.5 * ARCSEC)
    sources = [
        ("30", 0.8, 50.0),
        ("200", 0.4, 5.0),
        ("100", 0.4, 7.0),
        ("20", 0.4, 7.0),
        ("9", 0.4, None),
        ("1", 2.6, 99.0),
    ]
    for specobjid, arcsec, signal in sources:
        add_spectrum(survey, typed, specobjid, 10.0, arcsec * ARCSEC, sn_median=signal)
    survey.run("select")
    query = "select source_id, rank, n_within_radius, n_galaxies_claiming from survey.matches where object_id = {}"
    assert survey.rows(query.format(1) + " order by rank") == [
        ("20", 1, 5, 1),
        ("100", 2, 5, 1),
        ("200", 3, 5, 1),
        ("9", 4, 5, 1),
        ("30", 5, 5, 2),
    ]
    assert survey.rows(query.format(2) + " order by rank") == [("30", 1, 1, 2)]
    assert survey.rows("select object_id, specobjid from survey.line_strengths order by 1") == [(1, "20"), (2, "30")]


def test_matches_equal_astropys_nearest_neighbours(make_survey, typed):
    """Galaxies over RA 0/360 and beside the pole; each catalogue at its own radius."""
    random = np.random.default_rng(3)
    radii = {"mpa_jhu": 1.0, "dr16q": 2.0, "milliquas": 0.5, "gama": 1.0, "gswlc": 1.0}
    survey = make_survey(**{f"match_radius_{catalog}": radius for catalog, radius in radii.items()})
    n = 60
    dec = np.concatenate([random.uniform(-1, 1, n // 2), random.uniform(89.99, 90, n - n // 2)])
    ra = random.uniform(-0.01, 0.01, n) % 360
    for number in range(n):
        add_galaxy(survey, typed, number, float(ra[number]), float(dec[number]))
    galaxies = SkyCoord(ra, dec, unit="deg")
    expected = set()
    for catalog, radius in radii.items():
        kept = random.permutation(n)[:40]
        angles, distances = random.uniform(0, 360, 40), random.uniform(0, 3, 40)
        near = galaxies[kept].directional_offset_by(angles * u.deg, distances * u.arcsec)
        for k in range(40):
            place = {"ra": float(near.ra.deg[k]), "dec": float(near.dec.deg[k])}
            if catalog == "mpa_jhu":
                survey.add("raw.galspec_info", typed.galspec_info(f"{k}", **place))
            elif catalog == "dr16q":
                survey.add("raw.dr16q", {"sdss_name": f"{k}"} | place)
            elif catalog == "milliquas":
                survey.add("raw.milliquas", {"name": f"{k}", "type": "Q"} | place)
            elif catalog == "gama":
                survey.add("raw.gama", {"specid": f"{k}"} | place)
            else:
                survey.add("raw.gswlc", {"objid": k} | place)
        index, separation, _ = galaxies.match_to_catalog_sky(near)
        for number in np.flatnonzero(separation.arcsec <= radius):
            expected.add((int(number), catalog, str(index[number])))
    survey.run("select")
    assert len(expected) > 60
    found = survey.rows("select object_id, catalog, source_id from survey.matches where rank = 1")
    assert set(found) == expected


def test_line_strengths_and_ew_band_equal_numpys(make_survey, typed):
    """Random spectra with missing measurements; throughputs interpolated by numpy."""
    random = np.random.default_rng(5)
    survey = make_survey()
    curves = {}
    for band, (low, high) in {"g": (4000, 5500), "r": (5400, 7000), "i": (6800, 8500), "z": (8400, 9400)}.items():
        wavelengths = np.sort(random.uniform(low, high, 25))
        responses = random.uniform(-0.01, 0.6, 25)
        curves[band] = (wavelengths, np.clip(responses, 0, None))
        for wavelength, response in zip(wavelengths.tolist(), responses.tolist(), strict=True):
            survey.add("raw.filter_curves", {"band": band, "wavelength": wavelength, "response": response})
    expected_groups, expected_bands = {}, {}
    for number in range(1, 41):
        redshift = float(random.uniform(0.06, 0.19))
        lines = {}
        for line in LINES:
            lines |= {f"{line}_eqw": float(random.normal(-20, 30)), f"{line}_eqw_err": float(random.uniform(0.1, 3))}
            lines |= {f"{line}_flux": float(random.normal(50, 50)), f"{line}_cont": float(random.uniform(1, 5))}
            if random.random() < 0.2:
                key, value = [("eqw_err", 0.0), ("eqw_err", -1.0), ("eqw", -9999.0), ("eqw", float("nan"))][
                    random.integers(4)
                ]
                lines[f"{line}_{key}"] = value
        add_galaxy(survey, typed, number, 10 + number / 100, 1.0, redshift)
        add_spectrum(survey, typed, str(number), 10 + number / 100, 1.0, lines, z=redshift)
        observed = {
            line: -lines[f"{line}_eqw"] * (1 + redshift)
            for line in LINES
            if lines[f"{line}_eqw_err"] > 0 and abs(lines[f"{line}_eqw"]) <= 9000
        }
        for group, members in GROUPS.items():
            values = [observed[line] for line in members if line in observed]
            expected_groups[number, group] = sum(values) if values else None
        for band, (wavelengths, responses) in curves.items():
            throughput = {
                line: np.interp(wavelength * (1 + redshift), wavelengths, responses, left=0, right=0) / responses.max()
                for line, wavelength in LINES.items()
            }
            expected_bands[number, band] = sum(max(ew, 0) * throughput[line] for line, ew in observed.items())
            expected_bands[number, band, "signed"] = sum(ew * throughput[line] for line, ew in observed.items())
        flux = [lines[f"{line}_flux"] / lines[f"{line}_cont"] for line in GROUPS["halpha_nii"]]
        expected_groups[number, "flux"] = sum(flux)
    survey.run("select")
    for row in survey.records("from survey.line_strengths"):
        for group in GROUPS:
            expected = expected_groups[row["object_id"], group]
            assert row[f"ew_{group}"] == (None if expected is None else pytest.approx(expected, rel=1e-12))
        assert row["ew_halpha_nii_flux_rest"] == pytest.approx(expected_groups[row["object_id"], "flux"], rel=1e-12)
        groups = [expected_groups[row["object_id"], group] for group in GROUPS]
        best = max(value for value in groups if value is not None)
        assert row["xelg_ew"] == pytest.approx(best, rel=1e-12)
    rows = survey.records("from survey.band_line_strengths")
    assert len(rows) == 40 * 5
    for row in rows:
        if row["band"] == "y":
            assert row["ew_band"] is None
            continue
        key = (row["object_id"], row["band"])
        assert row["ew_band"] == pytest.approx(expected_bands[key], rel=1e-9, abs=1e-9)
        assert row["ew_band_signed"] == pytest.approx(expected_bands[*key, "signed"], rel=1e-9, abs=1e-9)


def test_ew_band_by_absolute_throughput_and_at_the_ends_of_a_curve(make_survey, typed):
    survey = make_survey(ew_band_throughput="absolute")
    place = LINES["h_alpha"] * 1.1
    for band, points in {
        "g": [(place - 10, 0.2), (place, 0.5)],
        "r": [(place, 0.25), (place + 10, 0.5)],
        "i": [(place + 0.1, 0.5), (place + 10, 0.5)],
    }.items():
        for wavelength, response in points:
            survey.add("raw.filter_curves", {"band": band, "wavelength": wavelength, "response": response})
    add_galaxy(survey, typed, 1, 10.0, 1.0)
    only = {f"{line}_eqw_err": 0.0 for line in LINES if line != "h_alpha"} | {"h_alpha_eqw": -100.0}
    add_spectrum(survey, typed, "1", 10.0, 1.0, only)
    survey.run("select")
    found = dict(survey.rows("select band, ew_band from survey.band_line_strengths"))
    assert found == pytest.approx({"g": 55.0, "r": 27.5, "i": 0.0, "z": None, "y": None})


def test_ew_band_as_a_fraction_is_what_a_line_adds_to_the_light_of_the_band(make_survey, typed):
    """Light of a continuum of constant f_nu and of a line on it, summed through the curve by numpy."""
    survey = make_survey(ew_band_throughput="fraction")
    wavelengths, responses = np.linspace(5400.0, 7000.0, 400), np.sin(np.linspace(0, np.pi, 400)) * 0.5
    for wavelength, response in zip(wavelengths.tolist(), responses.tolist(), strict=True):
        survey.add("raw.filter_curves", {"band": "r", "wavelength": wavelength, "response": response})
    lines = {f"{line}_eqw": 0.0 for line in LINES} | {"oiii_5007_eqw": -50.0}
    add_galaxy(survey, typed, 1, 10.0, 1.0, 0.15)
    add_spectrum(survey, typed, "1", 10.0, 1.0, lines, z=0.15)
    survey.run("select")
    observed = LINES["oiii_5007"] * 1.15
    # per unit of f_nu at the line: photons are T dln(lambda) of the continuum, T EW / lambda of the line
    light = np.trapezoid(responses, np.log(wavelengths))
    added = 50.0 * 1.15 / observed * np.interp(observed, wavelengths, responses)
    found = dict(survey.rows("select band, ew_band from survey.band_line_strengths where ew_band is not null"))
    assert found == {"r": pytest.approx(added / light, rel=1e-9)}
