"""SHA-256 of files, remembered, so that checking 100 GB twice costs once."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

BLOCK = 1 << 20
SETTLED = 2.0
"""Seconds a file must have been still before its digest is remembered: within the clock's grain a second write
would leave the time stamps as they are."""

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
    state = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    place = os.path.abspath(path)
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


def _hash(path: Path) -> str:
    digest, block = hashlib.sha256(), bytearray(BLOCK)
    view = memoryview(block)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(view[:count])
    return digest.hexdigest()


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
