"""`kfp resume`: resume a run with the spec that it was started with."""

import click

from jobs.cli import arguments


@click.command(
    "resume", help="Resume a run with the spec and the edits it was started with, even if the file has changed since."
)
@click.argument("run", required=False)
@click.option("-d", "--detach", is_flag=True, help="Detach: return once the run has started.")
@arguments.store
@arguments.as_json
def command(run: str | None, detach: bool, store: str | None, as_json: bool) -> int:
    from jobs import report
    from jobs.cli.run import submit
    from jobs.local import environments
    from jobs.plan import prepare

    options = arguments.server()
    _, record = arguments.find_run(run, store)
    on_cluster = bool(record.cluster)
    prepared = prepare.from_run(record, environments.ready(), on_cluster=on_cluster)
    where = f"cluster {record.cluster['endpoint']}: where it ran" if on_cluster else "this machine: where it ran"
    click.echo(report.plan_text(prepared.job.name, prepared.plan, where) + "\n", err=True)
    return submit(prepared, options, on_cluster=on_cluster, detach=detach, run_id=None, as_json=as_json)
