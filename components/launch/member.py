"""A pod of a gang: starts its processes, as `paddle.distributed.launch` would, and ends them all with the first.

Paddle's own starter is not used: it writes the whole environment, with the credentials in it, into files and its log,
makes one exit code of all, and agrees on ranks over the network with whoever comes. Here names and ports are known
before anything starts, a pod without GPUs is one process, and the exit code is that of the process which ended first.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.contract.task import Task
from components.launch import heartbeat
from components.runtime import gang, locks, reports
from components.runtime.stop import Stop
from ernie_core import errors, runtime
from ernie_core.store import Store, open_store

PATIENCE = 1800.0
"""Seconds to wait for the other pods to get their addresses: some may still be waiting for a node."""
MARGIN = 5.0
"""Seconds before the end of the pod's grace period at which processes that have not saved are ended, to say so."""
REPLACED = 1


@dataclass(frozen=True)
class GangMember:
    """Where this pod stands in its gang."""

    hosts: Sequence[str]
    number: int
    processes: int
    port: int

    def environment(self, local: int) -> Mapping[str, str]:
        """The environment that Paddle needs in one process."""
        places = [f"{host}:{self.port + i}" for host in self.hosts for i in range(self.processes)]
        rank = self.number * self.processes + local
        return {
            "PADDLE_TRAINER_ID": str(rank),
            "PADDLE_TRAINERS_NUM": str(len(places)),
            "PADDLE_TRAINER_ENDPOINTS": ",".join(places),
            "PADDLE_CURRENT_ENDPOINT": places[rank],
            "PADDLE_MASTER": places[0],
            "PADDLE_RANK_IN_NODE": str(local),
            "PADDLE_LOCAL_SIZE": str(self.processes),
            "FLAGS_selected_gpus": str(local),
        }


def main(argv: list[str] | None = None) -> int:
    """Run the processes of this pod to their end; the exit code is that of a step (ernie_core/errors.py)."""
    parser = argparse.ArgumentParser(prog="python -m components.launch.member", description=__doc__)
    parser.add_argument("--hosts", required=True, help="names of all pods of the gang, by their numbers")
    parser.add_argument("--number", required=True, type=int, help="of this pod")
    parser.add_argument("--port", required=True, type=int, help="of its first process")
    parser.add_argument("--processes", required=True, type=int, help="of each pod")
    parser.add_argument("--attempt", required=True, type=int)
    parser.add_argument("--grace", required=True, type=int, help="termination grace period of this pod, in seconds")
    parser.add_argument("--task", required=True, help="the task, as JSON")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(argv)
    task = Task.from_json(json.loads(given.task))
    own = GangMember(given.hosts.split(","), given.number, given.processes, given.port)
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        _meet(own.hosts, stop)
        return _run(own, given.command, task, given.attempt, given.grace - MARGIN, stop)
    except errors.Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _meet(hosts: Sequence[str], stop: Stop) -> None:
    """Until every pod has an address: they get them one by one, and Paddle resolves each name only once."""
    started, next_report = time.monotonic(), 0.0
    while missing := [host for host in hosts if not _known(host)]:
        waited = time.monotonic() - started
        if waited > PATIENCE:
            raise errors.Error(f"{missing[0]} had no address after {PATIENCE:.0f} s: what keeps its pod from starting?")
        if waited >= next_report:
            left = f"{missing[0]} has no address yet, at most {PATIENCE - waited:.0f} s more"
            print(f"waiting for {len(missing)} of {len(hosts)} pods: {left}", flush=True)
            next_report = waited + 30
        if stop.wait(1):
            raise errors.Stopped("asked to stop while waiting for the other pods")


def _known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except socket.gaierror:
        return False


def _run(own: GangMember, command: Sequence[str], task: Task, attempt: int, saving: float, stop: Stop) -> int:
    scratch, replaced = Path(task.scratch).parent, threading.Event()
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "task.json"
    file.write_text(json.dumps(task.to_json(), ensure_ascii=False), encoding="utf-8")
    about = (open_store(task.store), task, attempt, own.number, replaced)
    threading.Thread(target=_beat, args=about, daemon=True).start()
    command = [*command, "--task", str(file)]
    processes, asked = [_start(own, command, i, attempt) for i in range(own.processes)], 0.0
    try:
        while (code := _over(processes, task)) is None:
            time.sleep(0.1)
            if replaced.is_set():
                return REPLACED
            if stop.is_set() and not asked:
                asked = time.monotonic()
                for process in processes:
                    process.terminate()
            if asked and time.monotonic() - asked > saving:
                print(
                    f"killed before it had saved: {saving:.0f} s were not enough{_lost(task)}",
                    file=sys.stderr,
                    flush=True,
                )
                return errors.Stopped.exit_code
        return code
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _lost(task: Task) -> str:
    """What the first pod knows of what is lost."""
    row = reports.read(Path(task.progress))
    needs = f", a step and a save take {row[heartbeat.NEEDS]} s" if row.get(heartbeat.NEEDS) else ""
    return f" at step {row['done']}{needs}; what is newer than model_last is lost" if row.get("done") else ""


def _start(own: GangMember, command: Sequence[str], local: int, attempt: int) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **own.environment(local), **runtime.child(), locks.ATTEMPT: str(attempt)}
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)


def _over(processes: Sequence["subprocess.Popen[bytes]"], task: Task) -> int | None:
    """The exit code of the pod: 0 if all are, else of the one that died. The others get time for their outcome."""
    codes = [process.poll() for process in processes]
    if not any(codes):
        return 0 if None not in codes else None
    end = time.monotonic() + gang.last_words(task)
    while time.monotonic() < end and None in [process.poll() for process in processes]:
        time.sleep(0.05)
    first = next(code for code in codes if code)
    final = [code for code in (process.poll() for process in processes) if code and code in gang.NEVER_AGAIN]
    code: int = final[0] if final else first
    return 128 - code if code < 0 else code


def _beat(store: Store, task: Task, attempt: int, number: int, replaced: threading.Event) -> None:
    """The first pod reports the progress of this attempt; every pod checks whether a later one has started."""
    while not replaced.is_set():
        try:
            found = heartbeat.read(store, task.address)
            if int(found.get("attempt", 0)) > attempt:
                print(f"attempt {attempt} was superseded by a later one: exiting", file=sys.stderr, flush=True)
                replaced.set()
            elif number == 0 and (progress := reports.read(Path(task.progress))):
                measured = {heartbeat.NEEDS: found[heartbeat.NEEDS]} if found.get(heartbeat.NEEDS) else {}
                heartbeat.write(store, task.address, attempt, measured | dict(progress))
        except (errors.Error, ValueError) as error:  # what the training itself needs of the store it will miss itself
            print(f"progress cannot be reported, training continues: {error}", file=sys.stderr, flush=True)
        time.sleep(heartbeat.EVERY)


if __name__ == "__main__":
    sys.exit(main())
