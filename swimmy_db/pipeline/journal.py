"""The journal: append-only Parquet files from which meta.stages, meta.files, meta.rejects, meta.workspace come back."""

import re
from collections import defaultdict
from pathlib import Path

from swimmy_db.workspace import Workspace

# <UTC time to the microsecond>-<stage>-<kind>.parquet, as catalog.append_journal names them
_NAME = re.compile(r"^(?P<time>\d{8}T\d{6,12})-(?P<stage>.+)-(?P<kind>stage|files|rejects|workspace)\.parquet$")
TABLES = {
    "workspace": "meta.workspace",
    "stage": "meta.stages",
    "files": "meta.files",
    "rejects": "meta.rejects",
}


def newest_entries(workspace: Workspace) -> dict[str, dict[str, Path]]:
    """The newest file of each kind and stage: {kind: {stage: path}}, stages in the order in which they first ran.

    Of `workspace` only the first counts: a workspace is claimed once.
    """
    entries: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(workspace.journal.glob("*.parquet")):
        match = _NAME.match(path.name)
        if match is None:
            continue
        if match["kind"] == "workspace" and entries["workspace"]:
            continue
        entries[match["kind"]][match["stage"]] = path
    return entries
