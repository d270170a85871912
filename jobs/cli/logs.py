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
            if eye and going and record.steps[name].state not in observe.SETTLED:
                _live(eye, name, printed)
            elif name not in printed.heard:
                _kept(place, record, name, printed)
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
        self._heads, self._last = heads, ""
        self.kept = dict[str, int]()
        """Bytes of each piece of the store."""
        self.heard = dict[str, dict[str, int]]()
        """Lines of each pod, by step."""

    @property
    def anything(self) -> bool:
        return bool(self.kept or self.heard)

    def say(self, name: str, text: str) -> None:
        """Print something of a step, under its name where there are others."""
        if self._heads and name != self._last:
            click.echo(f"== {name}")
        self._last = name
        sys.stdout.write(text)
        sys.stdout.flush()


def _kept(store: "Store", record: "Run", name: str, printed: _Printed) -> None:
    """What is in the store: one file of a run on a machine, many of a run on a cluster."""
    from ernie_core.errors import NotFound

    folder = record.log(name).removesuffix(".log")
    keys = [record.log(name)] if not record.cluster else [f"{folder}/{piece}" for piece in store.children(folder)]
    for key in keys:
        try:
            data = store.read(key)
        except NotFound:
            continue
        if fresh := data[printed.kept.get(key, 0) :]:  # pieces grow at their end
            printed.kept[key] = len(data)
            printed.say(name, fresh.decode("utf-8", "replace"))


def _live(eye: "Watch", name: str, printed: _Printed) -> None:
    """What the pod of a step says, until that ends; the store has it half a minute later."""
    from ernie_core.errors import Error

    try:
        if (found := eye.log(name)) is None:
            return
        pod, lines = found
        for number, line in enumerate(lines, 1):
            if number > printed.heard.setdefault(name, {}).get(pod, 0):
                printed.heard[name][pod] = number
                printed.say(name, line.decode("utf-8", "replace") + "\n")
    except Error as error:
        click.echo(f"not known for now: {error}", err=True)
