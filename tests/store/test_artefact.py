"""Artefacts are whole or absent, and whoever reads one is told exactly what is wrong with it."""

import json
import os
from pathlib import Path

import pytest

from ernie_core.errors import BadInput, NotFound
from ernie_core.store import Store, artefact, open_store, point
from ernie_core.store.manifest import decode, encode
from ernie_core.store.transfer import RANGE

FILES = {"vocab.txt": "我\n们\n".encode(), "deep/er/part 0.bin": bytes(range(256)) * 40, "empty": b""}


def make(store: Store, address: str, scratch: Path, files: dict[str, bytes] = FILES, **options: bool):
    folder = artefact.staging(store, address, scratch)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return artefact.publish(store, address, folder, kind="vocab", info={"seconds": 1.5}, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def damaged(store: Store, address: str, name: str, data: bytes | None) -> None:
    """Change one file behind the manifest's back."""
    manifest = artefact.read(store, address)
    assert manifest is not None
    key = "/".join(part for part in (address, manifest.data, name) if part)
    if data is None:
        store.delete(key)
    else:
        store.write(key, data)


def test_an_artefact_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    assert artefact.read(store, "vocab/f1") is None
    made = make(store, "vocab/f1", tmp_path)
    assert artefact.read(store, "vocab/f1") == made
    assert made.size == sum(map(len, FILES.values()))
    assert [file.name for file in made.files] == sorted(FILES)
    assert content(artefact.fetch(store, "vocab/f1", tmp_path / "cache")) == FILES
    assert artefact.verify(store, "vocab/f1") == []
    assert content(artefact.fetch(store, "vocab/f1", tmp_path / "cache")) == FILES  # from the cache


def test_the_first_writer_wins_and_the_second_gets_its_manifest(store: Store, tmp_path: Path) -> None:
    first = make(store, "vocab/f1", tmp_path, {"a": b"first"})
    assert make(store, "vocab/f1", tmp_path, {"a": b"second"}) == first
    assert artefact.verify(store, "vocab/f1") == []
    assert len(list(store.list())) == 2


def test_a_big_file_travels_in_parts(store: Store, tmp_path: Path) -> None:
    big = os.urandom(RANGE + RANGE // 2)
    seen: list[float] = []
    folder = artefact.staging(store, "model/f", tmp_path)
    (folder / "big").write_bytes(big)
    artefact.publish(store, "model/f", folder, kind="model", info={}, progress=lambda done, *_, **__: seen.append(done))
    assert not folder.exists()
    assert max(seen) == len(big)
    assert content(artefact.fetch(store, "model/f", tmp_path / "cache")) == {"big": big}
    assert artefact.verify(store, "model/f") == []


def test_only_named_files_are_fetched(s3: Store, tmp_path: Path) -> None:
    make(s3, "vocab/f1", tmp_path)
    assert content(artefact.fetch(s3, "vocab/f1", tmp_path / "c", names=["empty"])) == {"empty": b""}
    with pytest.raises(BadInput, match=r"no file `nothing`, choose from: deep/er/part 0.bin, empty, vocab.txt"):
        artefact.fetch(s3, "vocab/f1", tmp_path / "c", names=["nothing"])


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("vocab.txt", None, "vocab.txt: missing, expected 8 bytes"),
        ("vocab.txt", FILES["vocab.txt"][:3], "vocab.txt: truncated or replaced, expected 8 bytes, found 3"),
        ("vocab.txt", FILES["vocab.txt"][::-1], "vocab.txt: tampered or damaged, expected sha256 "),
        ("deep/more", b"?", "deep/more: an extra file that the manifest does not name"),
    ],
)
def test_damage_is_named_with_its_remedy(
    store: Store, tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    make(store, "vocab/f1", tmp_path)
    damaged(store, "vocab/f1", name, data)
    with pytest.raises(BadInput) as caught:
        artefact.fetch(store, "vocab/f1", tmp_path / "cache")
    assert message in str(caught.value)
    assert "delete vocab/f1 from the store and run again" in str(caught.value)
    [problem] = artefact.verify(store, "vocab/f1")
    assert message in problem


def test_a_damaged_copy_in_the_cache_is_fetched_again(s3: Store, tmp_path: Path) -> None:
    make(s3, "vocab/f1", tmp_path)
    folder = artefact.fetch(s3, "vocab/f1", tmp_path / "cache")
    (folder / "vocab.txt").write_bytes(FILES["vocab.txt"][::-1])
    assert content(artefact.fetch(s3, "vocab/f1", tmp_path / "cache")) == FILES


def test_nothing_committed_is_not_found(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="vocab/f9: no artefact here"):
        artefact.fetch(store, "vocab/f9", tmp_path)
    assert artefact.verify(store, "vocab/f9") == [f"{store.url}/vocab/f9: nothing is committed here"]


@pytest.mark.parametrize("torn", [b"", b'{"format": 1, "kind": "vo', b"[]", b"\xff\xfe", b'{"format": 1}'])
def test_a_torn_manifest_says_how_to_go_on(store: Store, torn: bytes) -> None:
    store.write("vocab/f1/MANIFEST.json", torn)
    with pytest.raises(BadInput, match=r"vocab/f1/MANIFEST.json: the manifest cannot be used .* remove it: `kfp run`"):
        artefact.read(store, "vocab/f1")


HOSTILE = ["../../x", "/etc/passwd", "a/../../b", "", ".", "a//b", "a\\b", "a\0b", "line\nbreak", "x" * 999, 7, None]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_manifest_cannot_name_files_elsewhere(name: object) -> None:
    file = {"name": name, "size": 1, "sha256": "0" * 64}
    text = {"format": 1, "kind": "vocab", "data": "data-00000000", "files": [file], "info": {}}
    with pytest.raises(BadInput, match=r"the file name .* is not allowed"):
        decode(json.dumps(text).encode(), "m")
    if name:
        with pytest.raises(BadInput, match="cannot be used"):
            decode(json.dumps({**text, "files": [], "data": name}).encode(), "m")


def test_a_manifest_is_canonical_and_reads_what_later_versions_add(store: Store, tmp_path: Path) -> None:
    made = make(store, "vocab/f1", tmp_path)
    data = store.read("vocab/f1/MANIFEST.json")
    assert encode(decode(data, "m")) == data
    later = json.loads(data) | {"signature": "new"}
    assert decode(json.dumps(later).encode(), "m") == made
    with pytest.raises(BadInput, match="format 2, this version reads up to 1; install a newer one"):
        decode(json.dumps(later | {"format": 2}).encode(), "m")


def test_facts_that_json_cannot_hold_are_refused_before_anything_moves(store: Store, tmp_path: Path) -> None:
    folder = artefact.staging(store, "vocab/f1", tmp_path)
    (folder / "a").write_bytes(b"1")
    with pytest.raises(BadInput, match="not plain JSON"):
        artefact.publish(store, "vocab/f1", folder, kind="vocab", info={"loss": float("nan")})
    assert list(store.list()) == []


def test_an_empty_folder_or_a_link_is_no_artefact(store: Store, tmp_path: Path) -> None:
    folder = artefact.staging(store, "vocab/f1", tmp_path)
    with pytest.raises(BadInput, match="no files to publish"):
        artefact.publish(store, "vocab/f1", folder, kind="vocab", info={})
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="copies, not links"):
        artefact.publish(store, "vocab/f1", folder, kind="vocab", info={})


