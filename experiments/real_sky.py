"""Embedded stamps beside real HSC pixels: what docs/real-sky.md shows.

    python experiments/real_sky.py --data FOLDER [--folder FOLDER] [--n 1500] [--runs 2]

--data: the folder of real pixels (hsc_blends_lsst_testdata_deblender, hsc_scarlet, hsc_deepdisc). Searches an embedded
survey and the three bands of hsc_deepdisc unless that is done in --folder already, measures, draws, and fills in the
tables of the page. About ten minutes on two cores; needs the `demo` extra.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import torch
from real_sky_measure import Stamps, colours, other_light, sizes, sky_of_counts, sky_of_cubes
from real_sky_pictures import draw_differences, draw_lines, draw_stamps, draw_stars
from real_sky_stamps import (
    Peak,
    blends,
    half_maximum_fwhm,
    has_whole_stamp,
    isolated_stars,
    psf_fwhm,
    read_back,
    scarlet,
    whole_peaks,
    write_cutouts,
)
from real_sky_tables import tables
from real_sky_three_bands import cut, read_images, read_objects, write_survey
from search_works_page import fill

from swimmy_db.catalog import open_catalog
from swimmy_db.config import Settings
from swimmy_db.cubes.build import build_cubes
from swimmy_db.cubes.psf import match_psf
from swimmy_db.cubes.stamps import read_stamps
from swimmy_db.cubes.store import CubeRecipe, CubeSet
from swimmy_db.cubes.writer import CubeSetWriter
from swimmy_db.model.checkpoints import load_checkpoint
from swimmy_db.model.score import reconstruct, score_checkpoints
from swimmy_db.pipeline.gallery import draw_gallery
from swimmy_db.pipeline.ingest import ingest_demo, ingest_own
from swimmy_db.pipeline.runner import run_stages
from swimmy_db.pipeline.settings import change_settings
from swimmy_db.workspace import Workspace

DOCS = Path(__file__).resolve().parent.parent / "docs"
N_EMBEDDED = 400
BRIGHT, FAINT = 17.5, 20.0
BEST = """
    select b.checkpoint_id, c.path from model.best_checkpoint b
    inner join model.checkpoints c using (checkpoint_id)
    where b.sample = 'specz' and b.aperture = 'disc'
"""
THRESHOLDS = """
    select band, s_anom_min from model.thresholds
    where checkpoint_id = ? and aperture = 'disc' and sample = 'specz' and level = '2sigma' and band in ('g', 'r', 'i')
