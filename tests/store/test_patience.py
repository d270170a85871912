"""Trying again while a store is away or a disk is full, within bounds that are said."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ernie_core import patience
from ernie_core.errors import BadInput, Error, Full, Unreachable
from ernie_core.patience import patiently
from ernie_core.store import open_store
from ernie_core.store.s3 import S3Store


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.01, 0.02))


def failing(*errors: Error) -> Callable[[], str]:
    """Raises each of them once, then does well."""
    left = list(errors)

    def act() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return act


@pytest.mark.parametrize("error", [Full("disk full"), Unreachable("no answer")])
def test_it_is_tried_until_it_does_well_and_said_once(error: Error) -> None:
    told: list[str] = []
    assert patiently(failing(error, error, error), "saving step 3", tell=told.append) == "done"
    assert len(told) == 2 and str(error) in told[0] and "at most" in told[0] and "done" in told[1]


def test_what_no_waiting_can_cure_is_raised_at_once() -> None:
    told: list[str] = []
    with pytest.raises(BadInput):
        patiently(failing(BadInput("wrong")), "saving", tell=told.append)
    assert told == []


def test_after_its_bound_the_trouble_itself_is_the_error() -> None:
    def never() -> None:
        raise Full("disk full: /x")

    with pytest.raises(Full, match="disk full: /x"):
        patiently(never, "saving", roomless=0.1, tell=lambda _: None)


def test_a_server_that_never_answered_is_given_up_sooner_than_one_that_did(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []
    monkeypatch.setattr("ernie_core.store.s3.patiently", lambda act, what, *, outage: limits.append(outage) or act())
    store = S3Store("bucket", "x", patience=3600)
    monkeypatch.setattr(S3Store, "_client", None)
    for _ in range(2):
        store._ask("key", lambda _: None)
    assert limits == [60, 3600]
    assert open_store("s3://bucket/x").patience == 0, "the command line says at once that nobody answers"  # type: ignore[attr-defined]


def test_a_store_keeps_its_patience_in_another_process(tmp_path: Path) -> None:
    import pickle

    again = pickle.loads(pickle.dumps(S3Store("bucket", "x", patience=5.0)))
    assert again.patience == 5.0


def test_a_background_thread_gives_up_sooner_when_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        def is_alive(self) -> bool:
            return False

    def never() -> None:
        raise Full("disk full")

    monkeypatch.setattr(threading, "main_thread", Ended)
    monkeypatch.setattr(patience, "LEFT", 0.1)
    with pytest.raises(Full):
        patiently(never, "saving", tell=lambda _: None)
