"""Archives of data sets: the wanted files come out, and nothing else, whatever is in them."""

import gzip
import io
import random
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from ernie_core.catalogue.archive import unpack
from ernie_core.catalogue.entries import Member
from ernie_core.errors import BadInput

WANTED = (Member("data/train.tsv", "train.tsv"), Member("data/dev.tsv", "dev.tsv"))
CONTENT = {"data/train.tsv": b"a\tb\n", "data/dev.tsv": b"c\td\n", "data/README": b"more"}


def zipped(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in content.items():
            archive.writestr(name, body)
    return path


def packed(path: Path, content: dict[str, bytes], way: str) -> Path:
    """A tar file that is packed in another way, or a zip file whose files are."""
    if way.startswith("zip"):
        with zipfile.ZipFile(path, "w", {"zip-bz2": zipfile.ZIP_BZIP2, "zip-lzma": zipfile.ZIP_LZMA}[way]) as archive:
            for name, body in content.items():
                archive.writestr(name, body)
        return path
    with tarfile.open(path, f"w:{way}") as archive:
        for name, body in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def tarred(path: Path, content: dict[str, bytes], *more: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, body in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        for info in more:
            archive.addfile(info)
    return path


def unpacked(path: Path, members: tuple[Member, ...] = WANTED) -> dict[str, bytes]:
    folder = path.parent / "out"
    folder.mkdir()
    unpack(path, members, folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def refused(path: Path, members: tuple[Member, ...] = WANTED) -> str:
    with pytest.raises(BadInput) as caught:
        unpacked(path, members)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("above", ["", "set/", "./"])
def test_the_wanted_files_come_out_under_their_names(tmp_path: Path, pack: type, above: str) -> None:
    content = {f"{above}{name}": body for name, body in CONTENT.items()}
    path = pack(tmp_path / "a", {**content, "__MACOSX/data/train.tsv": b"finder"})
    assert unpacked(path) == {"train.tsv": b"a\tb\n", "dev.tsv": b"c\td\n"}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_of_the_folder_write_nothing_there(tmp_path: Path, pack: type) -> None:
    path = pack(tmp_path / "a", {"../../evil": b"x", "/tmp/evil.tsv": b"x", "../data/train.tsv": b"y", **CONTENT})
    assert "which of them is meant?" in refused(path)
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == ["a", "train.tsv"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("data/train.tsv")
    info.type, info.linkname = kind, "/etc/passwd"
    path = tarred(tmp_path / "a", {"data/dev.tsv": b""}, info)
    assert refused(path) == "a: data/train.tsv is a link or a device, not a file: it is not followed"


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("data/train.tsv")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert refused(tmp_path / "a") == "a: data/train.tsv is a link, not a file: it is not followed"


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_is_not_unpacked(tmp_path: Path, pack: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ernie_core.catalogue.archive.SPARE", 1 << 20)
    path = pack(tmp_path / "a", {**CONTENT, "data/train.tsv": bytes(30 << 20)})
    assert "unpacks to more than 100 times its size" in refused(path)


def test_a_bomb_behind_the_files_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ernie_core.catalogue.archive.SPARE", 1 << 20)
    path = tarred(tmp_path / "a", CONTENT)
    path.write_bytes(path.read_bytes() + gzip.compress(bytes(30 << 20)))
    assert "unpacks to more than 100 times its size" in refused(path)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("damage", ["cut", "flipped", "text"])
def test_a_damaged_archive_is_one_line(tmp_path: Path, pack: type, damage: str) -> None:
    body = pack(tmp_path / "a", {**CONTENT, "data/train.tsv": bytes(i * i % 251 for i in range(9999))}).read_bytes()
    half = len(body) // 2
    flipped = bytes(b ^ 255 for b in body[half : half + 9])
    wrong = {"cut": body[:half], "flipped": body[:half] + flipped + body[half + 9 :],
             "text": b"<html>"}  # fmt: skip
    (tmp_path / "a").write_bytes(wrong[damage])
    assert "is no whole zip or tar file" in refused(tmp_path / "a")


def test_what_is_missing_and_what_is_another_file_is_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a", {"data/dev.tsv": b""})
    assert refused(path) == "a: has no data/train.tsv: it is another archive than the catalogue names"
    (tmp_path / "b").mkdir()
    path = zipped(tmp_path / "b" / "a", CONTENT)
    assert "data/dev.tsv has the md5" in refused(path, (Member("data/dev.tsv", "dev.tsv", "0" * 32),))


WAYS = ("", "gz", "bz2", "xz", "zip-bz2", "zip-lzma")


@pytest.mark.parametrize("way", WAYS)
def test_however_it_is_packed_the_files_come_out(tmp_path: Path, way: str) -> None:
    assert unpacked(packed(tmp_path / "a", CONTENT, way)) == {"train.tsv": b"a\tb\n", "dev.tsv": b"c\td\n"}


@pytest.mark.parametrize("way", WAYS[1:])
def test_damage_is_that_of_the_archive_however_it_is_packed(tmp_path: Path, way: str) -> None:
    body = bytearray(
        packed(tmp_path / "a", {**CONTENT, "data/train.tsv": random.Random(0).randbytes(9999)}, way).read_bytes()
    )
    body[400:5000] = bytes(4600)
    (tmp_path / "a").write_bytes(body)
    said = refused(tmp_path / "a")
    assert said.startswith("a: is no whole zip or tar file (") and str(tmp_path) not in said


def test_a_zip_that_was_cut_within_a_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/dev.tsv", b"")
        archive.writestr("data/train.tsv", b"x" * 100)
    body = path.read_bytes()
    for size in (100, 1000):  # longer than the rest of the file
        body = body.replace((100).to_bytes(4, "little") * 2, (size * 1000).to_bytes(4, "little") * 2)
    path.write_bytes(body)
    assert refused(path) == "a: is no whole zip or tar file (EOFError): bring it again"


def test_names_are_short_and_printable_in_messages(tmp_path: Path) -> None:
    names = [f"{'x' * 200}\n{i}/data/train.tsv" for i in range(2)]
    said = refused(zipped(tmp_path / "a", dict.fromkeys(names, b"")))
    assert len(said) < 300
    assert r"more characters) and xxx" in said


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_unpacks_to_much_is_not_read(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, 100 << 20
    with tarfile.open(tmp_path / "a", "w:gz", compresslevel=1) as archive:
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    tracemalloc.start()
    said = refused(tmp_path / "a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said == "a: has a header of 104,857,600 bytes, which no data have: it is not unpacked"
    assert peak < 4 << 20


def test_files_that_nobody_wants_take_no_memory(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a", {f"more/{i}": b"" for i in range(3000)} | CONTENT)
    tracemalloc.start()
    unpacked(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_file_without_a_name_is_passed(tmp_path: Path) -> None:
    path, info = zipped(tmp_path / "a", CONTENT), zipfile.ZipInfo("x")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, b"")
        info.filename = ""
    assert len(unpacked(path)) == 2
