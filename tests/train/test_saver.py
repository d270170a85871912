"""Saving in the background: the state of the moment of the call, by any number of ranks, and no failure unheard."""

import threading
import time
from pathlib import Path

import numpy as np
import paddle
import pytest
from train import ranks

from ernie_core import errors
from ernie_core.store import artefact, gathering, open_store, pointed
from ernie_core.train.checkpoint import commit, copies, files, shares, snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.optim import optimiser
from ernie_core.train.optim.adamw import halves, keys
from ernie_core.train.parallel.team import Team


@pytest.fixture
def place(tmp_path: Path) -> CheckpointLocation:
    return CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path / "scratch")


def resumed(place: CheckpointLocation) -> tuple[int, dict[str, bytes]]:
    """The step and every bit of the state that a start would resume from."""
    found = commit.latest(place, [].append)
    assert found is not None
    net, adamw = ranks.build(seed=9)
    at, _ = snapshot.read(found.folder, net, adamw, ranks.IDENTITY)
    assert (at.step, at.lines, at.scaler, at.extra) == (
        found.step, [f'{{"step": {found.step}}}'], {"loss_scaling": 1024.0}, {"spike": 1.5},
    )  # fmt: skip
    ranks.train(net, adamw, at.step + 1)  # a step uses all of it
    return found.step, ranks.state(net, adamw)


def after(steps: int) -> dict[str, bytes]:
    """The state of a run that was never interrupted."""
    net, adamw = ranks.build()
    for step in range(1, steps + 1):
        ranks.train(net, adamw, step)
    return ranks.state(net, adamw)


def run(place: CheckpointLocation, team: Team, steps: int, every: int = 1) -> None:
    """Train and save, and do not wait for a save before the next step."""
    net, adamw = ranks.build()
    saver = Saver(place, team, [].append)
    for step in range(1, steps + 1):
        ranks.train(net, adamw, step, saver)
        saver.check()
        if step % every == 0:
            ranks.save(saver, step, net, adamw, ranks.vocabulary(place))
    saver.wait()
    assert saver.committed == steps


@pytest.mark.parametrize("world", [1, 2, 3])
def test_what_any_number_of_ranks_saved_one_reads_to_the_bit(place: CheckpointLocation, world: int) -> None:
    place.scratch.mkdir()
    lock, turns = threading.Lock(), threading.Barrier(world)

    def rank(team: Team) -> None:
        # paddle's seed belongs to the process, so the ranks that are threads train one after the other
        with lock:
            net, adamw = ranks.build()
            for step in (1, 2):
                ranks.train(net, adamw, step)
        turns.wait()
        saver = Saver(place, team, [].append)
        ranks.save(saver, 2, net, adamw, ranks.vocabulary(place))
        saver.wait()
        assert saver.committed == 2

    ranks.together(world, rank)
    assert resumed(place) == (2, after(3))
    names = [f"model_state-0000{r}-of-0000{world}.pdopt" for r in range(world)] if world > 1 else ["model_state.pdopt"]
    folder = place.store.path("pretrain/x/model_2")
    assert folder is not None
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["MANIFEST.json", "config.json", "config.yml", "model_state.pdparams", "state.json", "train_log.jsonl",
         "vocab.txt", *names]
    )  # fmt: skip


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("world", [1, 2])
def test_saves_before_the_first_update_hold_the_whole_state_and_so_do_later_ones(
    place: CheckpointLocation, world: int, divided: bool
) -> None:
    """As when the first steps overflow, and are skipped: whatever a saver sees first, it writes everything for ever."""
    place.scratch.mkdir()
    lock = threading.Lock()

    def rank(team: Team) -> None:
        with lock:
            net, adamw = ranks.build()
            if divided:
                own = [name for k, (name, _) in enumerate(net.named_parameters()) if k % world == team.rank]
                adamw = optimiser.adamw(net, only=own)
            shadow, whole = ranks.build()  # the others' updates of what this rank has no state of
        saver = Saver(place, team, [].append)
        for step in (1, 2, 3):
            if step == 3:
                saver.before_update()
                with lock:
                    ranks.train(shadow, whole, step)
                    ranks.train(net, adamw, step)
                net.set_state_dict(shadow.state_dict())
            ranks.save(saver, step, net, adamw, ranks.vocabulary(place), permanent=True)
            saver.wait()

    ranks.together(world, rank)
    undisturbed = ranks.build()
    everything = set(keys(halves(undisturbed[0])))
    for step in (1, 2, 3):
        folder = place.store.path(f"pretrain/x/model_{step}")
        assert folder is not None and snapshot._shares(folder).keys() == everything
        net, adamw = ranks.build(seed=9)
        assert snapshot.read(folder, net, adamw, ranks.IDENTITY)[1] == []
        if step == 3:
            ranks.train(*undisturbed, 3)
        assert ranks.state(net, adamw) == ranks.state(*undisturbed)
    for pair in ((net, adamw), undisturbed):
        ranks.train(*pair, 4)
    assert ranks.state(net, adamw) == ranks.state(*undisturbed)


