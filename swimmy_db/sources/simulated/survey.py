"""The embedded survey: native files as the archives serve them, made here, and the truth about them.

Nothing that reads these files may know that they are simulated; truth.* is for tests.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from swimmy_db.sources.simulated import truth
from swimmy_db.sources.simulated.cutout_files import Member, members_of, write_tar
from swimmy_db.sources.simulated.galaxy import Galaxy
from swimmy_db.sources.simulated.gswlc_file import write_gswlc
from swimmy_db.sources.simulated.hsc_files import write_hsc_catalogue
from swimmy_db.sources.simulated.images import Measured, render
from swimmy_db.sources.simulated.milliquas_file import write_milliquas
from swimmy_db.sources.simulated.options import SurveyOptions
from swimmy_db.sources.simulated.population import Plan, plan
from swimmy_db.sources.simulated.spectra_files import write_spectra
from swimmy_db.sources.simulated.spectro_files import write_dr16q, write_galspec

Progress = Callable[[int, int | None], None]
_FOLDERS = ("hsc/cutouts", "mpa-jhu", "dr16q", "milliquas", "gswlc", "sdss-spectra", "simulated")
# Streams of random numbers of the catalogues; the plan is stream 0, each galaxy's own are [seed, index + 1, ...].
_HSC, _MPA_JHU, _DR16Q, _MILLIQUAS, _GSWLC, _SPECTRA = range(1, 7)


def _no_progress(done: int, total: int | None) -> None:
    """Nobody is watching."""


def simulate(downloads: Path, options: SurveyOptions, progress: Progress = _no_progress) -> None:
    """Write the survey's files into downloads/<source>/ and the truth into downloads/simulated/.

    The same options give the same bytes, with any number of processes. `progress` counts drawn galaxies.
    Raises FileExistsError where a folder of cutouts already has files.
    """
    for folder in _FOLDERS:
        (downloads / folder).mkdir(parents=True, exist_ok=True)
    cutouts = downloads / "hsc" / "cutouts"
    if any(cutouts.iterdir()):
        raise FileExistsError(f"{cutouts} is not empty")
    survey = plan(options)
    tasks = _tasks(survey.galaxies, options)
    measured: list[Measured] = []
    for drawn in _run(options, tasks, cutouts, "", progress):
        measured += drawn
    measured.sort(key=lambda one: one.index)
    galaxies = survey.galaxies
    for galaxy, one in zip(galaxies, measured, strict=True):
        galaxy.shape.half_light_radius = one.half_light_radius
    write_hsc_catalogue(downloads / "hsc", galaxies, measured, survey.patches, _random(options, _HSC))
    identities = write_galspec(downloads / "mpa-jhu", galaxies, options, _random(options, _MPA_JHU))
    write_dr16q(downloads / "dr16q" / "DR16Q_v4.fits", galaxies, options, _random(options, _DR16Q))
    write_milliquas(downloads / "milliquas" / "milliquas.txt", galaxies, options, _random(options, _MILLIQUAS))
    write_gswlc(downloads / "gswlc" / "GSWLC-X2.dat.gz", galaxies, options, _random(options, _GSWLC))
    write_spectra(downloads / "sdss-spectra", galaxies, identities, options, _random(options, _SPECTRA))
    truth.write_truth(downloads / "simulated", galaxies, measured, survey.patches)


def render_controls(
    folder: Path, options: SurveyOptions, object_ids: Iterable[int], without: str, progress: Progress = _no_progress
) -> None:
    """Matched controls: the same galaxies, places and noise `without` their 'lines' or their 'nucleus', as tars.

    Without lines: the planted ones; of galaxies with none planted, the templates'. `options` are those of the
    survey. Raises ValueError for another `without`, KeyError for an id that the survey does not have.
    """
    if without not in ("lines", "nucleus"):
        raise ValueError(f"controls are made without 'lines' or without 'nucleus', not {without!r}")
    by_id = {galaxy.object_id: galaxy for galaxy in plan(options).galaxies}
    wanted = [by_id[object_id] for object_id in object_ids]
    folder.mkdir(parents=True, exist_ok=True)
    for _ in _run(options, _tasks(wanted, options), folder, without, progress):
        pass


def _random(options: SurveyOptions, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([options.seed, 0, stream])))


@cache
def _plan_of_process(options_json: str) -> Plan:
    """The plan in a worker process, made once: cheaper than sending it, and equal by the seed."""
    return plan(SurveyOptions.model_validate_json(options_json))


def _tasks(galaxies: Sequence[Galaxy], options: SurveyOptions) -> list[list[int]]:
    """Indices of galaxies, a task a tar; neighbours on the sky together, so that a patch's PSF is made once."""
    ordered = sorted(galaxies, key=lambda galaxy: (galaxy.tract, galaxy.patch, galaxy.ra))
    size = min(options.objects_a_tar, max(16, -(-len(ordered) // 16)))
    return [[galaxy.index for galaxy in ordered[start : start + size]] for start in range(0, len(ordered), size)]


def _run(
    options: SurveyOptions, tasks: list[list[int]], folder: Path, without: str, progress: Progress
) -> Iterable[list[Measured]]:
    """Draw all tasks, in as many processes as asked for, results in the order of the tasks."""
    total, done = sum(map(len, tasks)), 0
    jobs = min(options.jobs or os.cpu_count() or 1, len(tasks))
    text = options.model_dump_json()
    calls = [(text, indices, folder / f"cutouts-{number:03d}.tar", without) for number, indices in enumerate(tasks)]
    progress(0, total)
    if jobs <= 1:
        for call in calls:
            drawn = _draw_task(*call)
            done += len(drawn)
            progress(done, total)
            yield drawn
        return
    # Spawned, not forked: the caller may hold threads (torch, DuckDB).
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for drawn in pool.map(_draw_task, *zip(*calls, strict=True)):
            done += len(drawn)
            progress(done, total)
            yield drawn


def _draw_task(options_json: str, indices: list[int], tar: Path, without: str) -> list[Measured]:
    """Draw some galaxies, write their cutouts as one tar with its list, return what was measured."""
    options = SurveyOptions.model_validate_json(options_json)
    survey = _plan_of_process(options_json)
    measured: list[Measured] = []
    members: list[Member] = []
    for index in indices:
        galaxy = survey.galaxies[index]
        wanted = galaxy.writes_cutout or bool(without)
        stamps, one = render(options, galaxy, survey.patches[galaxy.skymap_id], without, wanted)
        measured.append(one)
        if stamps is not None:
            members += members_of(galaxy, stamps, spoilt=not without)
    if members:
        write_tar(tar, members, options)
    return measured
