"""A file of the cache that several processes want: one has it at a time, and nobody removes it from under another."""

import fcntl
import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from published import Files, Handler, server

from ernie_core.catalogue import archive, fetch
from ernie_core.catalogue.alone import alone, remove
from ernie_core.catalogue.entries import Entry, File, Member
from ernie_core.catalogue.fetch import Source
from ernie_core.errors import Stopped
from ernie_core.store import digests

BODY = b"w" * 100_000


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site() -> Iterator[Files]:
    with server(weights=BODY) as files:
        yield files


def entry(site: Files) -> Entry:
    return Entry("small", "models", (File("weights", f"{site.url}/weights"),))


def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "cache", tell=lambda _: None)


def brought(of: Entry, tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    fetch.bring(of, tmp_path / name, source(tmp_path))
    return tmp_path / name


def has(target: Path) -> bool:
    """Whether some process has the file."""
    with target.with_name(f"{target.name}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_who_asked_to_stop_does_not_wait(tmp_path: Path) -> None:
    said: list[str] = []
    target = tmp_path / "cache/file"
    with (
        alone(target, lambda: False, said.append),
        pytest.raises(Stopped, match="another process has it"),
        alone(target, lambda: True, said.append),
    ):
        pass
    assert said == ["file: another process has it, waiting for that"]


def test_what_another_process_has_is_not_removed(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with alone(target, lambda: False, print):
        target.write_bytes(b"x")
        assert not remove(target)
    assert target.exists()
    assert remove(target)
    assert not target.exists()


def test_what_was_never_there_is_not_made_to_be_removed(tmp_path: Path) -> None:
    remove(tmp_path / "no/file")
    assert not (tmp_path / "no").exists()


def test_a_cache_that_is_deleted_meanwhile_gives_no_two_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, lock = tmp_path / "file", fcntl.flock

    def slow(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        target.with_name("file.lock").unlink()
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with alone(target, lambda: False, print):
        assert has(target)


def test_one_that_ends_leaves_the_download_of_another_alone(site: Files, tmp_path: Path) -> None:
    half, go = threading.Event(), threading.Event()

    def pauses(handler: Handler) -> bool:
        handler.send_response(200)
        for name, value in {"Content-Length": str(len(BODY)), "ETag": '"1"'}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(BODY[:50_000])
        half.set()
        go.wait(30)
        handler.wfile.write(BODY[50_000:])
        return True

    site.tricks = [pauses]
    (other := threading.Thread(target=brought, args=(entry(site), tmp_path, "other"))).start()
    assert half.wait(30)
    fetch.forget(entry(site), source(tmp_path))
    go.set()
    other.join()
    assert (tmp_path / "other/weights").read_bytes() == BODY
    assert len(site.asked) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_is_removed_between_its_download_and_its_use(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    from published_models import tar

    wanted = entry(site)
    if packed:
        site.content["/weights"] = tar({"weights": BODY})
        wanted = Entry(
            "set", "datasets", (File("a.tgz", f"{site.url}/weights", members=(Member("weights", "weights"),)),)
        )
    sha256, unpack = digests.sha256, archive.unpack

    def forgotten(path: Path) -> str:
        fetch.forget(wanted, source(tmp_path))
        return sha256(path)

    monkeypatch.setattr(digests, "sha256", forgotten)
    monkeypatch.setattr(archive, "unpack", lambda *given: (fetch.forget(wanted, source(tmp_path)), unpack(*given)))
    assert (brought(wanted, tmp_path, "out") / "weights").read_bytes() == BODY


def _uses(url: str, tmp_path: Path, number: int) -> None:
    wanted = Entry("small", "models", (File("weights", f"{url}/weights"),))
    for turn in range(10):
        folder = tmp_path / f"{number}-{turn}"
        folder.mkdir()
        fetch.bring(wanted, folder, source(tmp_path))
        fetch.forget(wanted, source(tmp_path))
        assert (folder / "weights").read_bytes() == BODY


def test_processes_that_bring_and_forget_never_disturb_each_other(site: Files, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_uses, args=(site.url, tmp_path, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
