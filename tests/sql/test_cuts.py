"""The parent sample against cases typed by hand and against plain numpy on random catalogues."""

from itertools import pairwise

import numpy as np
import pytest

NAN, INF = float("nan"), float("inf")


def first_failed(survey, sample="specz"):
    return dict(survey.rows(f"select object_id, first_failed_cut from survey.cut_results where sample = '{sample}'"))


def one_object(typed, survey, objects=None, mask=None, patch=None, specz=None):
    survey.add("raw.hsc_objects", typed.hsc_object(1, **(objects or {})))
    if mask is not False:
        survey.add("raw.hsc_masks", typed.hsc_mask(1, **(mask or {})))
    if patch is not False:
        survey.add("raw.hsc_patches", typed.hsc_patch(**(patch or {})))
    if specz is not False:
        survey.add("raw.specz", typed.specz(1, **(specz or {})))
    survey.run("select")
    return first_failed(survey)[1]


CASES = [
    ({}, None),
    ({"objects": {"isprimary": False}}, "not primary"),
    ({"objects": {"isprimary": None}}, "not primary"),
    ({"patch": False}, "seeing missing"),
    ({"patch": {"yseeing": NAN}}, "seeing missing"),
    ({"patch": {"yseeing": 1.0}}, None),
    ({"patch": {"yseeing": 1.0001}}, "seeing"),
    ({"patch": {"zmag_psf_depth": None}}, "depth missing"),
    ({"patch": {"zmag_psf_depth": 24.47}}, None),
    ({"patch": {"zmag_psf_depth": 24.46}}, "depth"),
    ({"objects": {"i_cmodel_mag": NAN}}, "magnitude missing"),
    ({"objects": {"i_cmodel_mag": -INF}}, "magnitude missing"),
    ({"objects": {"i_cmodel_mag": 99.0}}, "magnitude missing"),
    ({"objects": {"i_cmodel_mag": 20.0, "i_psfflux_mag": 21.0}}, "magnitude"),
    ({"objects": {"i_cmodel_mag": 19.999, "i_psfflux_mag": 21.0}}, None),
    ({"objects": {"y_cmodel_mag": INF}}, "magnitude missing in a band"),
    ({"specz": False}, "redshift missing"),
    ({"specz": {"redshift": NAN}}, "redshift missing"),
    ({"specz": {"redshift": -9.0, "specz_flag_homogeneous": False}}, "redshift missing"),
    ({"specz": {"specz_flag_homogeneous": None}}, "redshift missing"),
    ({"specz": {"specz_flag_sdss_dr15": False}}, "redshift missing"),
    ({"specz": {"specz_flag_sdss_dr15": None, "specz_flag_gama_dr3": True}}, None),
    ({"specz": {"d_pos": 1.0}}, None),
    ({"specz": {"d_pos": 1.01}}, "redshift missing"),
    ({"specz": {"redshift": 0.05}}, "redshift"),
    ({"specz": {"redshift": 0.2}}, "redshift"),
    ({"specz": {"redshift": 0.0501}}, None),
    ({"mask": False}, "flag missing"),
    ({"objects": {"z_pixelflags_bad": None}}, "flag missing"),
    ({"objects": {"i_psfflux_mag": None}}, "psf magnitude missing"),
    ({"objects": {"i_psfflux_mag": 19.1}}, "point source"),
    ({"objects": {"i_cmodel_mag": 0.0, "i_psfflux_mag": 0.2}}, "point source"),
]


def test_each_cut_alone_and_each_missing_value_has_its_own_name(make_survey, typed):
    survey = make_survey()
    cases = [*CASES]
    cases += [({"objects": {f"{band}_{flag}": True}}, flag) for band in typed.bands for flag in typed.flags]
    cases += [({"mask": {f"{band}_{mask}": True}}, mask) for band in typed.bands for mask in typed.masks]
    expected = {}
    for number, (changes, cut) in enumerate(cases, start=1):
        patch_id = 10_000 + number
        survey.add("raw.hsc_objects", typed.hsc_object(number, **{"skymap_id": patch_id} | changes.get("objects", {})))
        for key, table, row in (
            ("mask", "raw.hsc_masks", lambda c, n=number: typed.hsc_mask(n, **c)),
            ("patch", "raw.hsc_patches", lambda c, p=patch_id: typed.hsc_patch(p, **c)),
            ("specz", "raw.specz", lambda c, n=number: typed.specz(n, **c)),
        ):
            if changes.get(key) is not False:
                survey.add(table, row(changes.get(key, {})))
        expected[number] = cut
    survey.run("select")
    assert first_failed(survey) == expected
    assert {row[0] for row in survey.rows("select object_id from survey.sample_members")} == {
        number for number, cut in expected.items() if cut is None
    }
    # a spoiled value fails one cut and no other; a missing one also fails the limits on it
    several = "first_failed_cut not like '%missing%' and n_failed <> 1"
    assert survey.rows(f"select * from survey.cut_results where {several}") == []
    flow = survey.rows("select n_before, n_after from survey.cut_flow where sample = 'specz' order by step")
    assert flow[0][0] == len(cases)
    assert all(before == after for (_, after), (before, _) in pairwise(flow))
    assert flow[-1][1] == sum(cut is None for cut in expected.values())


