"""Services of HSC-SSP that answer a list of rows with a tar: every row answered, over connections that may break.

A tar is read while it arrives. What a cut connection left unanswered is asked for again; what the service left out
can be asked for singly, where it gives a reason (FORMATS.md sections 2.2 and 2.3).
"""

import queue
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from requests import Response

from swimmy_db.config import Settings
from swimmy_db.sources.hsc_credentials import Account
from swimmy_db.sources.hsc_cutouts import (
    MEMBER,
    OMITTED,
    CutoutFile,
    ListRow,
    MissingCutout,
    match_members,
    read_members,
)
from swimmy_db.sources.hsc_http import (
    Body,
    CutShort,
    HscHttp,
    NotThere,
    RequestRefused,
    ServiceUnavailable,
    Stopped,
    Waits,
)
from swimmy_db.sources.hsc_release import Release

FIRST_LINE = 2  # the header is line 1
WAITING_ANSWERS = 64  # of all connections together: what bounds the memory
LONGEST_FILE = 64 << 20


class WantedRow(NamedTuple):
    """A file to ask for: of the object at ra, dec (degrees) in a band, from the coadd of a tract."""

    object_id: int
    band: str
    tract: int
    ra: float
    dec: float


class BulkService:
    """A service of one release, for one account. Who inherits says what a row, a member and a single request are.

    title: what it serves, in messages. archive: what stands for the tar's name in the tables.
    """

    title = "files"
    columns: tuple[str, ...] = ()
    member_pattern: re.Pattern = MEMBER
    post_parameters: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, account: Account, settings: Settings, release: Release, url: str, archive: str) -> None:
        self.http = HscHttp(account, settings)
        self.auth = account.basic()
        self.settings = settings
        self.release = release
        self.url = url
        self.archive = archive

    def values(self, row: WantedRow) -> dict[str, str]:
        """The row's value for each column of the list."""
        raise NotImplementedError

    def single_parameters(self, row: WantedRow) -> dict[str, str]:
        """The query of a request for one row."""
        raise NotImplementedError

    def lists(self, rows: Iterable[WantedRow]) -> list[list[WantedRow]]:
        """The rows in the order that suits the service's cache, at most hsc_list_rows a list."""
        order = {band: position for position, band in enumerate(self.settings.band_names)}
        ordered = sorted(rows, key=lambda row: (order[row.band], row.tract, row.ra, row.dec))
        size = self.settings.hsc_list_rows
        return [ordered[start : start + size] for start in range(0, len(ordered), size)]

    def list_text(self, rows: Sequence[WantedRow]) -> str:
        """A list as it is sent; the service ignores what follows a # in a row."""
        lines = [f"#? {' '.join(self.columns)}"]
        for row in rows:
            values = self.values(row)
            lines.append(f"{' '.join(values[name] for name in self.columns)} # object_id={row.object_id}")
        return "\n".join(lines) + "\n"

    def fetch(
        self, rows: Iterable[WantedRow], singly: bool = False
    ) -> Iterator[tuple[int, CutoutFile | MissingCutout]]:
        """Each row once, with the number of its list: its file, or that the service left it out.

        singly: one request a row, which is slow but is told why there is no file. At most hsc_connections requests
        are under way at once, and memory holds some dozens of files.
        Raises the HscErrors of hsc_http; the rows that came until then are good.
        """
        lists = [[row] for row in rows] if singly else self.lists(rows)
        answers: queue.Queue = queue.Queue(WAITING_ANSWERS)

        def put(item: object) -> None:
            while True:
                try:
                    answers.put(item, timeout=0.2)
                    return
                except queue.Full:
                    self.http.pause(0)

        def work(number: int) -> None:
            try:
                for answer in [self.fetch_singly(*lists[number])] if singly else self._answers(lists[number]):
                    put((number, answer))
                put((number, None))
            except Stopped:
                return
            except BaseException as fault:
                put((number, fault))

        pool = ThreadPoolExecutor(self.settings.hsc_connections, "hsc-bulk")
        try:
            for number in range(len(lists)):
                pool.submit(work, number)
            under_way = len(lists)
            while under_way:
                number, answer = answers.get()
                if answer is None:
                    under_way -= 1
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    yield number, answer
        finally:
            self.http.stop()
            pool.shutdown(cancel_futures=True)
            self.http.resume()

    def _answers(self, rows: Sequence[WantedRow]) -> Iterator[CutoutFile | MissingCutout]:
        """One list, asked for again as long as its tar ends too early and brings something each time."""
        left = list(rows)
        waits = Waits(self.http)
        what = f"{self.title} in {left[0].band} of tracts {left[0].tract} to {left[-1].tract}"
        while left:
            sent = self._as_sent(left)
            of_line = {line.lineno: row for line, row in zip(sent, left, strict=True)}
            ids = {line.lineno: line.object_id for line in sent}
            files = {"list": ("coordlist.txt", self.list_text(left).encode("ascii"))}
            broken = None
            answered: list[WantedRow] = []
            with self._sent(what, files) as response:
                body = Body(response, self.http)
                members = read_members(body)
                for found in match_members(
                    members, sent, ids, self.archive, self.settings.bands, pattern=self.member_pattern
                ):
                    if isinstance(found, CutoutFile):
                        answered.append(of_line[found.lineno])
                        yield found
                    elif found.member is not None:
                        # a second member of a line, or one of no line: the line itself has its own answer
                        continue
                    elif found.reason == OMITTED:
                        answered.append(of_line[found.lineno])
                        yield found
                    else:
                        broken = found.reason
            if broken is None:
                return
            done = set(answered)
            left = [row for row in left if row not in done]
            if answered:
                waits.progress()
            if left:
                words = "" if answered else f": {self.http.said(body.start)}"
                waits.wait(f"{what}: {body.fault or broken}{words}")

    def _sent(self, what: str, files: dict) -> Response:
        try:
            return self.http.send("POST", self.url, what, self.auth, files=files, params=self.post_parameters)
        except RequestRefused as fault:
            if fault.words is None:
                raise
            raise RequestRefused(
                f"{fault}; the setting hsc_list_rows limits the rows of a list, hsc_release_file names a file that "
                "corrects rerun and filters",
                fault.words,
            ) from None

    def fetch_singly(self, row: WantedRow) -> CutoutFile | MissingCutout:
        """One row by a request of its own: its file, or the service's reason why there is none.

        A row that is refused, or at which the service breaks each time, must not keep the others from coming.
        """
        what = f"{self.title} of object {row.object_id} in {row.band}"
        waits = Waits(self.http)
        while True:
            try:
                response = self.http.send("GET", self.url, what, self.auth, params=self.single_parameters(row))
            except (NotThere, RequestRefused, ServiceUnavailable) as fault:
                words = fault.broke if isinstance(fault, ServiceUnavailable) else fault.words
                if words is None:
                    raise
                reason = f"{OMITTED}: {words}" if words else OMITTED
                return MissingCutout(row.object_id, row.band, row.tract, self.archive, None, reason)
            with response:
                body = Body(response, self.http)
                try:
                    payload = body.read(LONGEST_FILE)
                except CutShort as fault:
                    cut = f"{what}: {fault}"
                else:
                    return CutoutFile(row.object_id, row.band, row.tract, "", self.archive, payload, row.ra, row.dec, 0)
            waits.wait(cut)

    def _as_sent(self, rows: Sequence[WantedRow]) -> list[ListRow]:
        return [
            ListRow(number, row.ra, row.dec, self._archive_name(row.band), row.tract, row.object_id)
            for number, row in enumerate(rows, FIRST_LINE)
        ]

    def filter_of(self, band: str) -> str:
        """The band's name in the service's lists; the settings' name of a band that the release does not describe."""
        return self.release.filters.get(band, self._archive_name(band))

    def _archive_name(self, band: str) -> str:
        """The band's name as the settings spell it, which is how members are told apart."""
        return next(known.archive_name for known in self.settings.bands if known.band == band)