"""
THREE_BANDS = """runs = 1
batch_size = 8
epochs = 100
first_saved_epoch = 60
learning_rate_epoch = 60
batchnorm_momentum = 0.1
not_applied = ["validation_loss_ratio_max"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real pixels")
    parser.add_argument("--folder", type=Path, help="workspaces; default: a temporary folder")
    parser.add_argument("--n", type=int, default=1500, help="galaxies of the embedded survey's sample")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--docs", type=Path, default=DOCS)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="real-sky-"))
    print(f"workspaces: {folder}", flush=True)
    workspace = Workspace(folder / "embedded")
    if not workspace.database.exists():
        ingest_demo(workspace, {"n": arguments.n, "seed": 1})
        change_settings(workspace, {"runs": str(arguments.runs)})
    finish(workspace)
    settings = workspace.settings()
    recipe = CubeRecipe.from_settings(settings)

    embedded = embedded_stamps(workspace, settings)
    images = (*blends(arguments.data), *scarlet(arguments.data))
    primaries = [(i, brightest(image)) for i, image in enumerate(images)]
    stars, whole = isolated_stars(blends(arguments.data)), whole_peaks(blends(arguments.data))
    real, peaks = real_stamps(folder / "galaxies", images, primaries, settings)
    measured = {
        "embedded": measure(embedded, recipe),
        "real": measure(real, recipe),
        "field": measure_field(arguments.data),
        "stars": measure_stars(folder / "stars", images, stars, settings),
        "psf": psf_widths(images[0].psfs),
    }
    measured["scores"], weights = scores(workspace, settings, embedded, folder)
    set_81, peaks_81 = real_stamps(folder / "whole", images, whole, settings)
    measured["whole"] = score_peaks(workspace, folder, "whole", set_81, peaks_81)
    measured["galaxies"] = score_peaks(workspace, folder, "galaxies", real, peaks)
    is_galaxy = galaxies_of(measured["real"], peaks)
    measured["is_galaxy"] = is_galaxy.tolist()
    (folder / "measured.json").write_text(json.dumps(measured), encoding="utf-8")

    checkpoint = load_checkpoint(weights, recipe)
    # at most the outermost six rows or columns of these are reflected
    has_room = np.array([has_whole_stamp(images[i], images[i].peaks[p], margin=-6) for i, p in primaries])
    shown = np.flatnonzero(galaxies_of(measured["real"], peaks, faint=21.5) & has_room)
    draw_stamps(
        arguments.docs / "real-sky-stamps.png",
        [
            ("HSC, real", some_of(real, checkpoint, shown, measured["real"])),
            ("embedded", some_of(embedded, checkpoint, comparable(measured["embedded"]), measured["embedded"])),
        ],
    )
    draw_differences(arguments.docs / "real-sky-differences.png", measured)
    draw_stars(arguments.docs / "real-sky-stars.png", measured)
    draw_lines(arguments.docs / "real-sky-lines.png", settings.bands)
    three = Workspace(folder / "three-bands")
    if not three.database.exists():
        ingest_own(three, write_survey(arguments.data, folder / "deepdisc", magnitude_max=22.5, settings=THREE_BANDS))
    finish(three)
    draw_gallery(three, arguments.docs / "real-sky-three-bands.png", "own", number=6)
    fill(arguments.docs / "real-sky.md", tables(measured))


def finish(workspace: Workspace) -> None:
    for stage, seconds in run_stages(workspace):
        print(f"{workspace.folder.name} {stage.name:12s} {seconds or 0.0:7.1f} s", flush=True)


def brightest(image) -> int:
    """The peak with the most light in i."""
    light = [image.pixels[2, y, x] for x, y in image.peaks]
    return int(np.argmax(light))


def embedded_stamps(workspace: Workspace, settings: Settings) -> Stamps:
    """Members of the embedded survey, picked at random: their stamps as the service sent them, and their cubes."""
    with open_catalog(workspace) as catalog:
        ids = [row[0] for row in catalog.rows("select object_id from survey.cubes order by object_id")]
        chosen = np.random.default_rng(1).choice(ids, min(N_EMBEDDED, len(ids)), replace=False).tolist()
        index = catalog.arrow("select * from survey.stamps where object_id = any(?) order by object_id, band", [chosen])
        seeing = {
            (object_id, band): fwhm
            for object_id, band, fwhm in catalog.rows("select object_id, band, seeing_fwhm from survey.photometry")
        }
    found = {}
    for block in read_stamps(workspace.stamps, index):
        found |= {i: [stamps[band] for band in settings.band_names] for i, stamps in block.items()}
    cube_ids, cubes = CubeSet(workspace.cubes / settings.cube_set).load(chosen)
    ids = [int(i) for i in cube_ids]
    return Stamps(
        cube_ids,
        [[stamp.pixels for stamp in found[i]] for i in ids],
        np.array([[stamp.x for stamp in found[i]] for i in ids]),
        np.array([[stamp.y for stamp in found[i]] for i in ids]),
        cubes,
        np.array([[seeing[i, band] for band in settings.band_names] for i in ids]),
    )


def real_stamps(folder: Path, images, chosen: list[tuple[int, int]], settings: Settings) -> tuple[Stamps, list[Peak]]:
    """Peaks of real images written as the service sends them and read back, with cubes made as the survey's own are."""
    peaks = write_cutouts(folder / "cutouts", images, chosen)
    _, block = read_back(folder / "cutouts", settings, peaks)
    recipe = CubeRecipe.from_settings(settings)
    with CubeSetWriter(folder / "cubes", recipe) as writer:
        for made, rejects in build_cubes([block], recipe):
            if rejects:
                raise ValueError(f"rejected: {rejects}")
            writer.add(made)
    ids, cubes = CubeSet(folder / "cubes").load()
    order = {object_id: row for row, object_id in enumerate(ids.tolist())}
    rows = [order[peak.object_id] for peak in peaks]
    linear = [list(planes) for planes in block.pixels]
    return Stamps(block.object_ids, linear, block.x, block.y, cubes[rows], block.seeing), peaks


def measure(stamps: Stamps, recipe: CubeRecipe) -> dict:
    magnitude, radius = sizes(stamps)
    return {
        "counts": {name: values.tolist() for name, values in sky_of_counts(stamps).items()},
        "cubes": {name: values.tolist() for name, values in sky_of_cubes(stamps).items()},
        "magnitude": magnitude.tolist(),
        "radius": radius.tolist(),
        "colours": colours(stamps, recipe).tolist(),
        "other_light": other_light(stamps).tolist(),
        "seeing": stamps.seeing.tolist(),
    }


def measure_field(data: Path) -> dict:
    """Galaxies of hsc_deepdisc, an ordinary field, in g, r, i: noise as served, magnitudes and half-light radii."""
    images = read_images(data)
    height, width = images.shape[1:]
    chosen = [
        item
        for item in read_objects(data)
        if not item["is_star"] and item["imag"] < 21 and 48 < item["x"] < width - 49 and 48 < item["y"] < height - 49
    ]
    pieces, positions = zip(*(cut(images, item["x"], item["y"]) for item in chosen), strict=True)
    x, y = (np.repeat([[place[axis]] for place in positions], 3, axis=1) for axis in (0, 1))
    numbers = np.array([item["number"] for item in chosen])
    field = Stamps(
        numbers, [list(piece) for piece in pieces], x, y, np.zeros((len(chosen), 3, 64, 64)), np.ones(x.shape)
    )
    magnitude, radius = sizes(field)
    counts = {name: values.tolist() for name, values in sky_of_counts(field).items()}
    return {"counts": counts, "magnitude": magnitude.tolist(), "radius": radius.tolist()}


def comparable(measured: dict) -> np.ndarray:
    """Rows of BRIGHT < i < FAINT."""
    magnitude = np.array(measured["magnitude"])
    return np.flatnonzero((magnitude > BRIGHT) & (magnitude < FAINT))


def galaxies_of(measured: dict, peaks: list[Peak], faint: float = FAINT) -> np.ndarray:
    """Which of the peaks are galaxies like the sample's: BRIGHT < i < FAINT, wider than a star, not saturated."""
    magnitude, radius = (np.array(measured[name]) for name in ("magnitude", "radius"))
    # half the light of a star lies within about 0.55 of its FWHM
    wide = radius > 0.75 * np.array([peak.seeing[2] for peak in peaks])
    return (magnitude > BRIGHT) & (magnitude < faint) & wide & ~np.array([peak.saturated for peak in peaks])


def psf_widths(psfs: np.ndarray) -> dict[str, list[float]]:
    """FWHM (arcsec) of the PSF arrays by moments and at half maximum, as they are and matched to 1 arcsec."""
    padded = np.pad(psfs, ((0, 0), (20, 20), (20, 20))).astype(np.float32)[None]
    seeing = torch.tensor([[psf_fwhm(psf) for psf in psfs]], dtype=torch.float64)
    matched = match_psf(torch.from_numpy(padded), seeing, 1.0, 0.168)[0][0].numpy()
    return {
        "moments": [psf_fwhm(psf) for psf in psfs],
        "half": [half_maximum_fwhm(psf) for psf in psfs],
        "matched_moments": [psf_fwhm(psf) for psf in matched],
        "matched_half": [half_maximum_fwhm(psf) for psf in matched],
    }


def measure_stars(folder: Path, images, chosen: list[tuple[int, int]], settings: Settings) -> dict[str, list]:
    """Widths (arcsec) of isolated stars, by band, before and after the match by their own seeing and by the PSF's."""
    peaks = write_cutouts(folder, images, chosen)
    stamps, _ = read_back(folder, settings, peaks)
    widths = {"native": [], "own": [], "own_moments": [], "psf": []}
    for peak, by_band in zip(peaks, stamps, strict=True):
        pixels = np.stack([stamp.pixels for stamp in by_band.values()])[None]
        own = [psf_fwhm(plane[35:62, 35:62]) for plane in pixels[0]]
        widths["native"].append(own)
        for name, seeing in (("own", own), ("psf", peak.seeing)):
            matched = match_psf(torch.from_numpy(pixels), torch.tensor([seeing]).double(), 1.0, 0.168)[0][0].numpy()
            widths[name].append([half_maximum_fwhm(plane[28:69, 28:69]) for plane in matched])
            if name == "own":
                widths["own_moments"].append([psf_fwhm(plane[28:69, 28:69]) for plane in matched])
    return widths


def scores(workspace: Workspace, settings: Settings, embedded: Stamps, folder: Path) -> tuple[dict, Path]:
    """S_anom (g, r, i; disc) of the embedded stamps by the best checkpoint, its 2 sigma thresholds, and its file."""
    with open_catalog(workspace) as catalog:
        checkpoint_id, path = catalog.rows(BEST)[0]
        thresholds = dict(catalog.rows(THRESHOLDS, [checkpoint_id]))
    weights = workspace.folder / path
    cubes = CubeSet(workspace.cubes / settings.cube_set)
    pairs = [("disc", band) for band in "gri"]
    (file,) = score_checkpoints(cubes, [weights], pairs, folder / "scores", "embedded.parquet", embedded.object_ids)
    return {"thresholds": thresholds, "embedded": by_band(file, embedded.object_ids)}, weights


def score_peaks(workspace: Workspace, folder: Path, name: str, stamps: Stamps, peaks: list[Peak]) -> dict:
    with open_catalog(workspace) as catalog:
        weights = workspace.folder / catalog.rows(BEST)[0][1]
    pairs = [("disc", band) for band in "grizy"]
    cubes = CubeSet(folder / name / "cubes")
    (file,) = score_checkpoints(cubes, [weights], pairs, folder / "scores", f"{name}.parquet")
    clipped = pl.read_parquet(file).group_by("object_id").agg(pl.col("n_clipped").sum())
    n_clipped = dict(clipped.iter_rows())
    return {
        "scores": by_band(file, stamps.object_ids),
        "n_clipped": [n_clipped[peak.object_id] for peak in peaks],
        "saturated": [peak.saturated for peak in peaks],
        "is_whole": [peak.is_whole for peak in peaks],
    }


def by_band(file: Path, object_ids: np.ndarray) -> dict[str, list[float]]:
    """Scores in the order of the ids."""
    table = pl.read_parquet(file)
    found = {(row[0], row[1]): row[2] for row in table.select("object_id", "band", "s_anom").iter_rows()}
    return {band: [found[int(i), band] for i in object_ids] for band in "gri"}


def some_of(stamps: Stamps, checkpoint, rows: np.ndarray, measured: dict, number: int = 9) -> list[tuple]:
    """(title, cube, reconstruction) of galaxies spread evenly over magnitude."""
    magnitude = np.array(measured["magnitude"])
    ordered = rows[np.argsort(magnitude[rows])]
    some = ordered[np.unique(np.linspace(0, len(ordered) - 1, number).round().astype(int))]
    models = reconstruct(checkpoint, stamps.cubes[some])
    return [
        (f"i = {magnitude[row]:.1f}", stamps.cubes[row] / 65535.0, model)
        for row, model in zip(some, models, strict=True)
    ]


if __name__ == "__main__":
    main()
