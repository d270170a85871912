"""`kfp logs`: the logs of a run."""

import sys
import time
from typing import TYPE_CHECKING

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from ernie_core.store import Store
    from jobs.cluster.watch import Watch
    from jobs.runs import Run

POLL = 0.5


@click.command("logs", help="Print the log of one STEP, or the logs of all steps of a RUN.")
@click.argument("run", required=False)
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Follow the logs until the run ends.")
@arguments.store
def command(run: str | None, step: str | None, follow: bool, store: str | None) -> int:
    from ernie_core.errors import NotFound
    from jobs import runs
    from jobs.cluster import observe, watch
    from jobs.local import environments
    from jobs.spec.problems import unknown

    place, record = arguments.find_run(run, store)
    if step and step not in record.steps:
        raise NotFound(f"step {unknown(step, record.steps, f'is not in run {record.id}')}")
    names = [step] if step else list(record.steps)
    printed = _Printed(heads=step is None)
    eye = watch.Watch(place, record, arguments.server()) if record.cluster else None
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
        click.echo(_silent(record, step), err=True)
    return 0


def _silent(record: "Run", step: str | None) -> str:
    """Why there is no log of a step, or of any."""
    from jobs.runs import ENDED

    if step is None:
        unbegun = {name: one.error for name, one in record.steps.items() if one.error}
        if not unbegun:
            return "no step of this run has written a log: every one was made before, or has not begun"
        return "\n".join(f"`{name}` has no log: {error}" for name, error in unbegun.items())
    one = record.steps[step]
    if one.error:
        return f"`{step}` has no log: {one.error}"
    if one.already:
        return (
            f"`{step}` has no log in this run: its artefact was made before, `kfp why {one.address}` says by which run"
        )
    return f"`{step}` has no log: it {'did not begin' if record.state in ENDED else 'has not begun yet'}"


class _Printed:
    """What was printed already, by step, and which step was printed last."""

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
        """Print lines of a step, below its name if there are several steps."""
        if self._heads and name != self._last:
            click.echo(f"== {name}")
        self._last = name
        sys.stdout.write(text)
        sys.stdout.flush()


def _kept(store: "Store", record: "Run", name: str, printed: _Printed) -> None:
    """Print logs from the store: one file for a run on a machine, many for a run on a cluster."""
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
    """Print the log of a step's pod until that ends; the store has it half a minute later."""
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
        click.echo(f"currently unknown: {error}", err=True)
