"""HSC image cutouts: the list that was sent and the tar that came back (FORMATS.md section 2.2).

The tar is streamed, from a file or as it arrives: one member is in memory at a time.
"""

import math
import re
import tarfile
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from swimmy_db.config import Band
from swimmy_db.errors import InputRefused

# arch-<digits>-<digits>/<line of the list>-cutout-<filter>-<tract>-<rerun>.fits
MEMBER = re.compile(
    r"(?:.*/)?(?P<lineno>\d+)-(?:cutout|coadd\+bg)-(?P<filter>[^-/]+(?:-[A-Z0-9]+)?)-(?P<tract>\d+)-[^/]*\.fits"
)
OBJECT_ID = re.compile(r"\bobject_id\s*=\s*(\d+)")
DEFAULTS = {"filter": "HSC-I", "tract": "any"}
OMITTED = "omitted by the service"
# the ends that a tar can come to before its time
TRUNCATED, DAMAGED, NO_TAR = "tar truncated", "tar damaged", "not a tar"

_CUT = ("truncated header", "unexpected end of data")
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-z]*)")
_DEGREES = {
    **dict.fromkeys(("", "deg", "degs", "degree", "degrees"), 1.0),
    **dict.fromkeys(("amin", "amins", "arcmin", "arcmins"), 1 / 60),
    **dict.fromkeys(("asec", "asecs", "arcsec", "arcsecs"), 1 / 3600),
    **dict.fromkeys(("rad", "rads", "radian", "radians"), 180 / math.pi),
}


class ListRow(NamedTuple):
    """One line of a request list; `tract` is None for `any`, `object_id` None without a comment that names it."""

    lineno: int
    ra: float
    dec: float
    filter: str
    tract: int | None
    object_id: int | None


class CutoutFile(NamedTuple):
    """One member of a tar, whose content has not been looked at; ra and dec (degrees) are the list's."""

    object_id: int
    band: str
    tract: int
    member: str
    archive: str
    payload: bytes
    ra: float
    dec: float
    lineno: int


class MissingCutout(NamedTuple):
    """A line of the list without a usable member, or a member without a line (then object_id is None)."""

    object_id: int | None
    band: str | None
    tract: int | None
    archive: str
    lineno: int | None
    reason: str
    member: str | None = None


def read_cutout_tar(
    tar: Path,
    list_file: Path,
    bands: Sequence[Band],
    nearest: Callable[[float, float], int | None] | None = None,
    wanted: Collection[int] | None = None,
) -> Iterator[CutoutFile | MissingCutout]:
    """The tar's members in the order of the tar, then the lines of the list that have none.

    nearest: object of a position (degrees), for lines that do not name theirs. wanted: only these objects are
    yielded; what belongs to no object at all is always reported.
    Every line of a wanted object comes out once, as a CutoutFile or as a MissingCutout; members in excess come
    out as further MissingCutouts. Raises InputRefused for a list that does not follow the grammar.
    """
    rows = read_cutout_list(list_file)
    objects = {
        row.lineno: row.object_id if row.object_id is not None or nearest is None else nearest(row.ra, row.dec)
        for row in rows
    }
    with open(tar, "rb") as stream:
        yield from match_members(read_members(stream), rows, objects, tar.name, bands, wanted)


def match_members(
    members: Iterable[tuple[str, bytes | None]],
    rows: Sequence[ListRow],
    objects: Mapping[int, int | None],
    archive: str,
    bands: Sequence[Band],
    wanted: Collection[int] | None = None,
    pattern: re.Pattern = MEMBER,
) -> Iterator[CutoutFile | MissingCutout]:
    """The members of a tar, each with its line of the list, then the lines that have none.

    members: as read_members gives them. objects: object of each line, by its number. archive: the tar's name.
    pattern: of members' names, with the groups lineno, filter and tract.
    """
    by_name = {spelling: band.band for band in bands for spelling in (band.archive_name, band.band)}
    waiting = {row.lineno: row for row in rows}
    answered: set[int] = set()
    broken = None
    for member, payload in members:
        if payload is None:
            broken = member
            break
        named = pattern.fullmatch(member)
        row = waiting.get(int(named["lineno"])) if named else None
        reason = _mismatch(named, row, answered, by_name)
        if reason is not None:
            lineno = int(named["lineno"]) if named else None
            yield MissingCutout(None, None, None, archive, lineno, reason, member)
            continue
        answered.add(row.lineno)
        object_id, band, tract = objects[row.lineno], by_name.get(row.filter), int(named["tract"])
        if object_id is None or band is None:
            reason = "no object at the position" if object_id is None else f"filter {row.filter} is no band"
            yield MissingCutout(object_id, band, tract, archive, row.lineno, reason, member)
        elif wanted is None or object_id in wanted:
            yield CutoutFile(object_id, band, tract, member, archive, payload, row.ra, row.dec, row.lineno)
    for row in waiting.values():
        object_id = objects[row.lineno]
        if row.lineno not in answered and (wanted is None or object_id is None or object_id in wanted):
            reason = broken or OMITTED
            yield MissingCutout(object_id, by_name.get(row.filter), row.tract, archive, row.lineno, reason)


