"""Pulling into the folders that people have: mounted, current, linked, full, not empty; and after a kill."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from disks import small

from ernie_core.errors import Denied, Full, Refused
from ernie_core.serve import index
from ernie_core.serve.pull import AT_WORK, pull
from ernie_core.store import Store, artefact, digests, open_store

FILES = {"serving.json": "{}", "model.onnx": "weights " * 1000, "deep/er/vocab.txt": "word"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = open_store(tmp_path / "store")
    publish(made, tmp_path, "1", FILES)
    return made


def publish(store: Store, tmp_path: Path, version: str, files: dict[str, str]) -> None:
    address = f"package/{version}"
    index.register(store, name="p", version=version, address=address, fingerprint=version, scores={})
    folder = artefact.staging(store, address, tmp_path / f"scratch-{version}")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    artefact.publish(store, address, folder, kind="package", info={})


def held(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_an_empty_mounted_volume_is_filled(store: Store, tmp_path: Path) -> None:
    with small(tmp_path / "volume", "1m") as disk:
        (disk.folder / "lost+found").mkdir()  # every ext file system has one
        assert pull(store, "p", disk.folder) == disk.folder
        assert held(disk.folder) == FILES
        assert pull(store, "p", disk.folder) == disk.folder
        assert sorted(os.listdir(disk.folder)) == ["deep", "lost+found", "model.onnx", "serving.json"]


def test_the_current_folder_stays_the_current_folder(store: Store, tmp_path: Path, monkeypatch) -> None:
    here = tmp_path / "here"
    here.mkdir(mode=0o750)
    monkeypatch.chdir(here)
    before = here.stat()
    pull(store, "p", Path("."))
    assert held(Path(".")) == FILES
    assert (here.stat().st_ino, here.stat().st_mode) == (before.st_ino, before.st_mode)


def test_what_a_link_leads_to_is_filled_and_the_link_stays(store: Store, tmp_path: Path) -> None:
    for name in ("there", "nowhere"):
        (tmp_path / f"link-{name}").symlink_to(tmp_path / name)
    (tmp_path / "there").mkdir()
    for name in ("there", "nowhere"):
        assert pull(store, "p", tmp_path / f"link-{name}") == tmp_path / f"link-{name}"
        assert (tmp_path / f"link-{name}").is_symlink() and held(tmp_path / name) == FILES


@pytest.mark.parametrize("mine", ["notes.txt", ".hidden", "model.onnx", "deep/er/mine.txt"])
def test_a_folder_with_other_files_is_refused_by_their_names_and_nothing_is_lost(store, tmp_path, mine) -> None:
    place = tmp_path / "here"
    (place / mine).parent.mkdir(parents=True)
    (place / mine).write_text("mine")
    with pytest.raises(Refused, match=rf"contains other files than p@1: {mine.partition('/')[0]}: .* --force"):
        pull(store, "p", place)
    assert held(place) == {mine: "mine"}
    pull(store, "p", place, force=True)
    assert held(place) == FILES


def test_a_file_of_that_name_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("mine")
    with pytest.raises(Refused, match="here is a file, not a folder"):
        pull(store, "p", tmp_path / "here")
    assert (tmp_path / "here").read_text() == "mine"


def test_another_version_replaces_all_files_of_the_one_before_with_force_only(store: Store, tmp_path: Path) -> None:
    pull(store, "p@1", tmp_path / "here")
    newer = {"serving.json": "{1}", "deep": "a file now", "model.onnx/part": "a folder now"}
    publish(store, tmp_path, "2", newer)
    with pytest.raises(Refused, match=r"deep, model\.onnx, serving\.json"):
        pull(store, "p", tmp_path / "here")
    assert held(tmp_path / "here") == FILES
    pull(store, "p", tmp_path / "here", force=True)
    assert held(tmp_path / "here") == newer
    pull(store, "p@1", tmp_path / "here", force=True)
    assert held(tmp_path / "here") == FILES


@pytest.mark.parametrize("name", ["", "new"])
def test_a_full_disk_is_named_and_nothing_stays_on_it(store: Store, tmp_path: Path, name: str) -> None:
    with small(tmp_path / "volume", "64k") as disk:
        publish(store, tmp_path, "2", {"model.onnx": "w" * 200_000})
        with pytest.raises(Full, match=r"disk full: .*volume"):
            pull(store, "p", disk.folder / name)
        assert os.listdir(disk.folder) == []


def test_a_read_only_disk_is_one_clear_line(store: Store, tmp_path: Path) -> None:
    with small(tmp_path / "volume", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk.folder], check=True)
        for place in (disk.folder, disk.folder / "new"):
            with pytest.raises(Denied, match=r"volume/.*read-only file system"):
                pull(store, "p", place)


DIES = """
import os, sys
from pathlib import Path
from ernie_core.serve import pull
from ernie_core.store import open_store
left = int(sys.argv[3])
def counted(real):
    def call(*given, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return real(*given, **named)
    return call
store = open_store(Path(sys.argv[1]))
store.download = counted(store.download)
pull.os.replace = counted(os.replace)
pull.pull(store, "p", Path(sys.argv[2]))
"""


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("lives", range(8))
def test_a_pull_that_was_killed_is_gone_on_with(store: Store, tmp_path: Path, lives: int, there: bool) -> None:
    place, root = tmp_path / "here", Path(__file__).parents[2]
    if there:
        place.mkdir()
    arguments = [sys.executable, "-c", DIES, str(tmp_path / "store"), str(place), str(lives)]
    done = subprocess.run(arguments, env=os.environ | {"PYTHONPATH": str(root)})
    assert done.returncode == (-9 if lives < (7 if there else 3) else 0)
    if not there and done.returncode:
        assert not place.exists()
    pull(store, "p", place)
    assert held(place) == FILES
    assert not [path.name for folder in (tmp_path, place) for path in folder.iterdir() if AT_WORK in path.name]


def test_what_a_killed_pull_has_fetched_is_not_fetched_again(store: Store, tmp_path: Path, monkeypatch) -> None:
    begun = tmp_path / f"{AT_WORK}.here" / "new"
    begun.mkdir(parents=True)
    (begun / "model.onnx").write_text(FILES["model.onnx"])
    (begun / "serving.json").write_text("half")
    (begun / "of-another-version").write_text("x")
    asked, real = list[str](), store.download
    monkeypatch.setattr(store, "download", lambda key, *given, **named: [asked.append(key), real(key, *given, **named)])
    pull(store, "p", tmp_path / "here")
    assert held(tmp_path / "here") == FILES
    assert not [key for key in asked if key.endswith("model.onnx")]
    assert digests.sha256(tmp_path / "here" / "serving.json")


def test_two_at_once_end_with_one_whole_package(store: Store, tmp_path: Path) -> None:
    code = "import sys; from ernie_core.serve.pull import *; pull(open_store(sys.argv[1]), 'p', Path(sys.argv[2]))"
    code = "from ernie_core.store import open_store;" + code
    root = Path(__file__).parents[2]
    arguments = [sys.executable, "-c", code, str(tmp_path / "store"), str(tmp_path / "here")]
    both = [subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(root)}) for _ in range(3)]
    assert [one.wait() for one in both] == [0, 0, 0]
    assert held(tmp_path / "here") == FILES
