"""Reading single files from disks and stores, and artefacts with files of other artefacts."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ernie_core.errors import BadInput, Denied, NotFound, Unreachable
from ernie_core.store import Store, ahead, artefact, files, listing
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
    with pytest.raises(BadInput, match="had 5 bytes when it was planned, now it has 4 bytes"):
        files.of(store, key, "part-1", 5).open()
    with pytest.raises(BadInput, match="is gone"):
        files.of(store, f"{key}x", "part-1", 5).open()
    with pytest.raises(NotFound, match="no artefact here"):
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


TEXT = os.urandom(3 << 20)


def given(path: Path, data: bytes = TEXT) -> files.StoredFile:
    """A file of a person's, planned as it is now."""
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return files.of_user(path, path.name, len(data), digest, path.parent / "digests.sqlite")


def test_a_file_of_a_person_is_read_as_it_was_planned(tmp_path: Path) -> None:
    file = given(tmp_path / "a\\b.txt")
    for at in (0, 1, len(TEXT)):
        with file.open(at) as stream:
            assert stream.read() == TEXT[at:]


@pytest.mark.parametrize("data", [bytes(len(TEXT)), TEXT[1:], None])
def test_one_that_was_changed_since_is_not_opened(tmp_path: Path, data: bytes | None) -> None:
    file = given(tmp_path / "a.txt")
    if data is None:
        (tmp_path / "a.txt").unlink()
    else:
        (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(BadInput, match=r"a\.txt: changed since it was planned .*; run again"):
        file.open()


@pytest.mark.parametrize("size", [len(TEXT), len(TEXT) + 1])
def test_one_that_is_written_to_while_it_is_read_is_an_error_at_the_end(tmp_path: Path, size: int) -> None:
    file = given(tmp_path / "a.txt")
    stream = file.open()
    stream.read(10)
    (tmp_path / "a.txt").write_bytes(bytes(size))
    with pytest.raises(BadInput, match="was written to while it was read"):
        stream.close()


def test_one_that_is_written_to_with_its_old_times_is_found_too(tmp_path: Path) -> None:
    file = given(tmp_path / "a.txt")
    times = os.stat(tmp_path / "a.txt")
    stream = file.open()
    stream.read(10)
    (tmp_path / "a.txt").write_bytes(bytes(len(TEXT)))
    os.utime(tmp_path / "a.txt", ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(BadInput, match="was written to while it was read"):
        stream.close()


def test_another_file_in_its_place_or_another_mode_does_not_matter_to_who_reads_it(tmp_path: Path) -> None:
    file = given(tmp_path / "a.txt")
    with file.open() as stream:
        stream.read(10)
        os.chmod(tmp_path / "a.txt", 0o600)
        (tmp_path / "b.txt").write_bytes(bytes(len(TEXT)))
        os.replace(tmp_path / "b.txt", tmp_path / "a.txt")
        assert stream.read() == TEXT[10:]
    with pytest.raises(BadInput, match="has the same size but other content"):
        file.open()


def test_an_object_that_is_not_the_planned_one_is_not_read(s3: Store, tmp_path: Path) -> None:
    s3.write("a.txt", b"old text")
    etag = s3.head("a.txt").etag  # type: ignore[union-attr]
    file = files.of(s3, "a.txt", "a.txt", 8, etag)
    with file.open() as stream:
        assert stream.read() == b"old text"
    s3.download("a.txt", tmp_path / "a.txt", size=8, etag=etag)
    s3.write("a.txt", b"new text")
    with pytest.raises(BadInput, match=r"a\.txt: changed since it was planned \(its ETag differs\); run again"):
        file.open()
    with pytest.raises(BadInput, match="changed since it was planned"):
        s3.download("a.txt", tmp_path / "b.txt", size=8, etag=etag)
    assert not (tmp_path / "b.txt").exists()


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(s3: Store) -> None:
    s3.write("a.txt", bytes(20 << 20))
    etag = s3.head("a.txt").etag  # type: ignore[union-attr]
    with files.of(s3, "a.txt", "a.txt", 20 << 20, etag).open() as stream:
        stream.read(10)
        s3.write("a.txt", b"\1" * (20 << 20))
        with pytest.raises(BadInput, match="replaced while it was read; run again"):
            stream.read()


def test_a_bucket_is_listed_by_exact_keys(s3: Store) -> None:
    bucket, _, prefix = s3.url.removeprefix("s3://").partition("/")
    for name in ("b/2.txt", "b/1.txt", "c"):
        s3.write(name, b"text")
    assert [entry.key for entry in listing.objects(bucket, prefix)] == [
        f"{prefix}/{n}" for n in ("b/1.txt", "b/2.txt", "c")
    ]
    etags = {entry.key: entry.etag for entry in s3.list()}
    assert {e.key.removeprefix(f"{prefix}/"): e.etag for e in listing.objects(bucket, prefix)} == etags
    assert listing.first(bucket, f"{prefix}/c").key == f"{prefix}/c"  # type: ignore[union-attr]
    assert listing.first(bucket, f"{prefix}/d") is None
    with pytest.raises(Denied, match="there is no bucket nowhere"):
        listing.first("nowhere", "")


def test_wrong_credentials_and_a_server_that_is_away_are_said_by_a_listing_too(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.url.removeprefix("s3://").partition("/")[0]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "notthesecret")
    with pytest.raises(Denied, match="refused access") as caught:
        listing.first(bucket, "")
    assert "notthesecret" not in str(caught.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="did not answer"):
        listing.first(bucket, "")
