"""`kfp cancel`: ask a run to save and stop."""

import os
import signal
import socket
import time

import click

from jobs.cli import arguments

PATIENCE = 45.0
"""Seconds that a run gets to save."""


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
        waited = time.monotonic() + PATIENCE
        while runs.alive(record, cache):
            if time.monotonic() > waited:
                raise Error(
                    f"{record.id} was asked to stop but goes on after {PATIENCE:.0f}s: see `kfp status {record.id}`"
                )
            time.sleep(0.2)
        record = runs.read(place, record.job, record.id)
        click.echo(f"{record.job}/{record.id} {record.state}; go on with: kfp resume {record.id}", err=True)
    if as_json:
        arguments.show_json(record.to_json())
    return 0
