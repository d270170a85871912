"""Batches made ahead: the same in the same order, and errors in their turn."""

import threading
from types import SimpleNamespace

import pytest

from ernie_core.train.feed import Feed


def test_it_gives_the_same_in_the_same_order_from_anywhere() -> None:
    for first in (0, 7):
        with Feed(lambda number: number * number, range(first, 100), ahead=3) as feed:
            assert [feed.next() for _ in range(first, 100)] == [number * number for number in range(first, 100)]


def test_it_makes_what_there_is_room_for_and_no_more() -> None:
    made, made_one, ahead = 0, threading.Condition(), 2
    too_far: list[tuple[int, int]] = []
    asked = 0

    def make(number: int) -> int:
        nonlocal made
        with made_one:
            if number > asked + ahead:  # those in the queue, and one that waits for room
                too_far.append((number, asked))
            made += 1
            made_one.notify()
        return number

    def all_made() -> bool:
        return made > asked + ahead

    with Feed(make, range(1000), ahead) as feed:
        for _ in range(20):
            with made_one:
                assert made_one.wait_for(all_made, timeout=60)
                asked += 1
            feed.next()
    assert too_far == []


def test_an_error_comes_in_its_turn() -> None:
    with Feed(lambda number: 1 // (2 - number), range(5)) as feed:
        assert [feed.next(), feed.next()] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            feed.next()


def test_leaving_ends_the_thread_wherever_it_is() -> None:
    with Feed(lambda number: number, range(10**9), ahead=1) as feed:
        feed.next()
        assert "feed" in [thread.name for thread in threading.enumerate()]
    assert "feed" not in [thread.name for thread in threading.enumerate()]


def test_waiting_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.5, 100.0, 100.5])
    monkeypatch.setattr("ernie_core.train.feed.time", SimpleNamespace(monotonic=lambda: next(clock)))
    with Feed(lambda number: number, range(2)) as feed:
        feed.next()
        assert feed.waited == 2.5
        feed.next()
    assert feed.waited == 3.0
