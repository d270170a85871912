"""A file over HTTP, whole and checked or absent: it resumes after any death, and nothing lasts for ever."""

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ernie_core import patience, waiting
from ernie_core.catalogue import web
from ernie_core.catalogue.address import shown
from ernie_core.catalogue.entries import File
from ernie_core.catalogue.web import Answer, BrokeOff
from ernie_core.errors import BadInput, Denied, NotFound, Stopped, Unreachable
from ernie_core.progress import Progress, Say, Stop, never, say, silent
from ernie_core.store import disk

STRANGER, OUTAGE = 20.0, 300.0
"""Seconds without any progress: of a server that has not answered yet, and of one that has."""
FUTILE = 5
"""Answers in a row that break off at the same place, for `STRANGER` seconds at least: the server then has no more."""
RESTARTS = 3
"""Times that a file may change on the server while it is downloaded."""
SLOW, WINDOW = 1024, 60.0
"""Bytes a second below which a connection counts as stalled, and the seconds over which that is measured."""
MOST = 16 << 30
"""Bytes of a file whose size is not known: several times the largest model of the catalogue."""
BLOCK = 1 << 20
_WRONG = "it is another file, correct the address"


class _Changed(Exception):
    """What is here is not the beginning of what the server has now."""


@dataclass
class _Notes:
    """What is known of the server's file whose beginning is here; kept beside it."""

    url: str = ""
    validator: str = ""
    """For `If-Range`: a strong ETag, or a date."""
    total: int | None = None


def download(file: File, url: str, target: Path, *, progress: Progress = silent, stop: Stop = never,
             tell: Say = say) -> None:  # fmt: skip
    """Bring a file to `target`; one that is there already stays. What has arrived is kept for the next call.

    The caller is alone with `target`. NotFound, Denied, Unreachable, Stopped; BadInput for another length or digest
    than is known.
    """
    disk.make(target.parent)
    if not target.exists():
        _Download(file, url, target, progress, stop, tell).run()


