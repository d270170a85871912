"""`kfp plan`: what would a run do, and why?"""

from pathlib import Path

import click

from jobs.cli import arguments


@click.command("plan", help="Show what `run` would do with a spec, and why; reads manifests only.")
@arguments.spec
@arguments.as_json
def command(spec: Path, edits: tuple[str, ...], as_json: bool) -> int:
    from jobs import report
    from jobs.cli.run import place

    prepared = arguments.prepare(spec, edits)
    where, why = place(None)
    if as_json:
        steps = [step.to_json() for step in prepared.plan.steps]
        arguments.show_json({"job": prepared.job.name, "on": where, "store": prepared.store.url, "work": prepared.work,
                             "done": prepared.plan.done, "steps": steps})  # fmt: skip
    else:
        click.echo(report.plan_text(prepared.job.name, prepared.plan, f"{where}: {why}"))
    return 4 if prepared.plan.refusals else 0
