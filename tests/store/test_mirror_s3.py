"""A mirror on a real S3 server."""

import hashlib
import uuid
from pathlib import Path

import pytest

from ernie_core.catalogue import fetch
from ernie_core.catalogue.entries import Entry, File
from ernie_core.catalogue.fetch import Source
from ernie_core.errors import BadInput, NotFound
from ernie_core.store import open_store


def test_files_come_from_a_mirror_in_a_bucket(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    root = f"s3://store/{uuid.uuid4().hex}"
    open_store(root).write("models/small/vocab.txt", b"v\n")
    entry = Entry("small", "models", (File("vocab.txt", "https://host/vocab"),))
    source = Source(tmp_path / "cache", root, tell=lambda _: None)
    (tmp_path / "out").mkdir()
    fetch.bring(entry, tmp_path / "out", source)
    assert (tmp_path / "out/vocab.txt").read_bytes() == b"v\n"
    more = Entry("small", "models", (File("config.json", "https://host/config"),))
    with pytest.raises(NotFound, match=f"to models/small/config.json of {root}"):
        fetch.bring(more, tmp_path / "out", source)


def test_a_mirror_that_was_put_right_is_asked_again(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    root = f"s3://store/{uuid.uuid4().hex}"
    known = hashlib.sha256(b"v\n").hexdigest()
    entry = Entry("small", "models", (File("vocab.txt", "https://host/vocab", sha256=known),))
    source = Source(tmp_path / "cache", root, tell=lambda _: None)
    (tmp_path / "out").mkdir()
    open_store(root).write("models/small/vocab.txt", b"x\n")
    with pytest.raises(BadInput, match=f"instead of {known}"):
        fetch.bring(entry, tmp_path / "out", source)
    open_store(root).write("models/small/vocab.txt", b"v\n")
    fetch.bring(entry, tmp_path / "out", source)
    assert (tmp_path / "out/vocab.txt").read_bytes() == b"v\n"
