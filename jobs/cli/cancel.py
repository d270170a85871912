"""`kfp cancel`: ask a run to save and stop."""

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
"""Seconds between two words on what is waited for."""


@click.command("cancel", help="Ask a run to save what is worth keeping and stop.")
@click.argument("run", required=False)
@arguments.store
@arguments.as_json
def command(run: str | None, store: str | None, as_json: bool) -> int:
    from ernie_core.errors import Error
    from jobs import cluster, environments, runs

    place, record = arguments.find_run(run, store)
    cache = environments.home()
    if record.cluster:
        record = cluster.Watch(place, record, arguments.server()).cancel()
        click.echo(f"{record.job}/{record.id} {record.state}; go on with: kfp resume {record.id}", err=True)
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
        click.echo(f"{record.job}/{record.id} {record.state}; go on with: kfp resume {record.id}", err=True)
    if as_json:
        arguments.show_json(record.to_json())
    return 0


def _tell(record: "Run", seconds: float) -> None:
    """What a run is waited for, which saves for as long as that takes it."""
    running = {name: step for name, step in record.steps.items() if step.state == "running"}
    at = "; ".join(f"`{name}`: {step.note or step.state}" for name, step in running.items())
    again = f"`kfp cancel {record.id}` again kills it, Ctrl-C here leaves it to itself"
    click.echo(f"asked to stop {seconds:.0f} s ago, still at work: {at or 'between two steps'} ({again})", err=True)
