"""A store on S3: a bucket and a prefix in it."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ernie_core.errors import BadInput, Error, NotFound, Unreachable
from ernie_core.progress import Progress, silent
from ernie_core.store import ahead, connection, disk, transfer
from ernie_core.store.base import Entry, Names, check_key, join

if TYPE_CHECKING:
    import obstore
    import obstore.store

ATTEMPTS = 3
"""Of reading one range: the client retries requests, but not an answer that breaks off."""


class S3Store:
    """Keys are objects; each appears whole when its last part is there, so no staging is needed."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = check_key(prefix) if prefix else ""
        self.url = f"s3://{join(bucket, prefix)}"
        self._conditional = True

    def __repr__(self) -> str:
        return f"S3Store({self.url!r})"

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return S3Store, (self.bucket, self.prefix)

    def get(self, key: str) -> bytes | None:
        import obstore

        with self._explained(key) as client:
            try:
                return bytes(obstore.get(client, check_key(key)).bytes())
            except FileNotFoundError as error:
                if connection.code(error) == "NoSuchBucket":
                    raise
                return None

    def read(self, key: str) -> bytes:
        data = self.get(key)
        if data is None:
            raise NotFound(f"{self.url}/{key}: no such object")
        return data

    def write(self, key: str, data: bytes, *, create: bool = False) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        with self._explained(key) as client:
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
        # No conditional writes here. Two writers may then both believe they were first, and the later manifest stays;
        # both name content-addressed folders that are whole, so it is one good artefact either way.
        return self.head(key) is None and self.write(key, data)

    def head(self, key: str) -> Entry | None:
        found = self._look(key)
        return None if found is None else found[0]

    def list(self, prefix: str = "") -> Iterator[Entry]:
        import obstore

        with self._explained(prefix) as client:
            below = check_key(prefix) if prefix else None
            entries = [
                _entry(meta["path"], meta) for chunk in obstore.list(client, below, chunk_size=1000) for meta in chunk
            ]
        yield from sorted(entries, key=lambda entry: entry.key)

    def children(self, prefix: str = "") -> Names:
        import obstore

        with self._explained(prefix) as client:
            found = obstore.list_with_delimiter(client, check_key(prefix) if prefix else None)
        keys = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        return sorted({key.rpartition("/")[2] for key in keys})

    def delete(self, key: str) -> None:
        import obstore

        with self._explained(key) as client, contextlib.suppress(FileNotFoundError):
            obstore.delete(client, check_key(key))

    def path(self, key: str) -> None:
        return None

    def open(self, key: str, at: int = 0) -> BinaryIO:
        found = self.head(key)
        if found is None:
            raise NotFound(f"{self.url}/{key}: no such object")
        return ahead.opened(lambda start, end: self._range(found, start, end), at, found.size)

    def copy(self, source: str, target: str) -> None:
        """Let the same bytes appear under a second key; none of them passes through this machine."""
        import obstore

        with self._explained(source) as client:
            try:
                obstore.copy(client, check_key(source), check_key(target))
            except FileNotFoundError as error:
                raise NotFound(f"{self.url}/{source}: no such object") from error

    def upload(self, source: Path, key: str, progress: Progress = silent, *, sha256: str = "") -> None:
        import obstore

        size = source.stat().st_size
        if sha256 and self._holds(key, size, sha256):
            progress(size, size, "B")
            return
        noted: dict[str, str] = {"sha256": sha256} if sha256 else {}
        with disk.explained(source), self._explained(key) as client:
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
        if not self._holds(key, size, sha256):
            self.delete(key)
            raise BadInput(f"{source}: changed while it was uploaded to {self.url}/{key}; run again")
        progress(size, size, "B")

    def download(
        self, key: str, target: Path, *, size: int, progress: Progress = silent, sha256: str | None = None
    ) -> None:
        found = self.head(key)
        if found is None:
            raise NotFound(f"{self.url}/{key}: no such object")
        blob = transfer.Blob(
            f"{self.url}/{key}", found.size, found.etag or "", lambda start, end: self._range(found, start, end)
        )
        transfer.download(blob, target, size=size, sha256=sha256, progress=progress)

    def abandoned(self, limit: datetime) -> Names:
        """Abort uploads begun before `limit` that never ended: nobody sees them, but they are paid for."""
        import boto3
        import botocore.exceptions as failures

        # the one call that obstore does not have
        client = boto3.client("s3", endpoint_url=connection.endpoint(), region_name=connection.region())
        below = f"{self.prefix}/" if self.prefix else ""
        try:
            pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=below)
            old = [found for page in pages for found in page.get("Uploads", []) if found["Initiated"] <= limit]
            for found in old:
                client.abort_multipart_upload(Bucket=self.bucket, Key=found["Key"], UploadId=found["UploadId"])
        except (failures.BotoCoreError, failures.ClientError) as error:
            raise Error(f"{self.url}: unfinished uploads could not be aborted: {error}") from error
        return sorted(found["Key"].removeprefix(below) for found in old)

    @cached_property
    def _client(self) -> "obstore.store.S3Store":
        return connection.connect(self.bucket, self.prefix)

    @contextlib.contextmanager
    def _explained(self, key: str) -> Iterator["obstore.store.S3Store"]:
        with connection.explained(self.bucket, join(self.url, key)):
            yield self._client

    def _look(self, key: str) -> tuple[Entry, str] | None:
        """The object and the digest that its upload noted."""
        import obstore

        with self._explained(key) as client:
            try:
                found = obstore.get(client, check_key(key), options={"head": True})
            except FileNotFoundError:
                return None
        # the path in this answer, unlike that in a listing, begins with the prefix of the store
        return _entry(key, found.meta), found.attributes.get("sha256", "")

    def _holds(self, key: str, size: int, sha256: str) -> bool:
        found = self._look(key)
        return found is not None and found[0].size == size and found[1] == sha256

    def _range(self, entry: Entry, start: int, end: int) -> memoryview:
        import obstore

        # all ranges of one version, even if the object is replaced meanwhile
        options: obstore.GetOptions = {"range": (start, end), "if_match": entry.etag}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._explained(entry.key) as client:
                    return memoryview(obstore.get(client, entry.key, options=options).bytes())
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