def read_cutout_list(path: Path) -> list[ListRow]:
    """The lines of a request list. Raises InputRefused naming line, column, expected and found."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if not lines[0].startswith("#?"):
        raise InputRefused(f"{path}: line 1: expected `#?` and column names, found {lines[0][:60]!r}")
    columns = lines[0][2:].split("#")[0].lower().split()
    for needed in (("ra", "dec"), ("ra1", "dec1", "ra2", "dec2")):
        if set(needed) <= set(columns):
            break
    else:
        raise InputRefused(f"{path}: line 1: expected columns ra and dec (or ra1 dec1 ra2 dec2), found {columns}")
    rows = []
    for lineno, line in enumerate(lines[1:], 2):
        text, _, comment = line.partition("#")
        cells = text.split()
        if not cells:
            continue
        if len(cells) != len(columns):
            raise InputRefused(f"{path}: line {lineno}: expected {len(columns)} values, found {len(cells)}: {text!r}")
        rows.append(_row(lineno, DEFAULTS | dict(zip(columns, cells, strict=True)), comment, path))
    return rows


def _row(lineno: int, values: dict[str, str], comment: str, path: Path) -> ListRow:
    def angle(column: str) -> float:
        try:
            return parse_angle(values[column], is_ra=column.startswith("ra"))
        except ValueError:
            raise InputRefused(
                f"{path}: line {lineno}, column {column}: expected an angle, found {values[column]!r}"
            ) from None

    if "ra" in values:
        ra, dec = angle("ra"), angle("dec")
    else:
        # Corners; the middle is taken on the short way round.
        ra1, ra2 = angle("ra1"), angle("ra2")
        ra = (ra1 + ((ra2 - ra1 + 180) % 360 - 180) / 2) % 360
        dec = (angle("dec1") + angle("dec2")) / 2
    tract = values["tract"]
    if tract != "any" and not tract.isdecimal():
        raise InputRefused(f"{path}: line {lineno}, column tract: expected a number or any, found {tract!r}")
    named = OBJECT_ID.search(comment)
    return ListRow(
        lineno, ra, dec, values["filter"], None if tract == "any" else int(tract), int(named[1]) if named else None
    )


def parse_angle(text: str, is_ra: bool) -> float:
    """Degrees of a plain number, one with a unit, or a sexagesimal angle (hours, for a right ascension).

    Raises ValueError for anything else.
    """
    number = _NUMBER.fullmatch(text)
    if number is not None and number[2] in _DEGREES:
        return float(number[1]) * _DEGREES[number[2]]
    from astropy.coordinates import Angle
    from astropy.units import UnitsError

    unit = "hourangle" if is_ra and ":" in text else "deg" if ":" in text else None
    try:
        return float(Angle(text, unit=unit).deg)
    except UnitsError as fault:
        raise ValueError(f"{text!r}: {fault}") from None


def _mismatch(named: re.Match | None, row: ListRow | None, answered: set[int], by_name: dict[str, str]) -> str | None:
    """Why a member does not answer a line of the list; None if it does."""
    if named is None:
        return "member name not understood"
    if row is None:
        return "member of no line of the list"
    if row.lineno in answered:
        return "second member for one line of the list"
    if by_name.get(named["filter"], named["filter"]) != by_name.get(row.filter, row.filter):
        return f"member is {named['filter']}, the list says {row.filter}"
    if row.tract is not None and row.tract != int(named["tract"]):
        return f"member is of tract {named['tract']}, the list says {row.tract}"
    return None


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Watched:
    """A stream that remembers how much was read from it, and the last of it."""

    def __init__(self, stream: Readable) -> None:
        self.stream = stream
        self.total = 0
        self._last: deque[bytes] = deque(maxlen=3)

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        self.total += len(block)
        self._last.append(block)
        return block

    def read_from(self, offset: int) -> bytes:
        """What was read from `offset` on, and up to 1 MiB more."""
        last = b"".join(self._last)
        return last[max(0, offset - (self.total - len(last))) :] + self.stream.read(1 << 20)


def read_members(stream: Readable) -> Iterator[tuple[str, bytes | None]]:
    """Names and contents of the files in a tar; where it ends too early, last a reason and None.

    The stream may end a tar before its time by raising tarfile.ReadError.
    """
    watched = _Watched(stream)
    try:
        with tarfile.open(fileobj=watched, mode="r|") as archive:
            while (info := archive.next()) is not None:
                # A stream cannot go back: what tarfile remembers of earlier members is of no use.
                archive.members.clear()
                if info.isfile():
                    yield info.name, archive.extractfile(info).read()
        # tarfile takes garbage between members for the end; after the last member there are only zeros.
        rest = watched.read_from(archive.offset)
    except (tarfile.TarError, EOFError) as fault:
        is_cut = not watched.total or watched.total > tarfile.RECORDSIZE or str(fault) in _CUT
        yield (TRUNCATED if is_cut else f"{NO_TAR}: {fault}"), None
        return
    if not rest or any(rest):
        yield TRUNCATED if len(rest) < tarfile.BLOCKSIZE else DAMAGED, None
