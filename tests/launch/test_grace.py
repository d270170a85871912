"""A pod has as long to save as the training has shown to need; where nodes give less, that is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from components.launch import heartbeat
from ernie_core import errors

ROOT = Path(__file__).parents[2]


def grace(place, number):
    name = place.attempt(number)
    job = next(found for found in place.cluster.all("paddlejobs") if found["metadata"]["name"] == name)
    spec = job["spec"]["paddleReplicaSpecs"]["Worker"]["template"]["spec"]
    command = spec["containers"][0]["command"]
    assert command[command.index("--grace") + 1] == str(spec["terminationGracePeriodSeconds"])
    return spec["terminationGracePeriodSeconds"]


def test_the_grace_period_follows_from_what_a_step_and_a_save_took(place):
    launched = place.launch()
    assert grace(place, 1) == 120, "before anything is measured"
    heartbeat.write(place.store, place.workload.task["address"], 1, {"done": 40, "leave_seconds": 310.4})
    for pod in place.cluster.pods(place.attempt(1)):
        place.cluster.exit(pod["metadata"]["name"], 1)
    assert grace(place, 2) == 311
    assert heartbeat.read(place.store, place.workload.task["address"])["leave_seconds"] == 310.4, "not measured anew"
    place.succeed(place.attempt(2))
    launched.end()


def test_a_site_whose_nodes_give_less_than_is_needed_is_told_so(place):
    workload = replace(place.workload, grace=60)
    heartbeat.write(place.store, place.workload.task["address"], 1, {"leave_seconds": 90})
    with pytest.raises(
        errors.Refused,
        match=r"this training needs 90 s for a step and a save, but pods here have 60 s .*`cluster.grace`",
    ):
        place.launch(workload=workload).end()


def test_a_site_whose_nodes_give_less_gets_pods_that_ask_for_no_more(place):
    launched = place.launch(workload=replace(place.workload, grace=60))
    assert grace(place, 1) == 60
    place.succeed(place.attempt(1))
    launched.end()


def test_a_pod_says_what_it_could_not_save_in_its_time(place, tmp_path):
    progress, ready = tmp_path / "progress.json", tmp_path / "ready"
    task = place.workload.task | {"scratch": str(tmp_path / "scratch/step"), "progress": str(progress)}
    progress.write_text('{"done": 41, "leave_seconds": 12.5}')
    code = f"import signal, time, pathlib; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch()"
    command = [sys.executable, "-m", "components.launch.member", "--hosts", "localhost", "--number", "0", "--port",
               "36543", "--processes", "1", "--attempt", "1", "--grace", "6", "--task", json.dumps(task),
               "--", sys.executable, "-c", f"{code}; time.sleep(60)"]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    place.until(ready.exists)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 143 and time.monotonic() - began < 6
    assert "killed before it had saved: 1 s were not enough at step 41, a step and a save take 12.5 s" in said
