"""`kfp resume`: continue a run from the spec that it was started with."""

import click

from jobs.cli import arguments


@click.command(
    "resume", help="Continue a run with the spec and the edits it was started with, even if the file has changed since."
)
@click.argument("run", required=False)
@arguments.store
@arguments.as_json
def command(run: str | None, store: str | None, as_json: bool) -> int:
    from jobs import environments, prepare, report
    from jobs.cli.run import place, submit

    _, record = arguments.find_run(run, store)
    prepared = prepare.from_run(record, environments.home())
    where, why = place(None)
    click.echo(report.plan_text(prepared.job.name, prepared.plan, f"{where}: {why}") + "\n", err=True)
    return submit(prepared, detach=False, run_id=None, as_json=as_json)
