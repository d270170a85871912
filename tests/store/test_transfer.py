"""Transfers that are interrupted: they resume where they stopped, and partial files are never visible."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ernie_core.errors import BadInput
from ernie_core.store import Store, artefact, transfer
from ernie_core.store.transfer import Blob

ROOT = Path(__file__).parents[2]


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


DOWNLOAD = """
import sys, time
from pathlib import Path
from ernie_core.store import open_store, transfer
transfer.RANGE, transfer.PARALLEL = 100_000, 2
def slow(blob, number, handle, copy=transfer._copy):
    if number >= 5:
        time.sleep(60)
    return copy(blob, number, handle)
transfer._copy = slow
def progress(done, *_, **__):
    if done >= 500_000:
        print("half", flush=True)
open_store(sys.argv[1]).download("blob", Path(sys.argv[2]), size=1_000_000, progress=progress)
"""


def test_a_killed_download_goes_on_and_fetches_no_range_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, target = os.urandom(1_000_000), tmp_path / "blob"
    store.write("blob", data)
    process = start(DOWNLOAD, store.url, target)
    assert process.stdout
    assert process.stdout.readline() == "half\n"
    process.kill()
    process.communicate()
    assert not target.exists()
    fetched = []

    def noted(blob: Blob, number: int, handle: int, copy=transfer._copy) -> int:
        fetched.append(number)
        return copy(blob, number, handle)

    monkeypatch.setattr(transfer, "RANGE", 100_000)
    monkeypatch.setattr(transfer, "_copy", noted)
    store.download("blob", target, size=len(data))
    assert sorted(fetched) == [5, 6, 7, 8, 9]
    assert target.read_bytes() == data
    assert sorted(tmp_path.glob("blob*")) == [target]


def test_a_download_starts_over_when_the_source_was_replaced(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "RANGE", 1000)
    old, new = os.urandom(5000), os.urandom(5000)
    store.write("blob", old)

    def stop(done: float, *_: object, **__: object) -> None:
        if done >= 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.download("blob", tmp_path / "blob", size=5000, progress=stop)
    store.write("blob", new)
    store.download("blob", tmp_path / "blob", size=5000)
    assert (tmp_path / "blob").read_bytes() == new


def test_bytes_that_a_power_cut_took_are_read_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "RANGE", 1000)
    data = os.urandom(5000)
    store.write("blob", data)

    def stop(done: float, *_: object, **__: object) -> None:
        if done >= 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.download("blob", tmp_path / "blob", size=5000, progress=stop)
    part, _ = transfer.beside(tmp_path / "blob")
    part.write_bytes(bytes(5000))  # noted in the journal, but never on the disk
    sha256 = hashlib.sha256(data).hexdigest()
    store.download("blob", tmp_path / "blob", size=5000, sha256=sha256)
    assert (tmp_path / "blob").read_bytes() == data
    with pytest.raises(BadInput, match="tampered or damaged, expected sha256 0000"):
        store.download("blob", tmp_path / "other", size=5000, sha256="0" * 64)
    with pytest.raises(BadInput, match="truncated or replaced, expected 6000 bytes, found 5000"):
        store.download("blob", tmp_path / "other", size=6000)


def test_an_interrupted_upload_leaves_no_object_and_is_swept(s3: Store, tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(3 * transfer.RANGE))

    def stop(done: float, *_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(BaseException):  # noqa: B017 - whatever the client makes of it
        s3.upload(source, "big", stop)
    assert s3.head("big") is None
    assert list(s3.list()) == []


UPLOAD = """
import sys, time
from pathlib import Path
from ernie_core.store import open_store
def progress(done, *_, **__):
    print("part", flush=True)
    time.sleep(60)
open_store(sys.argv[1]).upload(Path(sys.argv[2]), "big", progress)
"""


def test_a_killed_upload_is_invisible_and_a_sweep_ends_it(s3: Store, tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(3 * transfer.RANGE))
    process = start(UPLOAD, s3.url, source)
    assert process.stdout
    assert process.stdout.readline() == "part\n"
    process.kill()
    process.communicate()
    assert list(s3.list()) == []
    assert artefact.sweep(s3, older_than=3600) == []
    assert artefact.sweep(s3, older_than=-3600) == ["big"]
    assert artefact.sweep(s3, older_than=-3600) == []


def test_a_second_upload_skips_the_files_that_are_there(
    s3: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    folder = artefact.staging(s3, "words/1", tmp_path)
    for n in range(3):
        (folder / str(n)).write_bytes(bytes([n]) * 1000)
    with monkeypatch.context() as patch:
        patch.setattr(type(s3), "write", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            artefact.publish(s3, "words/1", folder, kind="words", info={})
    assert artefact.read(s3, "words/1") is None
    folder = artefact.staging(s3, "words/1", tmp_path)
    for n in range(3):
        (folder / str(n)).write_bytes(bytes([n]) * 1000)
    sent = []
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda client, key, *a, **k: (sent.append(key), put(client, key, *a, **k))[1])
    artefact.publish(s3, "words/1", folder, kind="words", info={})
    # a lease that an earlier test held may still be given back
    assert [key for key in sent if key.startswith("words/")] == ["words/1/MANIFEST.json"]
    assert artefact.verify(s3, "words/1") == []
