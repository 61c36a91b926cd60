"""Figure 13, the numbers of sections 4.3 and 4.4 and of the appendices, figures 8, 15 and 18, counted with numpy."""

import numpy as np
import pytest

SELECTION = ("g", "r", "i")


def catalogues(drawn):
    """By catalogue: masses and rates of the objects of specz, NaN where there is none; who is no AGN or quasar."""
    t = drawn.t
    n = int(t.is_specz.sum())
    known_nuclei = (
        (t.classes == "dr16q") | np.array([m is not None for m in t.milliquas]) | (t.has_mpa & (t.bptclass >= 4))
    )[:n]
    fitted = t.in_gswlc & (t.gswlc_mass > -99)
    masses = {
        "mpa_jhu": np.where(t.has_mpa, t.log_mass, np.nan)[:n],
        "gswlc": np.where(fitted, t.gswlc_mass, np.nan)[:n],
    }
    return t, n, masses, t.log_sfr[:n], ~known_nuclei


@pytest.mark.parametrize("catalog", ["mpa_jhu", "gswlc"])
def test_figure13_shows_the_selected_over_all(drawn, catalog):
    t, _, masses, sfr, kept = catalogues(drawn)
    mass = masses[catalog]
    kept &= np.isfinite(mass)
    cells, counts = np.unique(np.floor(10 * np.stack([mass, sfr]))[:, kept], axis=1, return_counts=True)
    found = drawn.survey.rows(
        f"select x_bin, y_bin, n from paper.figure13_density where sample = 'specz' and catalog = '{catalog}'"
    )
    assert sorted(found) == sorted(zip(*cells.astype(int).tolist(), counts.tolist(), strict=True))
    for position, band in enumerate(SELECTION):
        where = f"where sample = 'specz' and catalog = '{catalog}' and band = '{band}'"
        chosen = kept & drawn.specz.selected[position]
        assert drawn.survey.rows(
            f"select object_id, log_mass, log_sfr, is_most_anomalous from paper.figure13 {where} order by object_id"
        ) == [(t.ids[k], mass[k], sfr[k], drawn.specz.level[position, k] != "2sigma") for k in np.flatnonzero(chosen)]
        for quantity, values in (("log_mass", mass), ("log_sfr", sfr)):
            rows = drawn.survey.records(f"from paper.figure13_histograms {where} and quantity = '{quantity}'")
            bins, counts = np.unique(np.floor(5 * values[kept]), return_counts=True)
            assert {row["bin"]: row["n_all"] for row in rows} == dict(zip(bins, counts, strict=True))
            bins, counts = np.unique(np.floor(5 * values[chosen]), return_counts=True)
            assert {row["bin"]: row["n_selected"] for row in rows if row["n_selected"]} == dict(
                zip(bins, counts, strict=True)
            )
            assert {(row["n_total"], row["n_selected_total"]) for row in rows} == {(kept.sum(), chosen.sum())}


def test_the_main_sequence_is_renzini_and_peng(drawn):
    for mass, sfr in drawn.survey.rows("from paper.figure13_main_sequence"):
        assert sfr == pytest.approx(0.76 * mass - 7.64)