def test_artefacts_are_found_in_order_and_records_are_not(store: Store, tmp_path: Path) -> None:
    for address in ("vocab/b", "ids/a", "packages/x", "runs/y"):
        make(store, address, tmp_path, {"MANIFEST": b"x", "sub/MANIFEST.json": b"mine"})
    make(store, "ids/a/model_1", tmp_path)
    assert [address for address, _ in artefact.find(store)] == ["ids/a", "ids/a/model_1", "vocab/b"]
    assert [address for address, _ in artefact.find(store, "vocab")] == ["vocab/b"]


def test_removing_begins_with_the_manifest(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(store, "vocab/f1", tmp_path)
    make(store, "vocab/f2", tmp_path)

    class Died(Exception):
        pass

    deleted = []

    def delete_one(key: str, delete=store.delete) -> None:
        if deleted:
            raise Died
        delete(key)
        deleted.append(key)

    def die(place: Path) -> None:
        raise Died

    monkeypatch.setattr(store, "delete", delete_one)
    monkeypatch.setattr(store, "discard", die, raising=False)
    with pytest.raises(Died):
        artefact.remove(store, "vocab/f1")
    assert deleted == ["vocab/f1/MANIFEST.json"]
    monkeypatch.undo()
    artefact.remove(store, "vocab/f1")
    artefact.remove(store, "vocab/f1")
    assert list(store.list("vocab/f1")) == []
    assert artefact.verify(store, "vocab/f2") == []
    with pytest.raises(BadInput, match="whole store"):
        artefact.remove(store, "")


def test_a_sweep_takes_old_leftovers_and_nothing_else(store: Store, tmp_path: Path) -> None:
    make(store, "vocab/f1", tmp_path)
    make(store, "pretrain/f/model_5", tmp_path)
    point(store, "pretrain/f/model_last", "model_5")
    store.write("runs/job/1.json", b"{}")
    store.write("pretrain/f/train.log", b"log")
    kept = [entry.key for entry in store.list()]
    store.write("vocab/f2/data-0123abcd/part", b"never committed")
    store.write("vocab/f1/data-ffffffff/part", b"of a loser")
    store.write("pretrain/f/model_9/.uncommitted", b"")
    store.write("pretrain/f/model_9/config.yml", b"half")
    (artefact.staging(store, "vocab/f3", tmp_path) / "x").write_bytes(b"")
    assert artefact.sweep(store, older_than=3600) == []
    removed = artefact.sweep(store, older_than=-3600)
    assert {"vocab/f2/data-0123abcd", "vocab/f1/data-ffffffff", "pretrain/f/model_9"} <= set(removed)
    assert [entry.key for entry in store.list()] == kept
    assert artefact.verify(store, "vocab/f1") == artefact.verify(store, "pretrain/f/model_5") == []
    root = store.path("")
    assert root is None or not list((root / ".staging").iterdir())


def test_a_sweep_spares_what_a_pointer_names(store: Store) -> None:
    store.write("pretrain/f/model_9/.uncommitted", b"")
    point(store, "pretrain/f/model_last", "model_9")
    assert artefact.sweep(store, older_than=-3600) == []


def test_others_may_read_what_is_published(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        make(open_store(tmp_path / "s"), "vocab/f1", tmp_path)
    finally:
        os.umask(old)
    assert {oct(p.stat().st_mode & 0o777) for p in (tmp_path / "s/vocab").rglob("*") if p.is_dir()} == {"0o755"}