@pytest.mark.parametrize("world", [1, 2])
def test_what_no_rank_has_a_state_of_is_never_saved(place: CheckpointLocation, world: int) -> None:
    place.scratch.mkdir()
    nets = [ranks.build()[0] for _ in range(world)]

    def rank(team: Team) -> str:
        own = [name for name, _ in nets[team.rank].named_parameters() if "pooler" not in name]
        saver = Saver(place, team, [].append)
        with pytest.raises(errors.Refused) as raised:
            ranks.save(saver, 1, nets[team.rank], optimiser.adamw(nets[team.rank], only=own), ranks.vocabulary(place))
        return str(raised.value)

    said = ranks.together(world, rank)
    assert set(said) == set(said[:1]) and f"8 of 120 arrays are on none of {world} ranks" in said[0]
    assert "ernie.pooler.dense.weight.moment1" in said[0] and "and 5 more" in said[0]
    assert commit.latest(place, [].append) is None


def test_a_checkpoint_holds_the_moment_of_the_call_though_training_goes_on(
    place: CheckpointLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, dump = threading.Event(), files.dump_arrays

    def slowly(*arguments: object) -> None:
        assert go.wait(60)
        dump(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "dump_arrays", slowly)
    net, adamw = ranks.build()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        go.set()  # the first that is said is that it waits

    saver = Saver(place, Team(), say)
    ranks.train(net, adamw, 1)
    ranks.save(saver, 1, net, adamw, ranks.vocabulary(place))
    ranks.train(net, adamw, 2, saver)
    saver.check()
    assert pointed(place.store, "pretrain/x/model_last") is None
    ranks.save(saver, 2, net, adamw, ranks.vocabulary(place))
    assert said[0] == "step 2: waiting for the checkpoint of step 1, which is being written"
    saver.wait()
    monkeypatch.undo()
    assert resumed(place) == (2, after(3))
    artefact.remove(place.store, "pretrain/x/model_2")
    assert resumed(place) == (1, after(2))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Every big tensor is copied late: only once someone waits for it, and then not at once."""
    asked, copy, wait = threading.Event(), copies.Copies._copy, Saver.before_update

    def late(memory: copies.Copies, name: str, values: np.ndarray) -> np.ndarray:
        assert asked.wait(60)
        time.sleep(0.002)
        return copy(memory, name, values)

    def before_update(saver: Saver) -> float:
        asked.set()
        return wait(saver)

    monkeypatch.setattr(copies, "SMALL", 16)  # a tiny net has big tensors then
    monkeypatch.setattr(copies.Copies, "_copy", late)
    monkeypatch.setattr(Saver, "before_update", before_update)
    return asked


@pytest.mark.parametrize("world", [1, 2])
def test_an_update_waits_until_the_state_before_it_is_copied(
    place: CheckpointLocation, world: int, slow: threading.Event
) -> None:
    place.scratch.mkdir()
    states, lock, turns = [ranks.build() for _ in range(world)], threading.Lock(), threading.Barrier(world)
    for net, adamw in states:
        ranks.train(net, adamw, 1)

    def rank(team: Team) -> None:
        saver = Saver(place, team, [].append)
        for step in (2, 3):
            ranks.save(saver, step - 1, *states[team.rank], ranks.vocabulary(place))
            turns.wait()
            with lock:  # forward and backward beside the copy that has not begun, then the update
                ranks.train(*states[team.rank], step, saver)
            turns.wait()
            saver.wait()
            slow.clear()

    ranks.together(world, rank)
    assert resumed(place) == (2, after(3))
    artefact.remove(place.store, "pretrain/x/model_2")
    assert resumed(place) == (1, after(2))


def test_a_copy_that_fails_is_an_error_before_the_update(
    place: CheckpointLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(copies.Copies, "take", fail)
    net, adamw = ranks.build()
    saver = Saver(place, Team(), [].append)
    ranks.train(net, adamw, 1)
    ranks.save(saver, 1, net, adamw, ranks.vocabulary(place))
    before = ranks.state(net, adamw)
    with pytest.raises(MemoryError):
        ranks.train(net, adamw, 2, saver)
    assert ranks.state(net, adamw) == before


def test_paddle_opens_the_files(place: CheckpointLocation) -> None:
    run(place, Team(), 1)
    folder = place.store.path("pretrain/x/model_last")
    net, _ = ranks.build()
    ranks.train(net, _, 1)
    model = paddle.load(f"{folder}/model_state.pdparams", return_numpy=True)
    assert model.keys() == net.state_dict().keys()
    assert all(np.array_equal(model[name], tensor.numpy()) for name, tensor in net.state_dict().items())
    moments = paddle.load(f"{folder}/model_state.pdopt", return_numpy=True)
    assert "ernie.embeddings.word_embeddings.weight.moment1" in moments


def test_equal_states_are_equal_bytes(place: CheckpointLocation, tmp_path: Path) -> None:
    other = CheckpointLocation(open_store(tmp_path / "other"), "pretrain/x", tmp_path / "scratch")
    for where in (place, other):
        run(where, Team(), 3)
    said = [artefact.read(where.store, "pretrain/x/model_3") for where in (place, other)]
    assert said[0] is not None and said[0] == said[1]


def test_permanent_ones_stay(place: CheckpointLocation) -> None:
    net, adamw = ranks.build()
    saver = Saver(place, Team(), [].append)
    for step in range(1, 6):
        ranks.train(net, adamw, step, saver)
        ranks.save(saver, step, net, adamw, ranks.vocabulary(place), permanent=step == 2)
    saver.wait()
    assert place.store.children("pretrain/x") == ["model_2", "model_4", "model_5", "model_last"]


@pytest.mark.parametrize("harm", ["weight", "moment"])
def test_what_is_not_finite_is_never_committed(place: CheckpointLocation, harm: str) -> None:
    net, adamw = ranks.build()
    saver = Saver(place, Team(), [].append)
    ranks.train(net, adamw, 1)
    ranks.save(saver, 1, net, adamw, ranks.vocabulary(place))
    bias = net.ernie.pooler.dense.bias
    bad = bias.numpy() if harm == "weight" else adamw.tensors()["ernie.pooler.dense.bias.moment2"]
    saver.before_update()
    bad[-1] = float("inf")
    bias.set_value(bad if harm == "weight" else bias.numpy())
    ranks.save(saver, 2, net, adamw, ranks.vocabulary(place))
    name = r"ernie\.pooler\.dense\.bias" + ("" if harm == "weight" else r"\.moment2")
    with pytest.raises(errors.BadInput, match=rf"step 2: {name} is no longer finite; .*checkpoint is of step 1"):
        saver.wait()
    assert resumed(place)[0] == 1


class Full(Exception):
    """The disk is full, say."""


@pytest.mark.parametrize("when", ["begin", "create", "report", "commit"])
@pytest.mark.parametrize("how", ["check", "save", "wait"])
def test_a_failure_in_the_background_is_an_error_at_the_next_call(
    place: CheckpointLocation, monkeypatch: pytest.MonkeyPatch, when: str, how: str
) -> None:
    net, adamw = ranks.build()
    saver = Saver(place, Team(), [].append)
    ranks.train(net, adamw, 1)
    ranks.save(saver, 1, net, adamw, ranks.vocabulary(place))
    saver.wait()

    def fail(*_: object, **__: object) -> None:
        raise Full

    monkeypatch.setattr(gathering, when, fail)
    ranks.save(saver, 2, net, adamw, ranks.vocabulary(place))
    for thread in threading.enumerate():
        if thread.name == "save 2":
            thread.join()
    for _ in range(2):  # it is not forgotten
        with pytest.raises(Full):
            saver.check() if how == "check" else saver.wait() if how == "wait" else ranks.save(
                saver, 3, net, adamw, ranks.vocabulary(place)
            )
    monkeypatch.undo()
    assert resumed(place)[0] == 1
    run(place, Team(), 4, every=4)
    assert resumed(place)[0] == 4
    assert not any((place.store.path("") or Path()).joinpath(".staging").iterdir()), "what failed left nothing"


def test_a_share_that_fails_fails_every_rank_and_commits_nothing(
    place: CheckpointLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = gathering.report

    def fail(part: gathering.Gathering, files: object) -> None:
        if part.writer == 1:
            raise Full
        report(part, files)  # type: ignore[arg-type]

    monkeypatch.setattr(gathering, "report", fail)
    states = [ranks.build() for _ in range(3)]
    for net, adamw in states:
        ranks.train(net, adamw, 1)
    place.scratch.mkdir()

    def rank(team: Team) -> str:
        saver = Saver(place, team, [].append)
        ranks.save(saver, 1, *states[team.rank], ranks.vocabulary(place))
        with pytest.raises((Full, errors.Error)) as raised:
            saver.wait()
        return f"{raised.type.__name__} {raised.value}"

    first, second, third = ranks.together(3, rank)
    assert "rank 1 could not save its share" in first
    assert second.startswith("Full")
    assert third.startswith("Error step 1 was not saved: rank 0:")
    assert commit.latest(place, [].append) is None


def test_every_part_is_written_once_and_the_loads_are_even() -> None:
    everywhere = {f"p{k}": 100 - k for k in range(60)}
    found = shares.assign([everywhere] * 4, [1000, 0, 0, 0])
    assert sorted(name for names in found for name in names) == sorted(everywhere)
    loads = [sum(everywhere[name] for name in names) + (1000 if rank == 0 else 0) for rank, names in enumerate(found)]
    assert max(loads) - min(loads) <= 41


def test_what_one_rank_alone_has_is_written_by_it() -> None:
    held = [{"a": 5, "all": 1}, {"b": 50, "all": 1}, {"c": 2, "all": 1}]
    assert shares.assign(held) == [["a"], ["b"], ["all", "c"]]