def test_the_numbers_of_the_text_are_counted_as_it_says(drawn):
    t, n, *_ = catalogues(drawn)
    verdict, classes, mpa = drawn.specz, t.classes[:n], t.has_mpa[:n]
    candidates = verdict.selected.any(axis=0)
    most = verdict.selected & np.isin(verdict.level, ["3sigma", "3.5sigma"])
    in_gswlc, failed = t.in_gswlc[:n], t.in_gswlc[:n] & (t.gswlc_mass[:n] == -99)
    quasars = (classes == "dr16q") | np.array([m is not None for m in t.milliquas[:n]])
    missed = mpa & (t.ew_band[:3, :n] > 100) & (verdict.level[:3] == "")
    expected = {
        "candidates": (candidates.sum(), n, 5955 / 49319),
        "candidates that are in DR16Q or Milliquas": ((candidates & quasars).sum(), candidates.sum(), 248 / 5955),
        "galaxies with EW_band > 100 A below the threshold there that another band selects": (
            (missed & candidates).sum(),
            missed.sum(),
            0.7,
        ),
        "failed SED fits in GSWLC-2, all galaxies": (failed.sum(), in_gswlc.sum(), 0.0067),
        "failed SED fits in GSWLC-2, most anomalous galaxies": (
            (failed & most.any(axis=0)).sum(),
            (in_gswlc & most.any(axis=0)).sum(),
            0.16,
        ),
    }
    for position, (band, paper) in enumerate(zip(SELECTION, (0.71, 0.48, 0.65), strict=True)):
        expected[f"XELGs of the MPA-JHU galaxies above 3 sigma in {band}"] = (
            (most[position] & (classes == "xelg")).sum(),
            (most[position] & mpa).sum(),
            paper,
        )
        chosen = verdict.selected[position]
        expected[f"galaxies selected in {band} without mass and rate in GSWLC-2"] = (
            (chosen & ~(in_gswlc & ~failed)).sum(),
            chosen.sum(),
            0.78 if band == "r" else None,
        )
    found = {row["name"]: row for row in drawn.survey.records("from paper.numbers where sample = 'specz'")}
    for name, (k, total, paper) in expected.items():
        assert (found[name]["our_n"], found[name]["our_total"]) == (k, total), name
        assert found[name]["our_value"] == pytest.approx(k / total), name
        assert found[name]["paper_value"] == (None if paper is None else pytest.approx(paper)), name
        assert found[name]["kind"] == "fraction"


def test_every_number_names_a_file_of_ours(drawn):
    from importlib import resources

    root = resources.files("swimmy_db.sql")
    for (name,) in drawn.survey.rows("select distinct sql_file from paper.numbers"):
        assert (root / name.removeprefix("sql/")).is_file(), name


def test_figure18_and_the_colour_cut(drawn):
    random = np.random.default_rng(3)
    n = 400
    redshift = random.uniform(0.0, 0.5, n)
    has_redshift, is_sdss, passes = random.random((3, n)) < [[0.8], [0.9], [0.4]]
    is_sdss &= has_redshift
    survey = drawn.survey
    survey.connection.execute("delete from survey.colour_trial")
    survey.add_columns(
        "survey.colour_trial",
        object_id=list(range(n)),
        redshift=[z if known else None for z, known in zip(redshift.tolist(), has_redshift, strict=True)],
        is_sdss=is_sdss.tolist(),
        passes_colour=passes.tolist(),
    )
    survey.run("paper")
    edges = np.arange(51) / 100
    rows = survey.records("from paper.figure18 order by bin")
    assert [row["n_all"] for row in rows] == np.histogram(redshift[is_sdss], edges)[0].tolist()
    assert [row["n_colour"] for row in rows] == np.histogram(redshift[is_sdss & passes], edges)[0].tolist()
    inside = is_sdss & (redshift > 0.05) & (redshift < 0.2)
    outside = is_sdss & ~inside
    expected = {
        "completeness of the colour cut": (inside & passes, inside, 0.965),
        "galaxies outside the redshift limits that the colour cut removes": (outside & ~passes, outside, 0.886),
        "outliers in what the colour cut leaves": (outside & passes, is_sdss & passes, 0.209),
        "objects left by the colour cut": (passes, np.ones(n, bool), 487152 / 839908),
    }
    found = {row["name"]: row for row in survey.records("from paper.numbers where sample = 'colour'")}
    for name, (some, among, paper) in expected.items():
        assert (found[name]["our_n"], found[name]["our_total"]) == (some.sum(), among.sum()), name
        assert found[name]["paper_value"] == pytest.approx(paper)


