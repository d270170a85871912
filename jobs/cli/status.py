"""`kfp status`: the progress of a run."""

import click

from jobs.cli import arguments


@click.command(
    "status",
    help="Show the progress of a run. RUN is an id, a spec or, with --store, a job; default: the last run of this"
    " machine.",
)
@click.argument("run", required=False)
@arguments.store
@click.option("-w", "--watch", is_flag=True, help="Follow the run until it ends; Ctrl-C detaches.")
@arguments.as_json
def command(run: str | None, store: str | None, watch: bool, as_json: bool) -> int:
    from jobs import follow, points, report, runs, screen
    from jobs.local import environments

    place, record = arguments.find_run(run, store)
    cache, options = environments.home(), arguments.server()
    eye = follow.watch(place, record, options)
    record = follow.until_end(place, record, cache, screen.choose(), options) if watch else eye.look()
    for doubt in eye.doubts:
        click.echo(f"currently unknown: {doubt}", err=True)
    state = record.state if record.state in runs.ENDED or runs.alive(record, cache) else "died"
    if as_json:
        arguments.show_json({**record.to_json(), "state": state})
        return 0
    click.echo(report.run_text(record, state))
    for name, step in record.steps.items():
        if swept := points.read(place, step.address):
            click.echo(f"\n{name}: {points.text(swept, step.address, points.MOST)}")
    if state not in ("running", "done"):
        click.echo("\n" + report.next_commands(record, []))
    return 0
