"""SHA-256 of files, cached, so that checking 100 GB twice costs once."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from io import FileIO

State = tuple[int, int, int, int]
BLOCK = 1 << 20
SETTLED = 2.0
"""Seconds a file must be unchanged before its digest is cached: within the clock's resolution a second write
would not change the time stamps."""

_TABLE = (
    "create table if not exists digests (path text primary key, inode integer, size integer, mtime integer,"
    " ctime integer, sha256 text) without rowid"
)


def sha256(path: Path, cache: Path | None = None) -> str:
    """The digest in hex; `cache` is an SQLite file that any number of processes may share."""
    if cache is None:
        return _hash(path)
    # ctime too: a tampered file can have its mtime put back, but not its ctime
    stat = path.stat()
    state = state_of(stat)
    # SQLite takes no names that are not UTF-8
    place = os.path.abspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    with _open(cache) as table:
        row = table.execute("select inode, size, mtime, ctime, sha256 from digests where path = ?", (place,)).fetchone()
    if row and row[:4] == state:
        return str(row[4])
    began = time.time()
    digest = _hash(path)
    if began - max(stat.st_mtime, stat.st_ctime) > SETTLED:
        with _open(cache) as table:
            table.execute("insert or replace into digests values (?, ?, ?, ?, ?, ?)", (place, *state, digest))
    return digest


def state_of(stat: os.stat_result) -> State:
    """Inode, size, mtime and ctime (ns): at least one changes whenever the content does."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def md5(path: Path) -> str:
    """The MD5 in hex, for files whose publisher says no other digest."""
    with path.open("rb", buffering=0) as file:
        return of_open(file, "md5")


def of_open(file: "FileIO", kind: str = "sha256") -> str:
    """The digest of an open file, whatever its path names by now; the position moves."""
    digest, block = hashlib.new(kind, usedforsecurity=False), bytearray(BLOCK)
    view = memoryview(block)
    file.seek(0)
    while count := file.readinto(block):
        digest.update(view[:count])
    return digest.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return of_open(file)


@contextlib.contextmanager
def _open(cache: Path) -> "Iterator[sqlite3.Connection]":
    import sqlite3

    cache.parent.mkdir(parents=True, exist_ok=True)
    try:
        table = _connect(cache)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        # a damaged cache holds nothing that cannot be computed again
        cache.unlink(missing_ok=True)
        table = _connect(cache)
    with contextlib.closing(table), table:
        yield table


def _connect(cache: Path) -> "sqlite3.Connection":
    import sqlite3

    table = sqlite3.connect(cache, timeout=60)
    try:
        table.execute(_TABLE)
        table.execute("select count(*) from digests where path = ''").fetchone()
    except sqlite3.Error:
        table.close()
        raise
    return table
