"""`kfp logs`: what do the steps of a run say?"""

import sys
import time

import click

from jobs.cli import arguments


@click.command("logs", help="Print the log of a STEP, or of all steps of a RUN one after the other.")
@click.argument("run", required=False)
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@arguments.store
def command(run: str | None, step: str | None, follow: bool, store: str | None) -> int:
    from ernie_core.errors import NotFound
    from jobs import environments, runs
    from jobs.problems import unknown

    place, record = arguments.find_run(run, store)
    if step and step not in record.steps:
        raise NotFound(f"step {unknown(step, record.steps, f'is not in run {record.id}')}")
    names, shown = [step] if step else list(record.steps), dict.fromkeys(record.steps, 0)
    cache, last = environments.home(), ""
    while True:
        going = follow and runs.alive(record, cache)
        for name in names:
            if text := _rest(place, record.log(name), shown, name):
                if name != last and not step:
                    click.echo(f"== {name}")
                last = name
                sys.stdout.write(text)
                sys.stdout.flush()
        if not going:
            break
        time.sleep(0.5)
        record = runs.read(place, record.job, record.id)
    if not any(shown.values()):
        click.echo("no step of this run has said anything: all was made before, or it has not begun", err=True)
    return 0


def _rest(store: object, key: str, shown: dict[str, int], name: str) -> str:
    from ernie_core.errors import NotFound
    from ernie_core.store import Store

    place: Store = store  # type: ignore[assignment]
    try:
        data = place.read(key)
    except NotFound:
        return ""
    fresh = data[shown[name] :]
    shown[name] = len(data)
    return fresh.decode("utf-8", "replace")
