"""Every file operation of a save in the background, by one rank and by two, is a point at which everything may die."""

import functools
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import paddle
import pytest
from crashes import dies_after
from train import ranks

from ernie_core import errors
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.store import artefact, gathering, open_store
from ernie_core.train.checkpoint import commit, saver
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.parallel.team import Team


def place(root: Path) -> CheckpointLocation:
    """Checkpoints in a folder."""
    return CheckpointLocation(open_store(root / "store"), "pretrain/x", root / "scratch")


def newest(where: CheckpointLocation) -> int:
    """The step that a start resumes from, read in full; 0 for none."""
    found = commit.latest(where, [].append)
    if found is None:
        return 0
    assert f"global_step: {found.step}\n" in (found.folder / "config.yml").read_text()
    assert artefact.verify(where.store, where.of(f"model_{found.step}")) == []
    return found.step


@functools.cache
def nets() -> list[tuple[ErnieForPretraining, paddle.optimizer.AdamW]]:
    """The same net for every rank."""
    return [ranks.build() for _ in range(2)]


def saving(where: CheckpointLocation, step: int, world: int) -> None:
    """Save one step as so many ranks; what is saved is the same for all, only the step differs."""
    vocab, states = ranks.vocabulary(where), nets()

    def rank(team: Team) -> None:
        mine = Saver(where, team, [].append)
        ranks.save(mine, step, *states[team.rank], vocab)
        mine.wait()

    if world == 1:
        rank(Team())
    else:
        ranks.together(world, rank)


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("before", [0, 2])
def test_a_save_that_dies_anywhere_never_loses_the_previous_checkpoint(memory: Path, before: int, world: int) -> None:
    (memory / "before").mkdir()
    for step in range(1, before + 1):
        saving(place(memory / "before"), step, world)
    operations, died, seen = 0, True, set()
    while died:
        shutil.copytree(memory / "before", memory / str(operations), symlinks=True)
        where = place(memory / str(operations))
        died = dies_after(operations, lambda where=where: saving(where, before + 1, world))  # type: ignore[misc]
        seen.add(newest(where))
        assert seen <= {before, before + 1}, f"died at operation {operations}"
        if operations % 5 == 0:
            saving(where, before + 2, 3 - world)
            assert newest(where) == before + 2, (
                "the next save works on what the dead one left, with any number of ranks"
            )
            assert not any((memory / str(operations) / "store/.staging").glob("gathering-*")), "and clears it away"
        operations += 1
    assert operations > 20 and seen == {before, before + 1}


@pytest.mark.parametrize("dying", [0, 1])
def test_one_of_two_ranks_that_dies_anywhere_leaves_nothing_or_a_whole_checkpoint(
    memory: Path, dying: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rank dies in a process of its own, the other continues without knowing, and gives up in the end."""
    monkeypatch.setattr(saver, "PATIENCE", 0.3)
    monkeypatch.setattr(saver, "PAUSE", 0.01)
    saving(place(memory / "before"), 1, 2)
    operations, died, seen = 0, True, set()
    while died:
        shutil.copytree(memory / "before", memory / str(operations), symlinks=True)
        where = place(memory / str(operations))
        vocab, held = ranks.vocabulary(where), nets()[0]

        def rank(number: int, where: CheckpointLocation = where, vocab: Path = vocab, held: tuple = held) -> None:
            team = Alone(number, 2)
            mine = Saver(where, team, [].append)
            ranks.save(mine, 2, *held, vocab)
            assert mine._save is not None
            mine._save.done.result()

        died = together_but_one_dies(rank, dying, operations)
        seen.add(newest(where))
        assert seen <= {1, 2}, f"died at operation {operations}"
        operations += 1
    assert operations > 5 and 2 in seen
    assert 1 in seen


class Alone(Team):
    """A rank that never hears of the others, but knows what they would say."""

    def gather(self, value: object) -> list[object]:
        return [value] * self.world

    def first(self, value: object) -> object:  # type: ignore[override]
        return "the same session for all"


def together_but_one_dies(rank: Callable[[int], None], dying: int, operations: int) -> bool:
    """Run the other rank here and this one in a child; whether it died."""
    other: list[BaseException] = []

    def survive() -> None:
        try:
            rank(1 - dying)
        except errors.Error as error:
            other.append(error)

    died = dies_after(operations, lambda: rank(dying)) if dying == 1 else False
    if dying == 1:
        survive()
        assert not other or "waits for the share of rank" in str(other[0])
        return died
    thread = threading.Thread(target=survive)
    thread.start()
    thread.join()
    return dies_after(operations, lambda: rank(0))


def test_a_share_may_be_committed_the_moment_it_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, rename = place(tmp_path), os.rename
    part = gathering.begin(where.store, where.of("model_1"), "0" * 8, 1, where.scratch)

    def and_gone(source: Path, target: Path) -> None:
        rename(source, target)
        if target.name == "1.json":
            shutil.rmtree(target.parent.parent)

    monkeypatch.setattr(os, "rename", and_gone)
    gathering.report(part, [])
    assert not part.folder.exists()


def test_a_forgotten_rank_of_a_dead_attempt_never_gets_into_a_checkpoint(tmp_path: Path) -> None:
    """It wakes up after the run was started again, and writes and reports as if nothing had happened."""
    where = place(tmp_path)
    zombie = gathering.begin(where.store, where.of("model_1"), "0" * 8, 1, where.scratch)
    saving(where, 1, 2)
    with pytest.raises(errors.Error), gathering.create(zombie, "model_state-00001-of-00002.pdopt") as draft:
        draft.write(b"old")
    again = gathering.begin(where.store, where.of("model_1"), "0" * 8, 1, where.scratch)
    with gathering.create(again, "model_state-00001-of-00002.pdopt") as draft:
        draft.write(b"old")
    gathering.report(again, [draft.file])
    assert newest(where) == 1
