"""Reading single files from wherever they lie, and artefacts made of files of others."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ernie_core.errors import BadInput, NotFound
from ernie_core.store import Store, ahead, artefact, files
from ernie_core.store.artefact import Carried

Put = Callable[[str, dict[str, bytes]], artefact.Manifest]


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Put:
    def put(address: str, content: dict[str, bytes], carried: tuple[Carried, ...] = ()) -> artefact.Manifest:
        folder = artefact.staging(store, address, tmp_path)
        for name, data in content.items():
            (folder / name).write_bytes(data)
        return artefact.publish(store, address, folder, kind="words", info={}, carried=carried)

    return put


def test_the_files_of_an_artefact_are_read_from_anywhere_in_them(store: Store, put: Put, tmp_path: Path) -> None:
    text = os.urandom(3 << 20)
    put("words/a", {"part-1": text, "stats.json": b"{}"})
    part, stats = files.of_artefact(store, "words/a", tmp_path / "cache")
    assert (part.name, part.size, stats.name) == ("part-1", len(text), "stats.json")
    for at in (0, 1, len(text) - 1, len(text)):
        with part.open(at) as file:
            assert file.read() == text[at:]


def test_a_file_that_was_replaced_since_the_plan_is_an_error(store: Store, put: Put) -> None:
    put("words/a", {"part-1": b"text"})
    key = f"words/a/{artefact.read(store, 'words/a').data}/part-1"  # type: ignore[union-attr]
    with files.of(store, key, "part-1", 4).open() as file:
        assert file.read() == b"text"
    with pytest.raises(BadInput, match="was of 5 bytes when this was planned, is of 4 bytes"):
        files.of(store, key, "part-1", 5).open()
    with pytest.raises(BadInput, match="is gone"):
        files.of(store, f"{key}x", "part-1", 5).open()
    with pytest.raises(NotFound, match="nothing is committed"):
        files.of_artefact(store, "words/b", Path("cache"))


def test_a_damaged_file_on_a_disk_is_found_when_it_is_opened(store: Store, put: Put, tmp_path: Path) -> None:
    manifest = put("words/a", {"part-1": b"text", "part-2": b"more"})
    place = store.path(f"words/a/{manifest.data}/part-1")
    if place is None:
        pytest.skip("S3 keeps its bytes itself")
    os.chmod(place, 0o644)
    place.write_bytes(b"tixt")
    damaged, sound = files.of_artefact(store, "words/a", tmp_path / "cache")
    with sound.open() as file:
        assert file.read() == b"more"
    with pytest.raises(BadInput, match="part-1: tampered or damaged"):
        damaged.open()


def test_an_artefact_may_hold_files_of_others_which_outlive_them(store: Store, put: Put, tmp_path: Path) -> None:
    piece = put("words/a/piece-00000", {"part-1": b"text", "stats.json": b"{}"})
    row = next(file for file in piece.files if file.name == "part-1")
    carried = Carried(f"words/a/piece-00000/{piece.data}/part-1", row)
    made = put("words/a", {"stats.json": b"[]"}, (carried,))  # type: ignore[call-arg]
    artefact.remove(store, "words/a/piece-00000")
    assert sorted(file.name for file in made.files) == ["part-1", "stats.json"]
    assert artefact.verify(store, "words/a") == []
    folder = artefact.fetch(store, "words/a", tmp_path / "cache")
    assert (folder / "part-1").read_bytes() == b"text"


def test_pieces_that_were_left_beside_their_artefact_are_swept(store: Store, put: Put) -> None:
    put("words/a/piece-00000", {"part-1": b"text"})
    put("words/b/piece-00000", {"part-1": b"text"})
    put("words/a", {"part-1": b"text"})
    artefact.sweep(store, older_than=-60)
    assert artefact.read(store, "words/a/piece-00000") is None
    assert not list(store.list("words/a/piece-00000"))
    assert artefact.read(store, "words/a") and artefact.read(store, "words/b/piece-00000")


def test_a_far_file_is_asked_for_ahead_and_little_of_it_if_little_is_read() -> None:
    data, asked = os.urandom(5 << 20), []

    def ranged(start: int, end: int) -> memoryview:
        asked.append(end - start)
        return memoryview(data)[start:end]

    with ahead.opened(ranged, 7, len(data)) as file:
        assert file.read(10) == data[7:17]
    assert sum(asked) == ahead.FIRST
    with ahead.opened(ranged, 7, len(data)) as file:
        assert file.readline() + file.read() == data[7:]


def test_an_error_on_the_way_reaches_the_reader() -> None:
    def ranged(start: int, end: int) -> memoryview:
        if start:
            raise NotFound("removed while it was read")
        return memoryview(bytes(end - start))

    with ahead.opened(ranged, 0, 3 << 20) as file, pytest.raises(NotFound):
        file.read()
