"""`kfp logs`: what do the steps of a run say?"""

import sys
import time
from typing import TYPE_CHECKING

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from ernie_core.store import Store
    from jobs.cluster import Watch
    from jobs.runs import Run

POLL = 0.5


@click.command("logs", help="Print the log of a STEP, or of all steps of a RUN one after the other.")
@click.argument("run", required=False)
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@arguments.store
def command(run: str | None, step: str | None, follow: bool, store: str | None) -> int:
    from ernie_core.errors import NotFound
    from jobs import cluster, environments, observe, runs
    from jobs.problems import unknown

    place, record = arguments.find_run(run, store)
    if step and step not in record.steps:
        raise NotFound(f"step {unknown(step, record.steps, f'is not in run {record.id}')}")
    names = [step] if step else list(record.steps)
    printed = _Printed(heads=step is None)
    eye = cluster.Watch(place, record, arguments.server()) if record.cluster else None
    while True:
        going = follow and runs.alive(record, environments.home())
        for name in names:
            if name in printed.whole:
                continue
            if not (eye and going) or record.steps[name].state in observe.SETTLED:
                _kept(place, record, name, printed)
            elif eye:
                _live(eye, name, printed)
        if not going:
            break
        time.sleep(POLL)
        record = eye.look() if eye else runs.read(place, record.job, record.id)
    if not printed.anything:
        click.echo("no step of this run has said anything: all was made before, or it has not begun", err=True)
    return 0


class _Printed:
    """What was printed already, of whom, and whose turn it was."""

    def __init__(self, *, heads: bool) -> None:
        self._heads, self._last, self.shown = heads, "", dict[str, int]()
        self.whole = set[str]()
        """Steps of which the pod itself was heard to its end."""

    @property
    def anything(self) -> bool:
        return bool(self.shown)

    def add(self, name: str, key: str, data: bytes) -> None:
        """Print what is new of a piece of a log; pieces grow at their end."""
        fresh = data[self.shown.get(key, 0) :]
        if not fresh:
            return
        if self._heads and name != self._last:
            click.echo(f"== {name}")
        self._last, self.shown[key] = name, len(data)
        sys.stdout.write(fresh.decode("utf-8", "replace"))
        sys.stdout.flush()


def _kept(store: "Store", record: "Run", name: str, printed: _Printed) -> None:
    """What is in the store: one file of a run on a machine, many of a run on a cluster."""
    from ernie_core.errors import NotFound

    folder = record.log(name).removesuffix(".log")
    keys = [record.log(name)] if not record.cluster else [f"{folder}/{piece}" for piece in store.children(folder)]
    for key in keys:
        try:
            printed.add(name, key, store.read(key))
        except NotFound:
            continue


def _live(eye: "Watch", name: str, printed: _Printed) -> None:
    """What the pod of a step says, until that ends; the store has it half a minute later."""
    from ernie_core.errors import Error

    said = b""
    try:
        for line in eye.log(name) or ():
            said += line + b"\n"
            printed.add(name, name, said)
    except Error as error:
        click.echo(f"not known for now: {error}", err=True)
    printed.whole.add(name)
