"""HSC-SSP as an archive of the registry: results of SQL jobs, and cutouts as tars (FORMATS.md sections 1 and 2)."""

from functools import partial
from pathlib import Path

from swimmy_db.sources.archive import FileKind, Source
from swimmy_db.sources.fetching import FetchedFile, FetchRequest, Progress
from swimmy_db.sources.hsc_catalogue import read_hsc_table


def _fetch(folder: Path, request: FetchRequest, progress: Progress) -> list[FetchedFile]:
    from swimmy_db.sources import hsc

    return hsc.fetch(folder, request, progress)


def _plan(request: FetchRequest) -> str:
    from swimmy_db.sources import hsc

    return hsc.plan(request)


def _results(table: str, pattern: str) -> FileKind:
    return FileKind(table, (pattern,), partial(read_hsc_table, table=table))


SOURCE = Source(
    name="hsc",
    title="HSC-SSP PDR3",
    files={
        "objects": _results("raw.hsc_objects", "objects*"),
        "masks": _results("raw.hsc_masks", "masks*"),
        "patches": _results("raw.hsc_patches", "patch_qa*"),
        "specz": _results("raw.specz", "specz*"),
    },
    acknowledgement=(
        "The Hyper Suprime-Cam (HSC) collaboration (NAOJ, Kavli IPMU, ASIAA, Princeton); data from the Subaru "
        "Telescope on Maunakea. Cite Aihara et al. 2022 (PDR3), Bosch et al. 2018 (pipeline) and Kawanomoto et al. "
        "2018 (filters), and print the full text of the HSC-SSP release site. Redshifts in specz belong to the surveys "
        "that they name."
    ),
    kept=("cutouts/*.tar", "cutouts/*.txt"),
    fetch=_fetch,
    plan=_plan,
    counts_bytes=False,
)
