"""Batches made ahead: the same in the same order, and errors in their turn."""

import threading
import time

import pytest

from ernie_core.train.feed import Feed


def test_it_gives_the_same_in_the_same_order_from_anywhere() -> None:
    for first in (0, 7):
        with Feed(lambda number: number * number, range(first, 100), ahead=3) as feed:
            assert [feed.next() for _ in range(first, 100)] == [number * number for number in range(first, 100)]


def test_it_is_never_further_ahead_than_it_may_be() -> None:
    made: list[int] = []
    with Feed(made.append, range(1000), ahead=2) as feed:
        feed.next()
        time.sleep(0.1)
        assert len(made) <= 1 + 2 + 1  # taken, in the queue, waiting for room


def test_an_error_comes_in_its_turn() -> None:
    with Feed(lambda number: 1 // (2 - number), range(5)) as feed:
        assert [feed.next(), feed.next()] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            feed.next()


def test_leaving_ends_the_thread_wherever_it_is() -> None:
    before = threading.active_count()
    with Feed(lambda number: number, range(10**9), ahead=1) as feed:
        feed.next()
    assert threading.active_count() == before


def test_waiting_is_measured() -> None:
    with Feed(lambda number: time.sleep(0.05), range(2)) as feed:
        feed.next()
        assert feed.waited > 0
