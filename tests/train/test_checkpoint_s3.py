"""The same promises on S3, where nothing can be renamed: a save that dies at any request loses nothing."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from train import ranks
from train.committing import found, save

from ernie_core.errors import Error, Refused
from ernie_core.progress import Progress, silent
from ernie_core.store import artefact
from ernie_core.store.s3 import S3Store
from ernie_core.train.checkpoint import commit, standing
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.parallel.team import Team


class Died(Exception):
    """The process is gone; nothing may catch this."""


class Mortal(S3Store):
    """A store whose writer dies before a request that changes something."""

    left = 1 << 30

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died

    def write(self, key: str, data: bytes, *, create: bool = False) -> bool:
        self._count()
        return super().write(key, data, create=create)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)

    def upload(self, source: Path, key: str, progress: Progress = silent, *, sha256: str = "") -> None:
        self._count()
        super().upload(source, key, progress, sha256=sha256)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with servers.seaweed(tmp_path_factory.mktemp("seaweed")) as (_, env):
        yield env


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_save_to_s3_that_dies_anywhere_never_loses_the_previous_checkpoint(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    operations, died = 0, True
    while died:
        store = Mortal(servers.BUCKET, uuid.uuid4().hex)
        place = CheckpointLocation(store, "pretrain/x", tmp_path / str(operations))
        for step in range(1, before + 1):
            save(place, step)
        store.left, died = operations, False
        try:
            save(place, before + 1)
        except Died:
            died = True
        store.left = 1 << 30
        said: list[str] = []
        step = found(place, said)
        assert step in ((before, before + 1) if died else (before + 1,)), f"died at request {operations}"
        if step == 0 and operations > 1:
            assert any("not committed" in text for text in said), "starting at 0 beside leftovers is said"
        save(place, before + 2)
        assert found(place, said) == before + 2
        committed = [address.rpartition("/")[2] for address, _ in artefact.find(store)]
        entries = [entry.key.split("/")[2] for entry in store.list("pretrain/x")]
        assert sorted(set(entries)) == [*committed, "model_last"], f"died at request {operations}: {entries}"
        operations += 1
    assert operations > 5


def test_progress_on_s3_without_a_whole_checkpoint_is_refused(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    place = CheckpointLocation(S3Store(servers.BUCKET, uuid.uuid4().hex), "pretrain/x", tmp_path)
    save(place, 1)
    [weights] = [entry.key for entry in place.store.list("pretrain/x/model_1") if entry.key.endswith("/weights")]
    place.store.write(weights, b"weights of 9")
    with pytest.raises(Refused, match=r"model_1, model_last.*start_fresh"):
        found(place, [])


@pytest.mark.parametrize("garbage", [None, b"", b"../elsewhere", b"\xff\x00"])
def test_a_pointer_on_s3_that_is_gone_or_unreadable_costs_nothing(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, garbage: bytes | None
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    place = CheckpointLocation(S3Store(servers.BUCKET, uuid.uuid4().hex), "pretrain/x", tmp_path)
    save(place, 1)
    if garbage is None:
        place.store.delete("pretrain/x/model_last")
    else:
        place.store.write("pretrain/x/model_last", garbage)
    how = "is missing" if garbage is None else "cannot be read"
    assert standing.look(place.store, place.address).odd() == [f"model_last {how}"]
    said: list[str] = []
    assert found(place, said) == 1
    assert f"continuing from pretrain/x/model_1; model_last {how}" in said


def test_two_ranks_that_save_to_s3_and_die_anywhere_never_lose_the_previous_checkpoint(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    store, operations, seen = Mortal(servers.BUCKET, uuid.uuid4().hex), 0, set()
    place = CheckpointLocation(store, "pretrain/x", tmp_path)
    vocab, states = ranks.vocabulary(place), [ranks.build() for _ in range(2)]

    def saving(step: int) -> None:
        def rank(team: Team) -> None:
            saver = Saver(place, team, [].append)
            ranks.save(saver, step, *states[team.rank], vocab)
            saver.wait()

        ranks.together(2, rank)

    saving(1)
    saving(2)
    died, step = True, 2
    while died:
        store.left, died = operations, False
        try:
            saving(step + 1)
        except (Died, Error):  # the one that is not dead hears of it
            died = True
        store.left = 1 << 30
        newest = commit.latest(place, [].append)
        assert newest is not None and newest.step in ((step, step + 1) if died else (step + 1,))
        seen.add(newest.step - step)
        step, operations = newest.step, operations + 1
    assert operations > 10 and seen == {0, 1}
    assert not any((tmp_path).glob("gathering-*/*")), "what was uploaded takes no room here"
