"""The pod of a gang: its processes find each other, live and die together, and its exit code says why."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from components.launch import heartbeat, member
from components.runtime import gang
from ernie_core.store import open_store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def task(place, tmp_path):
    scratch = tmp_path / "scratch"
    task = {**place.workload.task, "scratch": str(scratch / "step"), "progress": str(scratch / "progress.json")}
    return task


def arguments(task, code, *, processes=1, hosts="localhost", number=0):
    return [
        "--hosts", hosts, "--number", str(number), "--port", "36543", "--processes", str(processes),
        "--attempt", "2", "--grace", "30", "--task", json.dumps(task), "--", sys.executable, "-c", code,
    ]  # fmt: skip


def test_each_process_is_told_its_rank_and_where_all_are(task, tmp_path):
    names = ["PADDLE_TRAINER_ID", "PADDLE_TRAINERS_NUM", "PADDLE_CURRENT_ENDPOINT", "PADDLE_TRAINER_ENDPOINTS",
             "PADDLE_MASTER", "FLAGS_selected_gpus"]  # fmt: skip
    code = f"import os, pathlib; e = os.environ; pathlib.Path({str(tmp_path)!r}, e['PADDLE_TRAINER_ID']).write_text(" \
           f"' '.join(e[n] for n in {names!r}))"  # fmt: skip
    assert member.main(arguments(task, code, processes=2, hosts="localhost,127.0.0.1", number=1)) == 0
    places = "localhost:36543,localhost:36544,127.0.0.1:36543,127.0.0.1:36544"
    assert (tmp_path / "2").read_text() == f"2 4 127.0.0.1:36543 {places} localhost:36543 0"
    assert (tmp_path / "3").read_text() == f"3 4 127.0.0.1:36544 {places} localhost:36543 1"


@pytest.mark.parametrize(
    ("rank0", "rank1", "code"),
    [
        ("sys.exit(0)", "sys.exit(0)", 0),
        ("time.sleep(60)", "sys.exit(7)", 7),
        ("sys.exit(1)", "time.sleep(.1); sys.exit(65)", 65),
        ("time.sleep(60)", "os.kill(os.getpid(), 9)", 137),
    ],
)
def test_one_ends_badly_and_all_do(task, monkeypatch, rank0, rank1, code):
    monkeypatch.setattr(gang, "LAST_WORDS", 30 if code == 65 else 0.2)
    script = f"import os, sys, time\nif os.environ['PADDLE_TRAINER_ID'] == '0': {rank0}\nelse: {rank1}"
    script = script.replace("\nelse: time.sleep(.1); ", "\ntime.sleep(.1)\nif True: ")
    assert member.main(arguments(task, script, processes=2)) == code


def test_asked_to_stop_it_lets_its_processes_save(task, tmp_path):
    ready = tmp_path / "ready"
    code = f"import signal, sys, time, pathlib; signal.signal(15, lambda *_: sys.exit(143)); " \
           f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"  # fmt: skip
    command = [sys.executable, "-m", "components.launch.member", *arguments(task, code)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    end = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143


def test_replaced_by_a_later_attempt_it_ends_itself(task, monkeypatch):
    """It may be cut off from the cluster while the store can still be reached: two must not write."""
    monkeypatch.setattr(heartbeat, "EVERY", 0.1)
    heartbeat.write(open_store(task["store"]), task["address"], 3, {})
    assert member.main(arguments(task, "import time; time.sleep(60)")) == member.REPLACED


def test_it_says_how_far_it_is(task, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.1)
    progress = Path(task["progress"])
    code = f"import pathlib, time; pathlib.Path({str(progress)!r}).write_text('{{\"done\": 5}}'); time.sleep(1)"
    assert member.main(arguments(task, code)) == 0
    assert heartbeat.read(open_store(task["store"]), task["address"]) == {"done": 5, "attempt": 2}


def test_a_pod_that_nobody_can_name_is_not_waited_for_for_ever(task, monkeypatch, capfd):
    monkeypatch.setattr(member, "PATIENCE", 0.1)
    assert member.main(arguments(task, "", hosts="no-such-host.invalid,localhost")) == 1
    assert "no-such-host.invalid had no address" in capfd.readouterr().err


def test_alone_it_is_one_process(task):
    own = replace(member.GangMember(["a"], 0, 1, 36543), port=1)
    assert own.environment(0)["PADDLE_TRAINERS_NUM"] == "1"
