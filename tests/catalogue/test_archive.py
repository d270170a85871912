"""Archives of data sets: the wanted files come out, and nothing else, whatever is in them."""

import io
import tarfile
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