class _Download:
    def __init__(self, file: File, url: str, target: Path, progress: Progress, stop: Stop, tell: Say) -> None:
        self.file, self.url, self.target = file, url, target
        self.progress, self.stop, self.tell = progress, stop, tell
        self.part = target.with_name(f"{target.name}.part")
        self.beside = target.with_name(f"{target.name}.part.json")
        self.notes = self._read_notes()
        self.heard = self.answered = self.resumed = False

    def run(self) -> None:
        """Try until the file is whole, there is no progress for too long, or the reason is one that stays."""
        furthest, since, restarts, pause, told = self._size(), time.monotonic(), 0, patience.PAUSES[0], False
        ended, futile = -1, 0
        while True:
            self.answered = False
            try:
                self._try()
                if self._checked():
                    return
                restarts += 1
            except _Changed:
                restarts += 1
                self._discard()
                furthest = 0
            except Unreachable as error:
                if self._size() > furthest:
                    furthest, since, pause = self._size(), time.monotonic(), patience.PAUSES[0]
                    ended, futile = furthest, 0
                    continue
                if self.answered and isinstance(error, BrokeOff):  # without an answer it says nothing of the file
                    futile = futile + 1 if self._size() == ended else 0
                    ended = self._size()
                limit, spent = OUTAGE if self.heard else STRANGER, time.monotonic() - since
                if futile >= FUTILE and spent >= STRANGER:
                    at = f"{self._size():,} of {self._spell_total()}"
                    raise BadInput(f"{shown(self.url)}: breaks off after {at} each time: it is damaged") from error
                if spent >= limit:
                    raise
                if not told:
                    self.tell(f"{error} (retrying for at most {limit:.0f} s)")
                told = True
                self._sleep(pause)
                pause = min(patience.PAUSES[1], pause * 2)
            if restarts > RESTARTS:
                raise BadInput(f"{shown(self.url)}: changes while it is downloaded: try again later")

    def _try(self) -> None:
        """One request, from where the last one ended, to the end of the file."""
        offset = self._size() if self._may_resume() else 0
        self.resumed = offset > 0
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and self.notes.validator:
            headers["If-Range"] = self.notes.validator
        with web.get(self.url, headers) as answer, disk.explained(self.part, self.file.size):
            self.heard = True
            if answer.status == 416 and offset and _total(answer) == offset:
                return
            total = self._begin(answer, offset)
            self.answered = True
            with self.part.open("r+b" if answer.status == 206 else "wb") as out:
                out.seek(0, os.SEEK_END)
                self._receive(answer, out.fileno(), out.tell(), total)
                os.fsync(out.fileno())

    def _begin(self, answer: Answer, offset: int) -> int | None:
        """The length of the whole file, by an answer that fits; noted before its first byte is kept."""
        where = shown(answer.url)
        if answer.status == 416 and offset:
            raise _Changed
        if answer.status not in (200, 206):
            raise _refusal(answer)
        if answer.header("Content-Type").startswith("text/html"):
            raise BadInput(f"{where}: a page of HTML came instead of the file, of a login or a proxy perhaps")
        if answer.header("Content-Encoding") not in ("", "identity"):
            raise BadInput(f"{where}: came packed as {answer.header('Content-Encoding')}, which was not asked for")
        total, validator = _total(answer), _validator(answer)
        if answer.status == 206:
            start = re.match(r"bytes (\d+)-", answer.header("Content-Range"))
            validator = validator or self.notes.validator  # an answer to `If-Range` need not repeat a date
            same = self.notes.total in (None, total) and self.notes.validator in ("", validator)
            if not offset or not start or int(start[1]) != offset or not same:
                raise _Changed
        if total is None and not self.file.proven and answer.header("Transfer-Encoding").lower() != "chunked":
            raise BadInput(f"{where}: the server does not say how long the file is, and no digest of it is known: it "
                           "could not be told whether it is whole")  # fmt: skip
        if self.file.size not in (None, total) and total is not None:
            raise BadInput(f"{where}: has {total:,} bytes there, but must have {self.file.size:,}: it is another file")
        if total is not None and total > self._most():
            raise BadInput(
                f"{where}: has {total:,} bytes there, but no published file has more than {MOST:,}: {_WRONG}"
            )
        self.notes = _Notes(self.url, validator, total)
        temporary = self.beside.with_name(f"{self.beside.name}.new")
        if answer.status == 200:
            self.part.unlink(missing_ok=True)  # first: notes of one version beside bytes of another would go together
        temporary.write_text(json.dumps(asdict(self.notes)), encoding="utf-8")
        os.replace(temporary, self.beside)
        return total

    def _receive(self, answer: Answer, out: int, done: int, total: int | None) -> None:
        begun, at = time.monotonic(), done
        while block := answer.body.read1(BLOCK):
            if total is None and done + len(block) > self._most():
                self._discard()
                raise BadInput(f"{shown(self.url)}: sends more than the {self._most():,} bytes that it may have: "
                               f"{_WRONG}")  # fmt: skip
            view = memoryview(block)
            while view:
                view = view[os.write(out, view) :]
            done += len(block)
            self.progress(done, total, "B")
            if self.stop():
                raise Stopped(f"{self.target.name}: stopped after {done:,} bytes, which are kept")
            if total is not None and done > total:
                raise BadInput(f"{shown(self.url)}: sends more than the {total:,} bytes that it says it has")
            if (spent := time.monotonic() - begun) > WINDOW:
                if (done - at) / spent < SLOW:
                    raise Unreachable(f"{shown(self.url)}: sends less than {SLOW:,} bytes a second")
                begun, at = time.monotonic(), done
        if total is not None and done < total:
            raise BrokeOff(f"{shown(self.url)}: the connection broke off")

    def _checked(self) -> bool:
        """Whether the file is in its place now. False to try once more from the beginning."""
        if wrong := self.file.differs(self.part):
            self._discard()
            if self.resumed:  # perhaps two versions of it were put together
                return False
            raise BadInput(f"{shown(self.url)}: {wrong}: the server has another file than the catalogue names")
        os.replace(self.part, self.target)
        disk.sync(self.target.parent)
        self.beside.unlink(missing_ok=True)
        return True

    def _most(self) -> int:
        return MOST if self.file.size is None else self.file.size

    def _may_resume(self) -> bool:
        return self.notes.url == self.url and bool(self.notes.validator or self.file.proven)

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.beside.unlink(missing_ok=True)
        self.notes = _Notes()

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _spell_total(self) -> str:
        return f"{self.notes.total:,} bytes" if self.notes.total is not None else "an unknown number of bytes"

    def _read_notes(self) -> _Notes:
        try:
            return _Notes(**json.loads(self.beside.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return _Notes()  # nothing is resumed then

    def _sleep(self, seconds: float) -> None:
        waiting.turn()
        due = time.monotonic() + seconds
        while time.monotonic() < due:
            if self.stop():
                raise Stopped(f"{self.target.name}: stopped after {self._size():,} bytes, which are kept")
            time.sleep(min(0.2, max(0.0, due - time.monotonic())))


def _refusal(answer: Answer) -> Exception:
    where, status = shown(answer.url), answer.status
    if status in (404, 410):
        return NotFound(f"{where}: there is no such file ({status})")
    if status in (401, 403, 407):
        return Denied(f"{where}: access is refused ({status})")
    if status in (408, 425, 429) or status >= 500:
        return Unreachable(f"{where}: the server answers {status}")
    return BadInput(f"{where}: the server answers {status}, where a file was expected")


def _total(answer: Answer) -> int | None:
    """Bytes of the whole file, as the answer says."""
    if answer.status in (206, 416):
        found = re.search(r"/(\d+)$", answer.header("Content-Range"))
        return int(found[1]) if found else None
    length = answer.header("Content-Length")
    return int(length) if length.isdecimal() else None


def _validator(answer: Answer) -> str:
    etag = answer.header("ETag")
    return etag if etag and not etag.startswith("W/") else answer.header("Last-Modified")
