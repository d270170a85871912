"""Processes end with the ones that started them, and nothing that they print can end them sooner."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.runtime import gang
from ernie_core import waiting
from ernie_core.errors import Unreachable
from ernie_core.streams import MOST, Forgiving
from ernie_core.waiting import Wait

ROOT = Path(__file__).parents[2]
CHILD = """
import signal, sys, threading, time
from components.runtime import parent
from components.runtime.stop import Stop
parent.STILL, parent.LOOK = 1.0, 0.1
stop = Stop()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
parent.follow(stop)
print("here", flush=True)
HOW
"""
HOW = {
    "saves and leaves": "while not stop.is_set(): time.sleep(.05)\nopen(sys.argv[1], 'w').write('saved')",
    "hears nothing": "time.sleep(600)",
    "waits within bounds": "from ernie_core.waiting import Wait\n"
    "wait = Wait('rank 0 waits', 600, alone=3)\n"
    "while True:\n    wait.more(); time.sleep(.02)",
}
PARENT = """
import os, subprocess, sys
from ernie_core import runtime
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True, env={**os.environ, **runtime.child()})
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("how", list(HOW))
def test_a_child_ends_when_its_parent_is_killed(how: str, tmp_path: Path) -> None:
    code, file = CHILD.replace("HOW", HOW[how]), tmp_path / "said"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, code, str(file)], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    try:
        end = time.monotonic() + 20
        while not gone(child) and time.monotonic() < end:
            time.sleep(0.05)
        assert gone(child)
        assert file.exists() == (how == "saves and leaves")
    finally:
        if not gone(child):
            os.kill(child, signal.SIGKILL)


def test_a_call_that_hears_nothing_ends_with_the_parent_at_once(tmp_path: Path) -> None:
    code = (
        "import time\nfrom ernie_core import runtime\n"
        "with runtime.deaf(600):\n    print('here', flush=True)\n    time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", PARENT, code, "-"], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while not gone(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert gone(child)


def test_a_call_that_hears_nothing_ends_by_itself_after_its_time(tmp_path: Path) -> None:
    code = "import time\nfrom ernie_core import runtime\nwith runtime.deaf(0.5):\n    time.sleep(600)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 1
    assert "Timeout" in done.stderr and "most recent call first" in done.stderr


def test_a_wait_says_for_what_and_for_how_long_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SAID_AFTER", 0.1)
    told: list[str] = []
    wait = Wait("rank 1 waits for rank 0", 0.5, tell=told.append)

    def forever() -> None:
        while True:
            wait.more()
            time.sleep(0.02)

    with pytest.raises(Unreachable, match="rank 1 waits for rank 0: gave up after 0 s"):
        forever()
    assert len(told) == 1 and told[0].endswith("at most 0 s"), told


def test_a_gang_that_does_not_leave_is_waited_for_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its runner has gone, so nobody can press Ctrl-C again."""
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    started = []

    def start(*_: object) -> "subprocess.Popen[str]":
        started.append(subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout
        started[-1].stdout.readline()
        return started[-1]

    monkeypatch.setattr(gang, "_start", start)
    monkeypatch.setattr(gang, "LEAVING", 1.0)
    task, here = SimpleNamespace(ranks=2), SimpleNamespace(stop=lambda: True)
    with pytest.raises(Unreachable, match="2 processes save and exit: gave up after 1 s"):
        gang._attempt(task, Path("unused"), here)  # type: ignore[arg-type]
    assert [process.wait(10) for process in started] == [-signal.SIGKILL] * 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_what_cannot_be_printed_is_kept_and_printed_later(tmp_path: Path) -> None:
    full, file = os.open("/dev/full", os.O_WRONLY), os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    target = os.dup(full)
    out = Forgiving(target)
    for number in range(3):
        out.write(f"line {number}\n".encode())
    os.dup2(file, target)
    out.write(b"line 3\n")
    out.write(b"line 4\n")
    said = (tmp_path / "log").read_text()
    assert "could not be written at the time: no space left on device]" in said
    assert said.splitlines()[-5:] == [f"line {number}" for number in range(5)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_more_than_can_be_kept_loses_its_oldest_lines_and_says_how_many(tmp_path: Path) -> None:
    target, file = os.open("/dev/full", os.O_WRONLY), os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    out, line = Forgiving(target), b"x" * 99 + b"\n"
    for _ in range(MOST // 100 + 50):
        out.write(line)
    os.dup2(file, target)
    out.write(b"the last\n")
    said = (tmp_path / "log").read_text()
    lost = int(said.split(" older lines were lost")[0].rpartition("; ")[2])
    assert lost + said.count("x" * 99 + "\n") == MOST // 100 + 50
    assert said.endswith("the last\n")


def test_a_signal_that_comes_while_an_earlier_one_is_handled_is_no_deadlock() -> None:
    code = """
import signal, sys, time
from components.runtime.stop import Stop
stop = Stop()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
print("ready", flush=True)
end = time.monotonic() + 1
while time.monotonic() < end:
    stop.set()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(stop.wait(0), flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    for _ in range(500):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    try:
        assert process.communicate(timeout=60)[0] == "True\n"
    finally:
        process.kill()
