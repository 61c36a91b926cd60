"""What is planted: counts, shares, classes, places; and that its marginals are those of the real SDSS galaxies."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import ks_2samp

from swimmy_db.sources.simulated.failures import MISSING_VALUES
from swimmy_db.sources.simulated.options import FLAG_CUTS, SurveyOptions
from swimmy_db.sources.simulated.population import plan
from swimmy_db.sources.simulated.sky import MIN_SEPARATION, TRACTS
from swimmy_db.sources.simulated.spectra import sdss_galaxies
from swimmy_db.sources.simulated.truth import survey_class
from swimmy_db.sources.skymap import decode_object_id, locate


def members(survey):
    return [galaxy for galaxy in survey.galaxies if galaxy.is_member and not galaxy.bad_stamp]


def magnitudes(galaxies):
    return -2.5 * np.log10([galaxy.spectrum.total() for galaxy in galaxies])


def test_the_sample_has_the_papers_shares_and_enough_of_every_population(default_plan):
    sample = members(default_plan)
    classes = Counter(survey_class(galaxy) for galaxy in sample)
    kinds = Counter(galaxy.kind for galaxy in sample)
    assert len(sample) == 3000
    assert sum(galaxy.has_mpa_jhu for galaxy in sample) / 3000 == pytest.approx(0.52, abs=0.03)
    assert classes["training"] / 3000 == pytest.approx(0.43, abs=0.03)
    assert classes["other_specz"] / 3000 == pytest.approx(0.46, abs=0.03)
    assert classes["dr16q"] >= 30
    assert classes["xelg"] >= 60
    high_bpt = sum(galaxy.has_mpa_jhu and galaxy.bpt_class >= 3 for galaxy in sample)
    assert high_bpt / 3000 == pytest.approx(0.078, abs=0.015)
    quasars = [g for g in sample if g.milliquas_type[:1] == "Q" and not g.in_dr16q]
    type_1 = [g for g in sample if g.milliquas_type[:1] == "A" and not g.in_dr16q]
    type_2 = [g for g in sample if g.milliquas_type[:1] in ("N", "K") and not g.in_dr16q]
    assert len(quasars) >= 15
    assert len(type_1) >= 40
    assert len(type_2) >= 60
    assert min(kinds[kind] for kind in ("decoy", "chance", "merger", "liner", "composite")) >= 30
    artefacts = Counter(galaxy.artefact for galaxy in sample)
    assert (artefacts["r_zero_point"], artefacts["saturated_core"], artefacts["satellite_trail"]) == (24, 9, 9)


def test_planted_strengths_keep_faint_nuclei_and_weak_lines(default_plan):
    xelgs = [galaxy for galaxy in members(default_plan) if galaxy.kind == "xelg" and galaxy.has_mpa_jhu]
    strengths = np.array([galaxy.spectrum.strongest_ew() for galaxy in xelgs])
    assert strengths.min() > 100.0
    assert strengths.max() < 1501.0
    assert np.mean(strengths < 200.0) > 0.3
    assert {galaxy.line_place for galaxy in xelgs} == {"nucleus", "compact", "disc", "off_centre"}
    # The lines of the templates make XELGs too; they are classed so, not left in training.
    natural = [g for g in members(default_plan) if survey_class(g) == "xelg" and g.kind == "galaxy"]
    assert len(natural) >= 3
    decoys = [galaxy.spectrum.strongest_ew() for galaxy in members(default_plan) if galaxy.kind == "decoy"]
    assert 20.0 < min(decoys) < max(decoys) < 95.1
    quasars = [g for g in members(default_plan) if g.kind in ("dr16q", "milliquas_quasar")]
    ratios = np.array([galaxy.nucleus_to_host for galaxy in quasars])
    assert ratios.min() < 0.07
    assert ratios.max() > 1.2
    assert np.median(ratios) == pytest.approx(0.3, rel=0.7)


def test_ordinary_galaxies_of_mpa_jhu_have_the_real_magnitudes_and_colours(default_plan):
    """Against the SDSS galaxies with 0.05 < z < 0.2 themselves, in HSC's filters by hscPipe's colour terms."""
    ordinary = [g for g in members(default_plan) if g.kind == "galaxy" and g.has_mpa_jhu]
    ours = magnitudes(ordinary)
    sdss = sdss_galaxies()
    inside = (sdss.redshift > 0.05) & (sdss.redshift < 0.2)
    g, r, i, z = -2.5 * np.log10(sdss.maggies[inside][:, 1:]).T
    real = np.array(
        [
            g - 0.0082 - 0.0837 * (g - r) - 0.0073 * (g - r) ** 2,
            r - 0.0008 - 0.0284 * (r - i) - 0.0192 * (r - i) ** 2,  # r2
            i + 0.0012 - 0.2074 * (i - z) - 0.0107 * (i - z) ** 2,  # i2
        ]
    ).T
    for name, mine, theirs, tolerance in (
        ("i", ours[:, 2], real[:, 2], 0.08),
        ("g-r", ours[:, 0] - ours[:, 1], real[:, 0] - real[:, 1], 0.03),
        ("r-i", ours[:, 1] - ours[:, 2], real[:, 1] - real[:, 2], 0.03),
    ):
        print(name, np.percentile(mine, [5, 25, 50, 75, 95]), np.percentile(theirs, [5, 25, 50, 75, 95]))
        assert np.median(mine) == pytest.approx(np.median(theirs), abs=tolerance), name
        spread = np.ptp(np.percentile(mine, [5, 95])) / np.ptp(np.percentile(theirs, [5, 95]))
        assert spread == pytest.approx(1.0, abs=0.15), name
    redshifts = [galaxy.redshift for galaxy in ordinary]
    assert ks_2samp(redshifts, sdss.redshift[inside]).pvalue > 1e-3
    # All of it, GAMA's faint galaxies with it, reaches the magnitude limit.
    everything = magnitudes(members(default_plan))[:, 2]
    assert everything.max() < 20.0
    assert np.mean(everything > 18.5) > 0.15


def test_ordinary_galaxies_are_of_all_kinds(default_plan):
    ordinary = [galaxy for galaxy in members(default_plan) if galaxy.kind == "galaxy"]
    shares = Counter(galaxy.shape.morphology for galaxy in ordinary)
    for morphology in ("elliptical", "lenticular", "spiral", "barred", "edge_on", "irregular"):
        assert shares[morphology] / len(ordinary) > 0.05, morphology
    assert np.mean([galaxy.shape.dust_lane > 0 for galaxy in ordinary]) > 0.08
    radii = np.array([galaxy.shape.half_light_radius for galaxy in ordinary])
    assert np.mean(radii < 1.0) > 0.1
    assert np.mean(radii > 2.5) > 0.1


def test_ids_encode_where_the_objects_are_and_no_two_share_a_stamp(default_plan):
    galaxies = default_plan.galaxies
    for galaxy in galaxies:
        tract, patch_x, patch_y, _ = decode_object_id(galaxy.object_id)
        place = locate(galaxy.ra, galaxy.dec)
        assert (tract, 100 * patch_x + patch_y) == (galaxy.tract, galaxy.patch) == (place.tract, place.patch)
    assert len({galaxy.object_id for galaxy in galaxies}) == len(galaxies)
    assert {galaxy.tract for galaxy in galaxies} == set(TRACTS)
    across = [galaxy.ra for galaxy in galaxies if galaxy.tract == 9469]
    assert min(across) < 1.0
    assert max(across) > 359.0
    ra, dec = (np.radians([getattr(galaxy, name) for galaxy in galaxies]) for name in ("ra", "dec"))
    vectors = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]).T
    from scipy.spatial import cKDTree

    nearest = cKDTree(vectors).query(vectors, k=2)[0][:, 1]
    assert np.degrees(nearest.min()) * 3600 > 0.99 * MIN_SEPARATION


def test_members_lie_in_good_patches_and_the_others_fail_what_they_were_made_to_fail(default_plan):
    options = SurveyOptions()
    for galaxy in default_plan.galaxies:
        patch = default_plan.patches[galaxy.skymap_id]
        good = patch.seeing.max() <= 1.0 and (patch.depth >= np.array(options.depth_min)).all() and not patch.fault
        expected_bad = galaxy.failed_cut in ("seeing", "depth") or patch.fault.startswith("no_")
        assert good != expected_bad
        inside = 0.05 < galaxy.redshift < 0.2
        if galaxy.is_member:
            assert inside
        elif galaxy.failed_cut.startswith("redshift_") and galaxy.failed_cut != "redshift_too_far":
            assert not inside
    seeing = np.array([patch.seeing for patch in default_plan.patches.values() if not patch.fault])
    assert seeing.min() >= 0.5
    assert seeing.max() <= 0.9
    assert np.std(seeing, axis=0).min() > 0.02


def test_each_cut_and_each_lacking_value_has_its_objects(default_plan):
    failed = Counter(galaxy.failed_cut for galaxy in default_plan.galaxies if not galaxy.is_member)
    cuts = (
        *FLAG_CUTS,
        *("not_primary", "magnitude", "extendedness", "seeing", "depth", "redshift_low", "redshift_high"),
        *("insecure_redshift", "other_survey_redshift", "redshift_too_far", "no_redshift"),
    )
    assert min(failed[cut] for cut in cuts) >= 3
    lacking = {(g.failed_cut.removeprefix("missing:"), g.failed_detail) for g in default_plan.galaxies}
    assert set(MISSING_VALUES) <= lacking
    assert Counter(galaxy.bad_stamp for galaxy in default_plan.galaxies if galaxy.bad_stamp).most_common(1)[0][1] == 1


def test_counts_follow_the_options():
    survey = plan(SurveyOptions(n=80, xelg_share=0.1, dr16q_share=0.0, n_bad_stamps=0, failing_each=1, seed=5))
    sample = [galaxy for galaxy in survey.galaxies if galaxy.is_member]
    kinds = Counter(galaxy.kind for galaxy in sample)
    assert len(sample) == 80
    assert sum(galaxy.kind == "xelg" and galaxy.has_mpa_jhu for galaxy in sample) == 8
    assert kinds["dr16q"] == 0
    assert not any(galaxy.in_dr16q for galaxy in sample)
    assert not any(galaxy.bad_stamp for galaxy in sample)
