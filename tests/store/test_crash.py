"""Writers that are killed: what they were writing is whole or absent, and the next one continues."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from crashes import dies_after

from ernie_core.store import Store, artefact, open_store, point, pointed

ROOT = Path(__file__).parents[2]

PUBLISH = """
import os, sys
from pathlib import Path
from ernie_core.store import artefact, open_store, point
store, scratch, first = open_store(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
store.children()  # everything loaded
print("ready", flush=True)
for n in range(first, first + 1000):
    for address in (f"words/{n}", f"pretrain/f/model_{n}"):
        folder = artefact.staging(store, address, scratch)
        for part in range(4):
            (folder / f"part-{part}").write_bytes(os.urandom(300_000))
        artefact.publish(store, address, folder, kind="words", info={})
    point(store, "pretrain/f/model_last", f"model_{n}")
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_kill_9_at_any_moment_leaves_whole_artefacts_only(store: Store, tmp_path: Path) -> None:
    moments = random.Random(7)
    for attempt in range(10):
        process = start(PUBLISH, store.url, tmp_path / "scratch", attempt * 1000)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    found = [address for address, _ in artefact.find(store)]
    assert found
    assert [problem for address in found for problem in artefact.verify(store, address)] == []
    last = pointed(store, "pretrain/f/model_last")
    assert last is None or artefact.verify(store, f"pretrain/f/{last}") == []
    artefact.sweep(store, older_than=-3600)
    assert [address for address, _ in artefact.find(store)] == found
    named = {key for address in found for key in (f"{address}/MANIFEST.json", *keys(store, address))}
    assert {entry.key for entry in store.list()} - {"pretrain/f/model_last"} == named


def keys(store: Store, address: str) -> list[str]:
    manifest = artefact.read(store, address)
    assert manifest
    return ["/".join(part for part in (address, manifest.data, file.name) if part) for file in manifest.files]


def publish(store: Store, address: str, word: bytes) -> None:
    folder = artefact.staging(store, address, Path("unused"))
    (folder / "sub").mkdir()
    (folder / "a").write_bytes(word)
    (folder / "sub" / "b").write_bytes(word * 9)
    artefact.publish(store, address, folder, kind="words", info={})


def every_crash(tmp_path: Path, before: Callable[[Store], None], action: Callable[[Store], None]):
    """The store after a death at every single operation, one after the other."""
    operations, died = 0, True
    while died:
        store = open_store(tmp_path / str(operations))
        before(store)
        died = dies_after(operations, lambda store=store: action(store))  # type: ignore[misc]
        yield store
        operations += 1
    assert operations > 3, "the operations were not counted"


def test_no_crash_point_of_a_publication_leaves_half_an_artefact(tmp_path: Path) -> None:
    seen = set()
    for store in every_crash(
        tmp_path,
        lambda store: publish(store, "f/old", b"old"),
        lambda store: publish(store, "f/new", b"new"),
    ):
        committed = artefact.read(store, "f/new") is not None
        seen.add(committed)
        assert artefact.verify(store, "f/old") == []
        assert not committed or artefact.verify(store, "f/new") == []
        assert [address for address, _ in artefact.find(store)] == (["f/new", "f/old"] if committed else ["f/old"])
        publish(store, "f/new", b"new")
        assert artefact.verify(store, "f/new") == []
        artefact.sweep(store, older_than=-3600)
        assert len(list(store.list())) == 6
        assert not list((store.path("") / ".staging").iterdir())
    assert seen == {False, True}


def test_no_crash_point_loses_the_pointer(tmp_path: Path) -> None:
    def before(store: Store) -> None:
        point(store, "f/model_last", "model_5")

    for store in every_crash(tmp_path, before, lambda store: point(store, "f/model_last", "model_6")):
        assert pointed(store, "f/model_last") in ("model_5", "model_6")


def test_a_removal_that_dies_leaves_the_artefact_whole_or_absent(tmp_path: Path) -> None:
    for store in every_crash(
        tmp_path,
        lambda store: publish(store, "f/a", b"1"),
        lambda store: artefact.remove(store, "f/a"),
    ):
        assert artefact.read(store, "f/a") is None or artefact.verify(store, "f/a") == []
        publish(store, "f/a", b"1")
        assert artefact.verify(store, "f/a") == []


TWO = """
import sys, time
from pathlib import Path
from ernie_core.store import artefact, open_store
store, scratch, start, word = open_store(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
store.children()
print("ready", flush=True)
while not start.exists():
    time.sleep(0.001)
for n in range(12):
    folder = artefact.staging(store, f"words/{n}", scratch)
    for part in range(3):
        (folder / str(part)).write_text((f"{word} {n} {part} " if n % 2 else "same ") * 1000)
    print(artefact.publish(store, f"words/{n}", folder, kind="words", info={"by": word}).digest, flush=True)
"""


def test_two_writers_at_once_give_one_good_artefact_and_no_error(store: Store, tmp_path: Path) -> None:
    writers = [start(TWO, store.url, tmp_path / word, tmp_path / "start", word) for word in ("one", "two")]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    (tmp_path / "start").touch()
    said = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert said[0] == said[1]
    assert len(said[0]) == 12
    for n in range(12):
        assert artefact.verify(store, f"words/{n}") == []
        assert len(list(store.list(f"words/{n}"))) == 4  # nothing of the loser is left
