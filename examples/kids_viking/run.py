"""`make real`: the whole search on KiDS/VIKING images, from pixels to a picture of the most anomalous galaxies."""

import os
import subprocess
import sys
import time
from pathlib import Path

from cut_sources import IMAGES, write_survey

from swimmy_db.pipeline.gallery import draw_gallery
from swimmy_db.workspace import Workspace

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
FOLDER = Path(os.environ.get("KIDS_VIKING", REPOSITORY.parent / "shared" / "data" / "kids_viking_profound"))
SURVEY = REPOSITORY / "workspace-kids-survey"
WORKSPACE = Workspace(REPOSITORY / "workspace-kids")


def swimmy(*arguments: str | Path) -> None:
    subprocess.run(
        [Path(sys.executable).parent / "swimmy", *arguments, "--workspace", WORKSPACE.folder], check=True
    )  # fmt: skip


def main() -> int:
    missing = [image.file for image in IMAGES.values() if not (FOLDER / image.file).is_file()]
    if missing:
        print(
            f"make real is skipped: no {', '.join(missing)} in {FOLDER}. The images are in asgr/ProFound, "
            "inst/extdata/MultiBand; set KIDS_VIKING to the folder that holds them."
        )
        return 0
    start = time.monotonic()
    print(f"Detecting and cutting sources of {FOLDER}", file=sys.stderr)
    toml = write_survey(FOLDER, SURVEY)
    print(f"  {toml} ({time.monotonic() - start:.0f} s)", file=sys.stderr)
    swimmy("ingest", "files", "--survey", toml)
    swimmy("pipeline")
    picture = draw_gallery(WORKSPACE, WORKSPACE.report / "anomalies.png", sample="own")
    print(f"{picture} ({time.monotonic() - start:.0f} s in all)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as fault:
        sys.exit(fault.returncode)
