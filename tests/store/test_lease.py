"""Who may write at an address: one process at a time, of all machines that see the store."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ernie_core.errors import Refused, Stopped
from ernie_core.store import Store, lease
from ernie_core.store.lease import Lease

TERM = 1.0
ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from ernie_core.store import open_store
from ernie_core.store.lease import Lease
Lease(open_store(sys.argv[1]), "train/x", term=float(sys.argv[2])).acquire()
print("held", flush=True)
time.sleep(600)
"""


def said(store: Store) -> dict[str, object]:
    return dict(json.loads(store.read("train/x/lease.json")))


def held_elsewhere(store: Store) -> "subprocess.Popen[str]":
    """A process that holds it."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, store.url, "60"], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)  # fmt: skip
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def another_machine(store: Store, **changes: object) -> None:
    """Make the holder one whose processes nobody here can see."""
    row = said(store) | {"machine": "elsewhere", "token": "0" * 32, "host": "elsewhere"} | changes
    store.write("train/x/lease.json", json.dumps(row).encode())


def test_it_names_who_writes_and_is_given_back(store: Store) -> None:
    mine = Lease(store, "train/x")
    mine.acquire()
    mine.check()
    assert said(store)["pid"] == os.getpid()
    mine.release()
    assert store.get("train/x/lease.json") is None


def test_a_process_that_was_killed_on_this_machine_is_known_to_be_gone(store: Store) -> None:
    process = held_elsewhere(store)
    process.kill()
    process.wait()
    began = time.monotonic()
    Lease(store, "train/x").acquire()
    assert time.monotonic() - began < 30, "nobody waits for its term"
    assert said(store)["pid"] == os.getpid()


def test_a_process_that_lives_is_waited_for_however_long_it_is_silent(store: Store) -> None:
    process = held_elsewhere(store)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        asked = iter([False, False, True])
        with pytest.raises(Stopped, match=f"waiting for process {process.pid}"):
            Lease(store, "train/x").acquire(lambda: next(asked))
        assert said(store)["pid"] == process.pid
    finally:
        process.kill()
        process.wait()


def test_a_process_that_holds_with_others_is_gone_when_all_of_its_session_are(store: Store) -> None:
    leader = f"import subprocess\nother = subprocess.Popen(['sleep', '600'])\nprint(other.pid, flush=True)\n{HOLD}"
    process = subprocess.Popen([sys.executable, "-c", leader, store.url, "60"], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)  # fmt: skip
    assert process.stdout
    other = int(process.stdout.readline())
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    asked = iter([False, True])
    with pytest.raises(Stopped):
        Lease(store, "train/x").acquire(lambda: next(asked))
    os.kill(other, signal.SIGKILL)
    Lease(store, "train/x").acquire()


def test_another_machine_is_given_up_once_it_said_nothing_for_its_term(store: Store) -> None:
    Lease(store, "train/x").acquire()
    another_machine(store)
    told: list[str] = []
    began = time.monotonic()
    Lease(store, "train/x", term=TERM, tell=told.append).acquire()
    assert time.monotonic() - began > TERM
    assert "of elsewhere holds" in told[0] and "taking over" in told[1]


def test_another_machine_that_renews_is_not_given_up(store: Store) -> None:
    Lease(store, "train/x").acquire()
    another_machine(store)
    over = threading.Event()

    def renew() -> None:
        for signs in range(1000):
            another_machine(store, signs=signs)
            if over.wait(TERM / 4):
                return

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        until = time.monotonic() + 4 * TERM
        with pytest.raises(Stopped):
            Lease(store, "train/x", term=TERM).acquire(lambda: time.monotonic() > until)
    finally:
        over.set()
        thread.join()


def test_who_was_taken_for_dead_finds_out_before_it_writes_and_takes_nothing_back(store: Store) -> None:
    mine = Lease(store, "train/x")
    mine.acquire()
    another_machine(store)
    with pytest.raises(Refused, match=r"now held by .* of elsewhere"):
        mine.check()
    mine.release()
    assert said(store)["host"] == "elsewhere"


def test_a_later_attempt_of_a_launcher_needs_not_wait_for_an_earlier_one(store: Store) -> None:
    Lease(store, "train/x", attempt=3).acquire()
    another_machine(store)
    Lease(store, "train/x", attempt=4).acquire()
    assert said(store)["attempt"] == 4


def test_processes_of_a_gang_share_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EVERY", 0.01)
    mine = Lease(store, "train/x")
    mine.acquire()
    rank = Lease(store, "train/x", shared=mine.shared)
    rank.keep()
    time.sleep(0.5)
    rank.check()
    mine.check()
    mine.release()


def test_a_lease_that_was_deleted_by_hand_is_written_again(store: Store) -> None:
    mine = Lease(store, "train/x")
    mine.acquire()
    store.delete("train/x/lease.json")
    mine.check()
    assert said(store)["pid"] == os.getpid()


def test_what_is_no_lease_runs_out_like_one(store: Store) -> None:
    store.write("train/x/lease.json", b"garbage")
    Lease(store, "train/x", term=TERM).acquire()
    assert said(store)["pid"] == os.getpid()


def test_who_writes_is_told_from_outside(store: Store) -> None:
    assert lease.busy(store, "train/x") is None
    mine = Lease(store, "train/x")
    mine.acquire()
    found = lease.busy(store, "train/x")
    assert found is not None and found.pid == os.getpid()
    mine.release()
    process = held_elsewhere(store)
    process.kill()
    process.wait()
    assert lease.busy(store, "train/x") is None, "it was killed"


def test_of_two_that_begin_at_once_one_has_it_and_the_other_waits(store: Store) -> None:
    both, ready = [Lease(store, "train/x") for _ in range(2)], threading.Barrier(2)
    got: list[int] = []

    def take(number: int) -> None:
        ready.wait()
        until = time.monotonic() + 4
        try:
            both[number].acquire(lambda: time.monotonic() > until)
            got.append(number)
        except Stopped:
            pass

    threads = [threading.Thread(target=take, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    both[got[0]].check()


def test_what_was_given_back_may_not_be_written_with(store: Store) -> None:
    mine = Lease(store, "train/x")
    mine.acquire()
    mine.release()
    with pytest.raises(Refused, match="not by this process any more"):
        mine.check()
    assert store.get("train/x/lease.json") is None
