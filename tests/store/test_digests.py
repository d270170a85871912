"""Digests of files are remembered as long as the file is the same."""

import hashlib
import multiprocessing
import os
from pathlib import Path

import pytest

from ernie_core.store import digests


def settled(path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    path.write_bytes(data)
    monkeypatch.setattr(digests, "SETTLED", -1)  # as if it had been still for long
    return hashlib.sha256(data).hexdigest()


def count(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    read: list[Path] = []
    real = digests._hash
    monkeypatch.setattr(digests, "_hash", lambda path: (read.append(path), real(path))[1])
    return read


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, read = settled(tmp_path / "a", b"x" * 3_000_000, monkeypatch), count(monkeypatch)
    for _ in range(3):
        assert digests.sha256(tmp_path / "a", tmp_path / "cache" / "d.sqlite") == expected
    assert len(read) == 1
    assert digests.sha256(tmp_path / "a") == expected  # without a cache it is read


def test_a_changed_file_is_read_again_even_with_its_old_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(tmp_path / "a", b"old", monkeypatch)
    stat = (tmp_path / "a").stat()
    digests.sha256(tmp_path / "a", tmp_path / "d")
    (tmp_path / "a").write_bytes(b"new")
    os.utime(tmp_path / "a", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digests.sha256(tmp_path / "a", tmp_path / "d") == hashlib.sha256(b"new").hexdigest()


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"fresh")
    read = count(monkeypatch)
    monkeypatch.setattr(digests, "SETTLED", 3600)
    for _ in range(2):
        digests.sha256(tmp_path / "a", tmp_path / "d")
    assert len(read) == 2


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    expected, read = settled(tmp_path / "a", b"x", monkeypatch), count(monkeypatch)
    (tmp_path / "d").write_bytes(damage)
    for _ in range(2):
        assert digests.sha256(tmp_path / "a", tmp_path / "d") == expected
    assert len(read) == 1


def test_processes_share_a_cache(tmp_path: Path) -> None:
    expected = []
    for n in range(20):
        (tmp_path / str(n)).write_bytes(bytes([n]))
        expected.append(hashlib.sha256(bytes([n])).hexdigest())
    work = [(tmp_path / str(n), tmp_path / "d") for n in range(20)] * 4
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.starmap(digests.sha256, work) == expected * 4
