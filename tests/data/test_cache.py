"""Entries of a cache are whole or absent, whoever makes them, waits for them or dies over them."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ernie_core import errors
from ernie_core.data.cache import Cache, Fact


def fill(folder: Path) -> dict[str, Fact]:
    """Two files and a fact."""
    (folder / "a.npy").write_bytes(b"a" * 100_000)
    (folder / "b.npy").write_bytes(b"b" * 10)
    return {"rows": 7}


def never_called(folder: Path) -> dict[str, Fact]:
    """For what must be there already."""
    raise AssertionError(f"made again: {folder}")


def left(place: Path) -> list[str]:
    """The content of the folder of private names."""
    return sorted(os.listdir(place / ".making"))


def test_what_was_made_once_is_found_by_everyone(tmp_path: Path) -> None:
    made = Cache(tmp_path).get("map-1", fill)
    assert made.facts == {"rows": 7} and (made.folder / "b.npy").read_bytes() == b"b" * 10
    for maker in (True, False):
        assert Cache(tmp_path, maker).get("map-1", never_called) == made
    assert list(Cache(tmp_path).entries("map-")) == ["map-1"] and not Cache(tmp_path).entries("mix-")
    assert left(tmp_path) == []


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing(folder: Path) -> dict[str, Fact]:
        fill(folder)
        raise errors.BadInput("no")

    with pytest.raises(errors.BadInput, match="no"):
        Cache(tmp_path).get("map-1", failing)
    assert left(tmp_path) == [] and Cache(tmp_path).find("map-1") is None


def _dying(place: Path, after: int) -> None:
    """Makes an entry and is killed at the given call of os.fsync."""
    calls, sync = [0], os.fsync

    def fsync(handle: int) -> None:
        calls[0] += 1
        if calls[0] > after:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(handle)

    os.fsync = fsync  # type: ignore[assignment]
    Cache(place).get("map-1", fill)


def test_a_kill_at_any_moment_leaves_a_whole_entry_or_none(tmp_path: Path) -> None:
    spawn, killed = multiprocessing.get_context("fork"), 0
    for after in range(20):
        place = tmp_path / str(after)
        process = spawn.Process(target=_dying, args=(place, after))
        process.start()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        whole = Cache(place).find("map-1")
        assert whole is None or (whole.folder / "a.npy").stat().st_size == 100_000
        assert Cache(place).get("map-1", fill if whole is None else never_called).facts == {"rows": 7}
        if process.exitcode == 0:
            break
    assert 4 < killed < 20


def test_what_a_killed_maker_left_is_swept_after_a_day(tmp_path: Path) -> None:
    old, young = (tmp_path / ".making" / name for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 100_000,) * 2)
    Cache(tmp_path).get("map-1", fill)
    assert left(tmp_path) == ["young"]


def test_many_makers_at_once_end_with_one_entry(tmp_path: Path) -> None:
    barrier, found = threading.Barrier(8), []

    def slow(folder: Path) -> dict[str, Fact]:
        barrier.wait()
        return fill(folder)

    threads = [threading.Thread(target=lambda: found.append(Cache(tmp_path).get("map-1", slow))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(entry == found[0] for entry in found)
    assert left(tmp_path) == [] and Cache(tmp_path).get("map-1", never_called)


def test_others_wait_until_it_is_there(tmp_path: Path) -> None:
    waiting = threading.Event()

    def later() -> None:
        assert waiting.wait(60)
        Cache(tmp_path).get("map-1", fill)

    def looked() -> bool:
        waiting.set()
        return False

    thread = threading.Thread(target=later)
    thread.start()
    assert Cache(tmp_path, maker=False, patience=60, stop=looked).get("map-1", never_called).facts == {"rows": 7}
    thread.join()


def test_waiting_ends_with_a_message_or_a_stop(tmp_path: Path) -> None:
    with pytest.raises(errors.Error, match=r"map-1 did not appear within 0 s: rank 0 makes it; .* on all nodes"):
        Cache(tmp_path, maker=False, patience=0).get("map-1", never_called)
    with pytest.raises(errors.Stopped, match="waiting"):
        Cache(tmp_path, maker=False, stop=lambda: True).get("map-1", never_called)


@pytest.mark.parametrize("damage", ["cut", "emptied", "changed", "removed"])
def test_a_damaged_entry_is_made_again_and_said(tmp_path: Path, damage: str) -> None:
    file = Cache(tmp_path).get("map-1", fill).folder / "a.npy"
    whole = file.read_bytes()
    file.unlink()
    if damage != "removed":
        bad = {"cut": whole[:-1], "emptied": bytes(len(whole)), "changed": b"x" + whole[1:]}
        file.write_bytes(bad[damage])
    with pytest.warns(UserWarning, match=r"a\.npy is (not what was written|missing); it is made again"):
        made = Cache(tmp_path).get("map-1", fill)
    assert (made.folder / "a.npy").read_bytes() == whole


def test_a_removed_entry_is_gone_at_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.get("map-1", fill)
    cache.remove("map-1")
    cache.remove("map-1")
    assert cache.find("map-1") is None and left(tmp_path) == []


def test_an_unreadable_manifest_is_named(tmp_path: Path) -> None:
    (Cache(tmp_path).get("map-1", fill).folder / "MANIFEST.json").write_text("{")
    with pytest.raises(errors.BadInput, match=r"map-1/MANIFEST.json: not readable"):
        Cache(tmp_path).get("map-1", fill)
