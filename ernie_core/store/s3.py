"""A store on S3: a bucket and a prefix in it."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, TypeVar

from ernie_core.errors import BadInput, NotFound, Unreachable
from ernie_core.patience import patiently
from ernie_core.progress import Progress, silent
from ernie_core.store import ahead, connection, disk, transfer
from ernie_core.store.base import Entry, Names, check_etag, check_key, join

if TYPE_CHECKING:
    import obstore
    import obstore.store

    Client: TypeAlias = obstore.store.S3Store

T = TypeVar("T")

STRANGER = 60.0
"""Most seconds of retries for a server that has never answered."""
ATTEMPTS = 3
"""Attempts at reading one range: the client retries requests, but not a response that breaks off."""


class S3Store:
    """Keys are objects; each appears whole when its last part is uploaded, so no staging is needed.

    `patience`: seconds for which a request is retried while a server that has answered before does not answer.
    """

    def __init__(self, bucket: str, prefix: str, patience: float = 0.0) -> None:
        self.bucket, self.patience, self._answered = bucket, patience, False
        self.prefix = check_key(prefix) if prefix else ""
        self.url = f"s3://{join(bucket, prefix)}"
        self._conditional = True

    def __repr__(self) -> str:
        return f"S3Store({self.url!r})"

    def __reduce__(self) -> tuple[type, tuple[str, str, float]]:
        return S3Store, (self.bucket, self.prefix, self.patience)

    def get(self, key: str) -> bytes | None:
        import obstore

        def ask(client: "Client") -> bytes | None:
            try:
                return bytes(obstore.get(client, check_key(key)).bytes())
            except FileNotFoundError as error:
                if connection.code(error) == "NoSuchBucket":
                    raise
                return None

        return self._ask(key, ask)

    def read(self, key: str) -> bytes:
        data = self.get(key)
        if data is None:
            raise NotFound(f"{self.url}/{key}: no such object")
        return data

    def write(self, key: str, data: bytes, *, create: bool = False) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        def ask(client: "Client") -> bool | None:
            if not create:
                obstore.put(client, check_key(key), data, use_multipart=False)
                return True
            try:
                if self._conditional:
                    obstore.put(client, check_key(key), data, mode="create")
                    return True
            except (AlreadyExistsError, FileExistsError):
                return False
            except BaseError as error:
                if connection.code(error) not in ("NotImplemented", "501"):
                    raise
                self._conditional = False
            return None

        if (written := self._ask(key, ask)) is not None:
            return written
        # No conditional writes here. Two writers may then both believe they were first, and the later manifest stays;
        # both name content-addressed folders that are whole, so the artefact is good either way.
        return self.head(key) is None and self.write(key, data)

    def head(self, key: str) -> Entry | None:
        known = self._look(key)
        return None if known is None else known[0]

    def list(self, prefix: str = "") -> Iterator[Entry]:
        import obstore

        def ask(client: "Client") -> list[Entry]:
            below = check_key(prefix) if prefix else None
            rows = (meta for chunk in obstore.list(client, below, chunk_size=1000) for meta in chunk)
            return [_entry(meta["path"], meta) for meta in rows]

        yield from sorted(self._ask(prefix, ask), key=lambda entry: entry.key)

    def children(self, prefix: str = "") -> Names:
        import obstore

        below = check_key(prefix) if prefix else None
        listing = self._ask(prefix, lambda client: obstore.list_with_delimiter(client, below))
        keys = [*listing["common_prefixes"], *(meta["path"] for meta in listing["objects"])]
        return sorted({key.rpartition("/")[2] for key in keys})

    def delete(self, key: str) -> None:
        import obstore

        with contextlib.suppress(FileNotFoundError):
            self._ask(key, lambda client: obstore.delete(client, check_key(key)))

    def path(self, key: str) -> None:
        return None

    def open(self, key: str, at: int = 0, *, etag: str | None = None) -> BinaryIO:
        entry = self.head(key)
        if entry is None:
            raise NotFound(f"{self.url}/{key}: no such object")
        check_etag(entry, etag, self.url)
        return ahead.opened(lambda start, end: self._range(entry, start, end), at, entry.size)

    def copy(self, source: str, target: str) -> None:
        """Copy an object to a second key on the server; no byte passes through this machine."""
        import obstore

        try:
            self._ask(source, lambda client: obstore.copy(client, check_key(source), check_key(target)))
        except FileNotFoundError as error:
            raise NotFound(f"{self.url}/{source}: no such object") from error

    def upload(self, source: Path, key: str, progress: Progress = silent, *, sha256: str = "") -> None:
        import obstore

        size = source.stat().st_size
        if sha256 and self._holds(key, size, sha256):
            progress(size, size, "B")
            return
        noted: dict[str, str] = {"sha256": sha256} if sha256 else {}

        def ask(client: "Client") -> None:
            if size <= transfer.RANGE:
                obstore.put(client, check_key(key), source.read_bytes(), use_multipart=False, attributes=noted)
            else:
                obstore.put(
                    client,
                    check_key(key),
                    _blocks(source, size, progress),
                    chunk_size=transfer.RANGE,
                    max_concurrency=transfer.PARALLEL,
                    attributes=noted,
                )

        with disk.explained(source):
            self._ask(key, ask)
        if not self._holds(key, size, sha256):
            self.delete(key)
            raise BadInput(f"{source}: changed while it was uploaded to {self.url}/{key}; run again")
        progress(size, size, "B")

    def download(self, key: str, target: Path, *, size: int, progress: Progress = silent, sha256: str | None = None,
                 etag: str | None = None) -> None:  # fmt: skip
        entry = self.head(key)
        if entry is None:
            raise NotFound(f"{self.url}/{key}: no such object")
        check_etag(entry, etag, self.url)
        blob = transfer.Blob(
            f"{self.url}/{key}", entry.size, entry.etag or "", lambda start, end: self._range(entry, start, end)
        )
        transfer.download(blob, target, size=size, sha256=sha256, progress=progress)

    def abandoned(self, limit: datetime) -> Names:
        """Abort uploads begun before `limit` that never ended, which cost money unseen; returns their keys."""
        below = f"{self.prefix}/" if self.prefix else ""
        return [key.removeprefix(below) for key in connection.abort(self.bucket, below, limit)]

    @cached_property
    def _client(self) -> "obstore.store.S3Store":
        return connection.connect(self.bucket, self.prefix)

    def _ask(self, key: str, ask: "Callable[[Client], T]") -> T:
        """The result of a request, with errors of this project; a missing key stays a FileNotFoundError."""
        place = join(self.url, key)

        def once() -> T:
            with connection.explained(self.bucket, place):
                return ask(self._client)

        if not self.patience:
            return once()
        # a server that has never answered more likely has a wrong address than an outage
        outage = self.patience if self._answered else min(self.patience, STRANGER)
        answer = patiently(once, place, outage=outage)
        self._answered = True
        return answer

    def _look(self, key: str) -> tuple[Entry, str] | None:
        """The object, and the digest in its attributes; None without such a key."""
        import obstore

        try:
            answer = self._ask(key, lambda client: obstore.get(client, check_key(key), options={"head": True}))
        except FileNotFoundError:
            return None
        # the path in this response, unlike that in a listing, begins with the prefix of the store
        return _entry(key, answer.meta), answer.attributes.get("sha256", "")

    def _holds(self, key: str, size: int, sha256: str) -> bool:
        known = self._look(key)
        return known is not None and known[0].size == size and known[1] == sha256

    def _range(self, entry: Entry, start: int, end: int) -> memoryview:
        import obstore

        # all ranges of one version, even if the object is replaced meanwhile
        options: obstore.GetOptions = {"range": (start, end), "if_match": entry.etag}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                data = self._ask(entry.key, lambda client: obstore.get(client, entry.key, options=options).bytes())
                return memoryview(data)
            except Unreachable:
                if attempt == ATTEMPTS:
                    raise
            except FileNotFoundError as error:
                raise NotFound(f"{self.url}/{entry.key}: removed while it was read") from error
        raise AssertionError


def _blocks(source: Path, size: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    with source.open("rb", buffering=0) as file:
        while block := file.read(transfer.RANGE):
            yield block
            done += len(block)
            progress(min(done, size), size, "B")


def _entry(key: str, meta: "obstore.ObjectMeta") -> Entry:
    return Entry(key, meta["size"], meta["e_tag"], meta["last_modified"])
