"""Files of the SDSS Science Archive Server, with the checksums that lie beside them."""

from pathlib import Path, PurePosixPath

from swimmy_db.sources.download import NotThere, Remote, download
from swimmy_db.sources.fetching import FetchRequest
from swimmy_db.sources.network import Network


def sas_file(request: FetchRequest, path: str, archive: str, checksums: dict[str, str] | None = None) -> Remote:
    """The file at `path` below sas_url, with its sha1 where `checksums` has it."""
    name = PurePosixPath(path).name
    sha1 = (checksums or {}).get(name)
    return Remote(
        url=f"{request.options['sas_url'].rstrip('/')}/{path}",
        name=name,
        options=f"the options {archive}.sas_url and {archive}.path",
        kind="fits",
        checksum=None if sha1 is None else ("sha1", sha1),
    )


def sas_checksums(request: FetchRequest, folder: Path, network: Network, archive: str) -> dict[str, str]:
    """{file: sha1} of the list that the option `checksums` names; {} where the archive has no such list."""
    path = request.options["checksums"]
    if not path:
        return {}
    url = f"{request.options['sas_url'].rstrip('/')}/{path}"
    listing = Remote(url, f".{PurePosixPath(path).name}", f"the option {archive}.checksums")
    try:
        path = download(listing, folder, network, lambda done, total: None).path
    except NotThere:
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    # each attempt asks again: an archive may have mended its list
    path.unlink()
    rows = (line.split() for line in text.splitlines())
    return {PurePosixPath(row[1].lstrip("*")).name: row[0] for row in rows if len(row) == 2}
