"""Keys and bytes: the same on a file system and on S3."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core.errors import BadInput, NotFound
from ernie_core.keys import flaw
from ernie_core.store import Store, open_store, point, pointed

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda name: not flaw(name))


def test_what_was_written_is_read(store: Store) -> None:
    assert store.write("words/a/part-0.jsonl", b"one")
    assert store.write("words/a/part-0.jsonl", b"two")
    assert store.read("words/a/part-0.jsonl") == b"two"
    with store.open("words/a/part-0.jsonl") as file:
        assert file.read() == b"two"
    with store.open("words/a/part-0.jsonl", 1) as file:
        assert file.read() == b"wo"


def test_create_writes_only_once(store: Store) -> None:
    assert store.write("vocab/MANIFEST.json", b"first", create=True) is True
    assert store.write("vocab/MANIFEST.json", b"second", create=True) is False
    assert store.read("vocab/MANIFEST.json") == b"first"


def test_of_many_writers_one_creates(store: Store) -> None:
    for n in range(10):
        ready = threading.Barrier(6)

        def create(word: bytes, key: str = f"a/{n}", ready: threading.Barrier = ready) -> bool:
            ready.wait()
            return store.write(key, word, create=True)

        with ThreadPoolExecutor(6) as pool:
            said = list(pool.map(create, [b"%d" % writer for writer in range(6)]))
        assert said.count(True) == 1
        assert store.read(f"a/{n}") == b"%d" % said.index(True)


def test_a_reader_sees_the_old_or_the_new_and_nothing_between(store: Store) -> None:
    old, new = b"o" * 1_000_000, b"n" * 1_000_000
    store.write("a", old)

    def rewrite() -> None:
        for _ in range(8):
            store.write("a", new)
            store.write("a", old)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(rewrite)
        while not writing.done():
            assert store.read("a") in (old, new)
        writing.result()


def test_a_missing_key_is_named(store: Store) -> None:
    store.write("a/b", b"1")
    assert store.get("a/c") is None
    assert store.head("a/c") is None
    assert store.get("a") is None  # a folder is no key
    for use in (
        store.read,
        lambda key: store.open(key),
        lambda key: store.download(key, Path("never"), size=1),
    ):
        with pytest.raises(NotFound, match="a/c: no such"):
            use("a/c")


def test_a_listing_is_sorted_and_stays_within_its_folder(store: Store) -> None:
    for key in ("b/2", "b/10", "b/1/x", "b.txt", "bc/1", "a"):
        store.write(key, key.encode())
    assert [entry.key for entry in store.list()] == ["a", "b.txt", "b/1/x", "b/10", "b/2", "bc/1"]
    assert [(entry.key, entry.size) for entry in store.list("b")] == [("b/1/x", 5), ("b/10", 4), ("b/2", 3)]
    assert store.children("b") == ["1", "10", "2"]
    assert store.children() == ["a", "b", "b.txt", "bc"]
    assert list(store.list("nothing")) == []
    assert store.children("nothing") == []


def test_deleting_twice_is_no_error(store: Store) -> None:
    store.write("deep/er/key", b"1")
    store.delete("deep/er/key")
    store.delete("deep/er/key")
    assert list(store.list()) == []


def test_a_file_system_keeps_no_empty_folders(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.write("deep/er/key", b"1")
    store.delete("deep/er/key")
    assert store.children() == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
def test_any_allowed_name_comes_back_from_a_listing(store: Store, name: str) -> None:
    store.write(f"names/{name}/{name}", name.encode())
    assert [entry.key for entry in store.list(f"names/{name}")] == [f"names/{name}/{name}"]
    assert store.read(f"names/{name}/{name}") == name.encode()
    store.delete(f"names/{name}/{name}")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", "./a", "a\\b", "a\0b", "a\nb", "x" * 300]
)
def test_a_key_that_could_lead_out_of_the_store_is_refused(store: Store, key: str) -> None:
    for use in (store.read, store.delete, store.head, lambda k: store.write(k, b"")):
        with pytest.raises(BadInput, match="cannot be a key"):
            use(key)


def test_a_pointer_is_swapped_in_one_step(store: Store) -> None:
    assert pointed(store, "pretrain/f/model_last") is None
    for step in (5, 10):
        store.write(f"pretrain/f/model_{step}/config.yml", b"x")
        point(store, "pretrain/f/model_last", f"model_{step}")
        assert pointed(store, "pretrain/f/model_last") == f"model_{step}"
    assert [entry.key for entry in store.list("pretrain/f")] == [
        "pretrain/f/model_10/config.yml",
        "pretrain/f/model_5/config.yml",
        "pretrain/f/model_last",
    ]
    assert "model_last" in store.children("pretrain/f")
    with pytest.raises(BadInput, match="neighbour"):
        point(store, "pretrain/f/model_last", "../elsewhere")


def test_on_a_file_system_a_pointer_opens_as_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.write("f/model_5/config.yml", b"x")
    point(store, "f/model_last", "model_5")
    assert (tmp_path / "f/model_last/config.yml").read_bytes() == b"x"
    assert os.readlink(tmp_path / "f/model_last") == "model_5"


def test_a_store_is_opened_again_by_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "my store #1 %"
    for url in ("relative", "a/../relative", str(odd), odd, "s3://bucket/some/prefix/", "s3://bucket"):
        store = open_store(url)
        assert open_store(store.url).url == store.url
        assert pickle.loads(pickle.dumps(store)).url == store.url
    assert open_store("relative").url == open_store("a/../relative").url == (tmp_path / "relative").as_uri()
    assert open_store("s3://bucket/some/prefix/").url == "s3://bucket/some/prefix"
    assert open_store(odd).path("a") == odd / "a"


@pytest.mark.parametrize("url", ["gs://bucket/x", "http://host/x", "", "s3://", "file://other-host/x"])
def test_an_address_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="give a folder"):
        open_store(url)


def test_importing_the_store_loads_no_client_library() -> None:
    code = "import sys, ernie_core.store as s; s.open_store('s3://b/p'); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "ernie_core.store.s3" in out
    assert not {"boto3", "botocore", "obstore", "numpy", "sqlite3", "pydantic"} & set(out)
