"""`kfp status`: how far is a run?"""

import click

from jobs.cli import arguments


@click.command(
    "status", help="Show a run: RUN is its id, a spec or, with --store, a job; the last run of this machine without it."
)
@click.argument("run", required=False)
@arguments.store
@click.option("-w", "--watch", is_flag=True, help="Until it ends; Ctrl-C leaves the run alone.")
@arguments.as_json
def command(run: str | None, store: str | None, watch: bool, as_json: bool) -> int:
    from jobs import environments, follow, report, runs, screen

    place, record = arguments.find_run(run, store)
    cache, options = environments.home(), arguments.server()
    eye = follow.watch(place, record, options)
    record = follow.until_end(place, record, cache, screen.choose(), options) if watch else eye.look()
    for doubt in eye.doubts:
        click.echo(f"not known for now: {doubt}", err=True)
    state = record.state if record.state in runs.ENDED or runs.alive(record, cache) else "died"
    if as_json:
        arguments.show_json({**record.to_json(), "state": state})
        return 0
    click.echo(report.run_text(record, state))
    if state not in ("running", "done"):
        click.echo("\n" + report.next_commands(record, []))
    return 0