def test_figure8_groups_profiles_by_selection_and_means_them(drawn):
    t, survey = drawn.t, drawn.survey
    quasars = np.flatnonzero((t.classes == "dr16q") & t.is_specz)
    values = np.random.default_rng(5).random((len(quasars), 4))
    for row, k in enumerate(quasars):
        survey.add_columns(
            "model.radial_profiles",
            sample="specz",
            checkpoint_id=t.checkpoints[drawn.number],
            object_id=int(t.ids[k]),
            band="g",
            image="residual",
            ring=[0, 1, 2, 3],
            radius=[0.7, 1.6, 2.5, 3.5],
            radius_arcsec=[0.1, 0.2, 0.3, 0.4],
            n_pixels=4,
            value=values[row].tolist(),
        )
    survey.run("paper")
    for position, band in enumerate(SELECTION):
        chosen = drawn.specz.selected[position, quasars]
        for is_selected in (True, False):
            where = f"where selection_band = '{band}' and is_selected = {is_selected}"
            means = survey.rows(
                f"select value, n_objects from paper.figure8 {where} and object_id is null order by ring"
            )
            group = values[chosen == is_selected]
            if len(group):
                np.testing.assert_allclose([mean for mean, _ in means], group.mean(axis=0), rtol=1e-13)
                assert {number for _, number in means} == {len(group)}
            singles = survey.rows(f"select value from paper.figure8 {where} and object_id is not null")
            assert sorted(value for (value,) in singles) == sorted(group.reshape(-1).tolist())


def test_figure15_shows_single_spectra_in_the_rest_frame(drawn):
    t, survey, random = drawn.t, drawn.survey, np.random.default_rng(6)
    most = drawn.specz.selected[0] & np.isin(drawn.specz.level[0], ["3sigma", "3.5sigma"])
    order = sorted(np.flatnonzero(most), key=lambda k: -drawn.specz.scores[0, k])
    loglam = 3.58 + 1e-4 * np.arange(3840)
    spectra = {}
    for fibre, k in enumerate(order[1:4], 1):
        flux = random.normal(5, 1, len(loglam)).astype(np.float32)
        ivar = (random.random(len(loglam)) > 0.1).astype(np.float32)
        redshift = float(t.redshift[k])
        spectra[int(t.ids[k])] = (flux, ivar, redshift)
        survey.add(
            "raw.spectra",
            {"plate": 266, "mjd": 51630, "fiberid": fibre, "z": redshift, "loglam": loglam.tolist()}
            | {"flux": flux.tolist(), "ivar": ivar.tolist()},
        )
        survey.add(
            "survey.spectra_matches",
            {"object_id": int(t.ids[k]), "plate": 266, "mjd": 51630, "fiberid": fibre, "redshift": redshift, "rank": 1},
        )
    survey.run("paper")
    rows = survey.records("from paper.figure15_spectra where selection_band = 'g' order by place, pixel")
    assert list(dict.fromkeys(row["object_id"] for row in rows)) == [int(t.ids[k]) for k in order[1:4]]
    for object_id, (flux, ivar, redshift) in spectra.items():
        rest = loglam - np.log10(1 + redshift)
        good = ivar > 0
        level = np.median(flux[good & (10**rest >= 5400) & (10**rest <= 5600)].astype(float))
        bins = np.floor(2500 * rest[good]).astype(int)
        sums = np.bincount(bins - bins[0], weights=flux[good]) / np.bincount(bins - bins[0]) / level
        found = [row for row in rows if row["object_id"] == object_id]
        # the rest-frame wavelength of a pixel at an edge may fall to either side in the last bit
        shared = dict(zip((bins[0] + np.arange(len(sums))).tolist(), sums, strict=True))
        close = [np.isclose(row["flux"], shared[row["pixel"]], rtol=1e-9) for row in found]
        assert np.mean(close) > 0.99
        assert len(found) == pytest.approx(len(sums), abs=1)


def test_what_can_be_given_is_said_to_be_there(drawn):
    rows = {row["item"]: row for row in drawn.survey.records("from paper.availability")}
    for row in rows.values():
        if row["table_name"] != "paper.table5" and row["item"] not in ("figure 13", "figure 13, by GSWLC-2"):
            ((n,),) = drawn.survey.rows(f"select count(*) from {row['table_name']}")
            assert row["is_available"] == (n > 0), row
        assert row["is_available"] == (row["reason"] is None)
    assert rows["figure 5"]["n_rows"] > 0
