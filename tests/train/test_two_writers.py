"""Two machines on one store: who has no right to write removes nothing and commits nothing of the other's."""

import json
from pathlib import Path

import pytest
from train import ranks

from ernie_core.errors import Error, Full, Refused
from ernie_core.store import artefact, gathering, open_store, pointed
from ernie_core.store.lease import Lease
from ernie_core.train.checkpoint import commit
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.monitor.log import say
from ernie_core.train.parallel.team import Team


def at(tmp_path: Path, name: str) -> CheckpointLocation:
    """The place of a training as one machine has it."""
    store = open_store(tmp_path / "store")
    return CheckpointLocation(store, "pretrain/x", tmp_path / name, Lease(store, "pretrain/x"))


def test_a_machine_that_was_taken_for_dead_saves_nothing_and_removes_nothing(tmp_path: Path) -> None:
    first, second = at(tmp_path, "first"), at(tmp_path, "second")
    assert first.lease and second.lease
    first.lease.acquire()
    row = json.loads(first.store.read("pretrain/x/lease.json")) | {"token": "0" * 32, "machine": "elsewhere"}
    first.store.write("pretrain/x/lease.json", json.dumps(row).encode())  # the first slept, and the other took over
    part = gathering.begin(second.store, "pretrain/x/model_7", "0123abcd", 0, second.scratch)
    half = part.folder / "model_state.pdparams"
    half.write_bytes(b"half written")
    net, adamw = ranks.build()
    saver = Saver(first, Team(), say)
    ranks.save(saver, 3, net, adamw, ranks.vocabulary(first))
    with pytest.raises(Refused, match=r"now held by .*, not by this process any more"):
        saver.wait()
    assert half.read_bytes() == b"half written"
    assert artefact.read(first.store, "pretrain/x/model_3") is None
    assert pointed(first.store, "pretrain/x/model_last") is None


def test_cleaning_up_that_fails_ends_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, told = at(tmp_path, "scratch"), list[str]()

    def fails(*_: object) -> None:
        raise Error("the server answered 500 InternalError")

    monkeypatch.setattr(commit, "_retire", fails)
    net, adamw = ranks.build()
    saver = Saver(place, Team(), told.append)
    for step in (1, 2, 3, 4):
        ranks.train(net, adamw, step, saver)
        ranks.save(saver, step, net, adamw, ranks.vocabulary(place))
    saver.wait()
    assert pointed(place.store, "pretrain/x/model_last") == "model_4"
    assert sum("older checkpoints are not removed yet: the server answered 500" in line for line in told) == 4


def test_a_save_that_finds_no_room_is_made_once_there_is_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, told, failures = at(tmp_path, "scratch"), list[str](), [3]
    monkeypatch.setattr("ernie_core.patience.PAUSES", (0.01, 0.01))
    for name in ("report", "commit"):
        real = getattr(gathering, name)

        def now_and_then(*args: object, real=real, **options: object) -> object:  # type: ignore[no-untyped-def]
            failures[0] -= 1
            if failures[0] >= 0:
                raise Full("disk full: /store needs more space, 0 free")
            failures[0] = 3
            return real(*args, **options)

        monkeypatch.setattr(gathering, name, now_and_then)
    net, adamw = ranks.build()
    saver = Saver(place, Team(), told.append)
    ranks.train(net, adamw, 1)
    ranks.save(saver, 1, net, adamw, ranks.vocabulary(place))
    saver.wait()
    assert artefact.verify(place.store, "pretrain/x/model_1") == []
    assert sum("disk full: /store" in line for line in told) == 2, "once for its files, once for the commit"
