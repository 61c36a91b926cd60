"""The whole: same options, same bytes, whatever the number of processes; controls as tars; refusals."""

import hashlib
import io
import tarfile

import numpy as np
import pytest
from astropy.io import fits

from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.survey import render_controls, simulate


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pictures(folder):
    """object_id, band -> pixels of all cutouts in a folder of tars."""
    found = {}
    for listing in sorted(folder.glob("*.txt")):
        lines = listing.read_text().splitlines()
        with tarfile.open(listing.with_suffix(".tar")) as tar:
            for member in tar.getmembers():
                line = lines[int(member.name.split("/")[1].split("-")[0]) - 1]
                key = (int(line.split("object_id=")[1]), line.split()[2][-1].lower())
                payload = tar.extractfile(member).read()
                if payload.startswith(b"SIMPLE") and len(payload) > 40_000:
                    found[key] = fits.getdata(io.BytesIO(payload), 1)
    return found


def test_the_same_options_give_the_same_bytes_with_any_number_of_processes(small_survey, small_options, tmp_path):
    calls = []
    simulate(tmp_path, small_options.model_copy(update={"jobs": 2}), lambda done, total: calls.append((done, total)))
    assert digests(tmp_path) == digests(small_survey)
    assert calls[0][0] == 0
    assert calls[-1][0] == calls[-1][1] > 60
    with pytest.raises(FileExistsError, match="not empty"):
        simulate(tmp_path, small_options)


def test_another_seed_is_another_survey(small_options):
    from swimmy_db.sources.simulated.population import plan

    first, second = (
        {(galaxy.ra, galaxy.dec) for galaxy in plan(small_options.model_copy(update={"seed": seed})).galaxies}
        for seed in (3, 4)
    )
    # The same real galaxy may be folded to the same place in both.
    assert len(first & second) < 0.1 * len(first)


def test_controls_are_the_same_galaxies_without_the_planted_light(small_survey, small_options, small_truth, tmp_path):
    xelgs = [key for key, row in small_truth.items() if row["xelg_planted"] and row["is_member"]]
    quasars = [key for key, row in small_truth.items() if row["nucleus_to_host"] and row["is_member"]]
    whole = pictures(small_survey / "hsc" / "cutouts")
    for without, ids in (("lines", xelgs), ("nucleus", quasars)):
        render_controls(tmp_path / without, small_options, ids, without)
        control = pictures(tmp_path / without)
        assert {key[0] for key in control} == set(ids)
        for object_id in ids:
            changed = [np.nansum(whole[object_id, band] - control[object_id, band]) for band in "grizy"]
            assert max(changed) > 0
            corner = whole[object_id, "z"][:6, :6] - control[object_id, "z"][:6, :6]
            assert np.abs(corner).max() < 0.1 * np.std(whole[object_id, "z"][:6, :6])
    with pytest.raises(ValueError, match="'lines' or without 'nucleus'"):
        render_controls(tmp_path / "neither", small_options, xelgs, "dust")


def test_options_are_described_and_strict():
    for name, field in SurveyOptions.model_fields.items():
        assert field.description, name
    with pytest.raises(ValueError, match="xelgs"):
        SurveyOptions(xelgs=3)
