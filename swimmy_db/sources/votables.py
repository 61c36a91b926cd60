"""VOTables of the archives as Arrow tables: native names, missing values as NULL."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.errors import InputRefused

ROWS = 50_000


def is_votable(path: Path) -> bool:
    """Whether the file begins as XML does."""
    with open(path, "rb") as handle:
        return handle.read(100).lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<?xml", b"<VOTABLE"))


def read_votable(path: Path) -> Iterator[pa.Table]:
    """Blocks of the first table's scalar columns.

    Raises InputRefused for a file that is no VOTable, or in which the service says that rows are missing or that it
    failed.
    """
    table = parse_votable(path, str(path))
    columns = {}
    for field in table.fields:
        values = table.array[field.name]
        if values.ndim == 1:
            columns[field.name] = _arrow(values)
    whole = pa.table(columns)
    for start in range(0, max(1, len(whole)), ROWS):
        yield whole.slice(start, ROWS)


def parse_votable(source: Path | BinaryIO, name: str):
    """astropy's first table of the document; see `read_votable` for what is raised."""
    from astropy.io.votable import parse
    from astropy.io.votable.exceptions import VOWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VOWarning)
        try:
            document = parse(source, verify="ignore")
            infos = [info for resource in document.resources for info in resource.infos]
            status = next((info for info in infos if info.name == "QUERY_STATUS" and info.value != "OK"), None)
            if status is not None:
                said = " ".join((status.content or "").split())
                raise InputRefused(f"{name}: expected a whole answer, found QUERY_STATUS {status.value}: {said!r}")
            return document.get_first_table()
        except InputRefused:
            raise
        except Exception as fault:  # expat, astropy and numpy each raise their own for a damaged document
            said = (str(fault) or type(fault).__name__).splitlines()[0]
            raise InputRefused(f"{name}: expected a VOTable, found: {said}") from None


def _arrow(values: np.ma.MaskedArray) -> pa.Array:
    missing = np.ma.getmaskarray(values)
    plain = np.ma.getdata(values)
    if plain.dtype.kind in "OSU":
        texts = pa.array(
            [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in plain.tolist()], pa.string()
        )
        texts = pc.utf8_trim_whitespace(texts)
        nothing = pc.or_(pa.array(missing), pc.equal(texts, ""))
        return pc.if_else(nothing, pa.scalar(None, pa.string()), texts)
    native = np.ascontiguousarray(plain, plain.dtype.newbyteorder("="))
    if native.dtype.kind == "f":
        missing = missing | np.isnan(native)
    return pa.array(native, mask=missing)