def test_of_several_redshifts_the_nearest_secure_one_counts(make_survey, typed):
    survey = make_survey()
    survey.add(
        "raw.specz",
        typed.specz(1, 0.11, d_pos=0.3, specz_name="far"),
        typed.specz(1, 0.12, d_pos=0.1, specz_name="near"),
        typed.specz(1, 0.13, d_pos=0.0, specz_name="nearest, not secure", specz_flag_homogeneous=False),
        typed.specz(1, 0.14, d_pos=0.0, specz_name="nearest, of no survey that counts", specz_flag_sdss_dr15=False),
    )
    survey.run("select")
    assert survey.rows("select object_id, redshift, specz_source, n_redshifts from survey.spec_redshifts") == [
        (1, 0.12, "near", 2)
    ]


@pytest.mark.parametrize(
    ("setting", "changes", "member"),
    [
        ("seeing_max", {"patch": {"gseeing": 5.0}}, True),
        ("magnitude_max", {"objects": {"i_cmodel_mag": 25.0, "i_psfflux_mag": 26.0}}, True),
        ("extendedness_min", {"objects": {"i_psfflux_mag": None}}, True),
        ("redshift_max", {"specz": {"redshift": 3.0}}, True),
        ("redshift_max", {"specz": {"redshift": 0.05}}, False),
    ],
)
def test_a_cut_without_a_value_is_not_applied(make_survey, typed, setting, changes, member):
    assert (one_object(typed, make_survey(**{setting: None}), **changes) is None) == member


def test_depth_and_extinction_switches(make_survey, typed):
    assert one_object(typed, make_survey(apply_depth_cut=False), patch={"gmag_psf_depth": 20.0}) is None
    faint = {"i_cmodel_mag": 20.05, "i_psfflux_mag": 21.0}
    assert one_object(typed, make_survey(), objects=faint) == "magnitude"
    assert one_object(typed, make_survey(extinction_corrected=True), objects=faint) is None


def test_a_flag_that_the_catalogue_has_not_is_missing_in_every_object(make_survey, typed):
    assert one_object(typed, make_survey(flag_cuts="pixelflags_bad,pixelflags_misspelt")) == "flag missing"
    assert one_object(typed, make_survey(flag_cuts="pixelflags_bad"), mask=False) is None
    assert one_object(typed, make_survey(flag_cuts=""), mask=False, objects={"g_pixelflags_bad": True}) is None


def test_only_samples_named_are_selected_and_the_colour_sample_has_no_redshift(make_survey, typed):
    survey = make_survey(samples="specz, colour")
    survey.add("raw.hsc_patches", typed.hsc_patch())
    cases = {
        1: ({}, typed.specz(1), "has a redshift"),
        2: ({}, None, None),
        3: ({"g_cmodel_mag": 20.41}, None, "g - r"),
        4: ({"r_cmodel_mag": 19.9, "g_cmodel_mag": 20.0}, None, "r - z"),
        5: ({}, typed.specz(5, specz_flag_homogeneous=False), None),
    }
    for number, (changes, specz, _) in cases.items():
        survey.add("raw.hsc_objects", typed.hsc_object(number, **changes))
        survey.add("raw.hsc_masks", typed.hsc_mask(number))
        if specz:
            survey.add("raw.specz", specz)
    survey.run("select")
    assert first_failed(survey, "colour") == {number: case[2] for number, case in cases.items()}
    assert survey.rows("select distinct sample from survey.cut_results order by 1") == [("colour",), ("specz",)]
    assert survey.rows("select object_id, samples from survey.galaxies order by 1") == [
        (1, "specz"),
        (2, "colour"),
        (5, "colour"),
    ]


