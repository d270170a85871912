"""Packages: built, registered, found by name, pulled whole, and never mixed up."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ernie_core.errors import BadInput, NotFound, Refused
from ernie_core.serve import index, package
from ernie_core.serve.pull import pull
from ernie_core.store import Store, artefact, open_store

LINEAGE: Mapping[str, Any] = {
    "package/1": {"settings": {"name": "x"}},
    "pretrain/2": {"seconds": 9.5, "step": "pretrain"},
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def register(store: Store, version: str, fingerprint: str, name: str = "reviews") -> index.IndexEntry:
    address = f"package/{fingerprint}"
    return index.register(
        store, name=name, version=version, address=address, fingerprint=fingerprint, scores={"accuracy": 0.8}
    )


def commit(store: Store, entry: index.IndexEntry, tmp_path: Path, content: str = "weights") -> None:
    folder = artefact.staging(store, entry.address, tmp_path / f"scratch-{entry.fingerprint}")
    (folder / "model.onnx").write_text(content)
    (folder / "README.md").write_text(f"{entry.name} {entry.version}")
    artefact.publish(store, entry.address, folder, kind="package", info={})


def published(store: Store, version: str, fingerprint: str, tmp_path: Path, name: str = "reviews") -> index.IndexEntry:
    entry = register(store, version, fingerprint, name)
    commit(store, entry, tmp_path, fingerprint)
    return entry


def test_a_package_is_the_model_its_provenance_and_a_page(exported: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report"
    out.mkdir()
    report.mkdir()
    (report / "metrics.json").write_text('{"accuracy": 0.8125, "split": "test"}')
    scores = package.build(exported, report, out, name="reviews", version="1.0", lineage=LINEAGE)
    assert scores == {"accuracy": 0.8125}
    names = {path.name for path in exported.iterdir()}
    assert {path.name for path in out.iterdir()} == names | {"provenance.json", "README.md"}
    assert (out / "model.onnx").read_bytes() == (exported / "model.onnx").read_bytes()
    page = (out / "README.md").read_text()
    assert "# reviews 1.0" in page
    assert "| accuracy | 0.8125 |" in page
    said = json.loads((out / "provenance.json").read_text())
    assert said["lineage"] == {"package/1": {"settings": {"name": "x"}}, "pretrain/2": {"step": "pretrain"}}
    assert said["scores"]["exported"]["size_mb"] > 0


def test_without_a_report_the_scores_are_those_of_the_export(exported: Path, tmp_path: Path) -> None:
    scores = package.build(exported, None, tmp_path, name="reviews", version="1", lineage={})
    assert scores.keys() == {"size_mb", "size_mb_fp32"}


@pytest.mark.parametrize("name", ["", "Reviews", "../x", "a/b", "-a", "a.", "a b", "好", "a" * 65, "a\n"])
def test_a_name_that_is_not_safe_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="use 1 to 64 of a-z"):
        register(store, "1", "aaa", name)


def test_the_newest_version_is_found_by_the_name_alone(store: Store, tmp_path: Path) -> None:
    published(store, "2", "aaa", tmp_path)
    published(store, "10", "bbb", tmp_path)
    published(store, "1", "ccc", tmp_path)
    assert index.resolve(store, "reviews").version == "1"
    assert index.resolve(store, "reviews@10").fingerprint == "bbb"
    assert index.resolve(store, "reviews@10").scores == {"accuracy": 0.8}


def test_what_was_registered_but_not_committed_is_passed_over(store: Store, tmp_path: Path) -> None:
    published(store, "1", "aaa", tmp_path)
    half = register(store, "2", "bbb")
    assert index.resolve(store, "reviews").version == "1"
    with pytest.raises(NotFound, match="`reviews@2` was started but never finished"):
        index.resolve(store, "reviews@2")
    commit(store, half, tmp_path)
    assert index.resolve(store, "reviews").version == "2"


def test_a_version_is_one_package_for_ever(store: Store, tmp_path: Path) -> None:
    first = published(store, "1", "aaa", tmp_path)
    assert register(store, "1", "aaa") == first
    with pytest.raises(Refused, match=r"reviews@1 is another package already .*give this one another version"):
        register(store, "1", "bbb")
    assert index.resolve(store, "reviews@1") == first


def test_a_version_that_was_never_finished_gives_way_to_another(store: Store, tmp_path: Path) -> None:
    register(store, "1", "aaa")
    commit(store, register(store, "1", "bbb"), tmp_path)
    assert index.resolve(store, "reviews@1").fingerprint == "bbb"


def test_a_name_that_is_not_there_is_answered_with_the_nearest(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no package `reviews` in .*, there are none"):
        index.resolve(store, "reviews")
    published(store, "1.0", "aaa", tmp_path)
    with pytest.raises(NotFound, match="did you mean `reviews`"):
        index.resolve(store, "review")
    with pytest.raises(NotFound, match=r"no version `9` of `reviews` in .*, choose from: 1\.0"):
        index.resolve(store, "reviews@9")
    with pytest.raises(BadInput, match="write NAME or NAME@VERSION"):
        index.resolve(store, "reviews@")


def test_pulling_copies_the_package_and_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    published(store, "1", "aaa", tmp_path)
    into = tmp_path / "deep" / "here"
    assert pull(store, "reviews", into) == into
    assert {p.name: p.read_text() for p in into.iterdir()} == {"model.onnx": "aaa", "README.md": "reviews 1"}
    before = (into / "model.onnx").stat()
    pull(store, "reviews@1", into)
    assert (into / "model.onnx").stat() == before
    assert [path.name for path in into.parent.iterdir()] == ["here"]


def test_a_folder_with_something_else_is_left_alone_unless_forced(store: Store, tmp_path: Path) -> None:
    published(store, "1", "aaa", tmp_path)
    into = tmp_path / "here"
    into.mkdir()
    pull(store, "reviews", into)  # an empty folder is as good as none
    (into / "notes.txt").write_text("mine")
    with pytest.raises(Refused, match="contains other files than reviews@1"):
        pull(store, "reviews", into)
    assert (into / "notes.txt").read_text() == "mine"
    pull(store, "reviews", into, force=True)
    assert sorted(path.name for path in into.iterdir()) == ["README.md", "model.onnx"]


def test_a_damaged_package_is_not_pulled(store: Store, tmp_path: Path) -> None:
    entry = published(store, "1", "aaa", tmp_path)
    manifest = artefact.read(store, entry.address)
    assert manifest is not None
    place = store.path("/".join(filter(None, (entry.address, manifest.data, "model.onnx"))))
    assert place is not None
    place.chmod(0o644)
    place.write_text("aab")
    with pytest.raises(BadInput, match=r"model\.onnx"):
        pull(store, "reviews", tmp_path / "here")
    assert not (tmp_path / "here").exists()
    assert not list(tmp_path.glob(".here*"))
