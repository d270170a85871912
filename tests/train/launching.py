"""Starts the processes of a team as a launcher would: ranks by the environment, on free ports of this machine."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def start(world: int, script: Path, *words: str) -> list[subprocess.Popen[str]]:
    """A process for every rank, by rank."""
    ports = _free_ports(world + 1)
    known = {
        **os.environ,
        "PYTHONPATH": f"{Path(__file__).parents[2]}{os.pathsep}{Path(__file__).parents[1]}",
        "PADDLE_TRAINERS_NUM": str(world),
        "PADDLE_MASTER": f"127.0.0.1:{ports[0]}",
        "PADDLE_TRAINER_ENDPOINTS": ",".join(f"127.0.0.1:{port}" for port in ports[1:]),
    }
    return [
        subprocess.Popen(
            [sys.executable, str(script), *words],
            env={**known, "PADDLE_TRAINER_ID": str(rank), "PADDLE_CURRENT_ENDPOINT": f"127.0.0.1:{ports[rank + 1]}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What every rank printed, once all have ended well."""
    said = hear(processes)
    for process, (_, errors) in zip(processes, said, strict=True):
        assert process.returncode == 0, errors
    return [out for out, _ in said]


def hear(processes: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """What every rank printed until its end; read in parallel, since one that is not read blocks the others."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(lambda process: process.communicate(), processes))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for made in sockets:
        made.bind(("127.0.0.1", 0))
    ports = [made.getsockname()[1] for made in sockets]
    for made in sockets:
        made.close()
    return ports