def test_an_own_catalogue_is_cut_only_on_what_it_gives(make_survey, typed):
    bands = [
        {"band": band, "archive_name": band, "reference_wavelength": 5000.0, "psf_depth_min": 24.0}
        for band in ("u", "r", "ks")
    ]
    survey = make_survey(samples="own", bands=bands, magnitude_band="r", magnitude_max=22.0)
    cases = {
        1: ({}, {}, None),
        2: ({"flagged": True}, {}, "flagged"),
        3: ({"is_point_source": True}, {}, "point source by its catalogue"),
        4: ({}, {"psf_magnitude": 21.1}, "point source"),
        5: ({"is_point_source": False}, {"psf_magnitude": 21.1}, None),
        6: ({}, {"magnitude": None}, "magnitude missing"),
        7: ({}, {"magnitude": 22.0}, "magnitude"),
        8: ({}, {"seeing_fwhm": 1.2}, "seeing"),
        9: ({}, {"psf_depth": 23.0}, "depth"),
        10: ({"redshift": NAN}, {"psf_magnitude": NAN, "seeing_fwhm": NAN}, None),
    }
    for number, (changes, photometry, _) in cases.items():
        survey.add("raw.own_objects", {"object_id": number, "ra": 1.0, "dec": 2.0} | changes)
        survey.add("raw.own_photometry", {"object_id": number, "band": "r", "magnitude": 21.0} | photometry)
    survey.run("select")
    assert first_failed(survey, "own") == {number: case[2] for number, case in cases.items()}
    assert survey.rows("select band, cmodel_mag from survey.photometry where object_id = 1 order by band") == [
        ("ks", None),
        ("r", 21.0),
        ("u", None),
    ]


def test_the_sample_is_the_one_that_numpy_finds(make_survey, typed):
    """Random values near every limit, missing ones among them; the truth is written from the paper's words."""
    random = np.random.default_rng(1)
    survey = make_survey()
    n_patches, n_objects = 12, 300

    def spoil(value, probability=0.03):
        return random.choice([NAN, INF, 99.0]) if random.random() < probability else value

    patches = {}
    for patch in range(n_patches):
        changes = {f"{band}seeing": float(random.uniform(0.5, 1.05)) for band in typed.bands}
        changes |= {"gmag_psf_depth": float(random.uniform(25.7, 26.5))}
        patches[patch] = typed.hsc_patch(patch, **changes)
        survey.add("raw.hsc_patches", patches[patch])
    expected, rows = set(), []
    for number in range(n_objects):
        mags = {f"{band}_cmodel_mag": spoil(float(random.uniform(19, 20.3)), 0.01) for band in typed.bands}
        row = typed.hsc_object(number, skymap_id=int(random.integers(n_patches + 1)), **mags)
        row["i_psfflux_mag"] = spoil(row["i_cmodel_mag"] + float(random.uniform(0.1, 0.8)))
        mask = typed.hsc_mask(number)
        for target, names in ((row, typed.flags), (mask, typed.masks)):
            if random.random() < 0.1:
                target[f"{random.choice(typed.bands)}_{random.choice(names)}"] = random.choice([True, None])
        redshift = spoil(float(random.uniform(0.03, 0.23)))
        specz = typed.specz(number, redshift, specz_flag_sdss_dr15=bool(random.random() < 0.8))
        rows.append((row, mask, specz))

        patch = patches.get(row["skymap_id"])
        flags = [row[f"{b}_{f}"] for b in typed.bands for f in typed.flags] + [
            mask[f"{b}_{f}"] for b in typed.bands for f in typed.masks
        ]
        magnitudes = np.array([row[f"{band}_cmodel_mag"] for band in typed.bands])
        if (
            patch is not None
            and max(patch[f"{band}seeing"] for band in typed.bands) <= 1.0
            and patch["gmag_psf_depth"] >= 25.82
            and np.all(np.isfinite(magnitudes) & (magnitudes < 90))
            and row["i_cmodel_mag"] < 20
            and all(flag is False for flag in flags)
            and np.isfinite(row["i_psfflux_mag"])
            and row["i_psfflux_mag"] - row["i_cmodel_mag"] > 0.2
            and row["i_psfflux_mag"] < 90
            and specz["specz_flag_sdss_dr15"]
            and 0.05 < redshift < 0.2
        ):
            expected.add(number)
    for table, added in zip(("raw.hsc_objects", "raw.hsc_masks", "raw.specz"), zip(*rows, strict=True), strict=True):
        survey.add(table, *added)
    survey.run("select")
    assert 10 < len(expected) < n_objects / 2
    assert {row[0] for row in survey.rows("select object_id from survey.sample_members")} == expected
