"""`kfp cancel`: save and stop a run."""

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from jobs.runs import Run

TELL = 10.0
"""Seconds between two messages about what it waits for."""


@click.command("cancel", help="Stop a run, after it has saved what is worth keeping.")
@click.argument("run", required=False)
@arguments.store
@arguments.as_json
def command(run: str | None, store: str | None, as_json: bool) -> int:
    from ernie_core.errors import Error
    from jobs import runs
    from jobs.cluster.watch import Watch
    from jobs.local import environments

    place, record = arguments.find_run(run, store)
    cache = environments.home()
    if record.cluster:
        record = Watch(place, record, arguments.server()).cancel()
        click.echo(f"{record.job}/{record.id} {record.state}; resume with: kfp resume {record.id}", err=True)
    elif not runs.alive(record, cache):
        state = record.state if record.state in runs.ENDED else "died"
        click.echo(f"{record.job}/{record.id} is not running: {state}", err=True)
    elif record.host != socket.gethostname():
        raise Error(f"{record.id} runs on {record.host}: cancel it there")
    else:
        os.kill(record.pid, signal.SIGTERM)
        began = told = time.monotonic()
        while runs.alive(record, cache):
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                _tell(runs.read(place, record.job, record.id), told - began)
            time.sleep(0.2)
        record = runs.read(place, record.job, record.id)
        click.echo(f"{record.job}/{record.id} {record.state}; resume with: kfp resume {record.id}", err=True)
    if as_json:
        arguments.show_json(record.to_json())
    return 0


def _tell(record: "Run", seconds: float) -> None:
    """Print which steps are still saving."""
    running = {name: step for name, step in record.steps.items() if step.state == "running"}
    at = "; ".join(f"`{name}`: {step.note or step.state}" for name, step in running.items())
    again = f"`kfp cancel {record.id}` again kills it, Ctrl-C here only stops waiting"
    click.echo(f"asked to stop {seconds:.0f} s ago, still running: {at or 'between two steps'} ({again})", err=True)
