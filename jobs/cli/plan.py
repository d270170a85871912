"""`kfp plan`: what would a run do, and why?"""

from pathlib import Path

import click

from jobs.cli import arguments

RUN = "plan"
"""Placeholder for the id of the run, which is chosen at submission."""


@click.command("plan", help="Show what `kfp run` would do, and why. Reads manifests only.")
@arguments.spec
@click.option("--on", "where", type=click.Choice(["local", "cluster"]), help="Where it would run.")
@click.option(
    "-o", "--output", "form", type=click.Choice(["text", "yaml"]), default="text",
    help="`yaml`: everything that would be submitted to a cluster: the pipeline, and what its launchers start.",
)  # fmt: skip
@arguments.as_json
def command(spec: Path, edits: tuple[str, ...], where: str | None, form: str, as_json: bool) -> int:
    from jobs import report
    from jobs.cli import run

    if form == "yaml":
        return _documents(spec, edits, where, as_json)
    on_cluster, place = run.place(where, spec, arguments.server())
    prepared = arguments.prepare(spec, edits, on_cluster=on_cluster)
    if as_json:
        steps = [step.to_json() for step in prepared.plan.steps]
        arguments.show_json({"job": prepared.job.name, "on": place, "store": prepared.store.url, "work": prepared.work,
                             "done": prepared.plan.done, "steps": steps})  # fmt: skip
    else:
        click.echo(report.plan_text(prepared.job.name, prepared.plan, place))
    return 4 if prepared.plan.refusals else 0


def _documents(spec: Path, edits: tuple[str, ...], where: str | None, as_json: bool) -> int:
    if where == "local" or as_json:
        raise click.UsageError("-o yaml shows what a cluster would be given: leave `--on local` and `--json` out")
    prepared = arguments.prepare(spec, edits, on_cluster=True)
    if prepared.plan.done:
        click.echo("all is done, nothing to submit", err=True)
        return 0
    from jobs.cluster import compile

    package = compile.package(prepared.job, prepared.plan, prepared.inputs, RUN)
    click.echo(compile.documents(package), nl=False)
    return 0
