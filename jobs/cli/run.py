"""`kfp run`: check, plan, show, confirm, run, follow."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from jobs.prepare import Prepared


@click.command("run", help="Check a spec, show what will happen, run it. What is done already is not done again.")
@arguments.spec
@click.option(
    "--on", "where", type=click.Choice(["local", "cluster"]), help="Where to run; local without a cluster's endpoint."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-d", "--detach", is_flag=True, help="Leave the run to itself and return.")
@click.option("--redo", multiple=True, metavar="STEP", help="Remove the artefact of a step and make it again.")
@click.option("--run-id", hidden=True, help="The id of a detached run.")
@arguments.as_json
def command(spec: Path, edits: tuple[str, ...], where: str | None, yes: bool, detach: bool, redo: tuple[str, ...],
            run_id: str | None, as_json: bool) -> int:  # fmt: skip
    from jobs import prepare, report

    chosen, why = place(where)
    prepared = arguments.prepare(spec, edits)
    if redo:
        prepared = prepare.redo(prepared, redo)
    click.echo(report.plan_text(prepared.job.name, prepared.plan, f"{chosen}: {why}") + "\n", err=True)
    if not yes and not prepared.plan.done and sys.stdin.isatty():
        click.confirm("run it?", default=True, abort=True, err=True)
    return submit(prepared, detach=detach, run_id=run_id, as_json=as_json)


def place(wanted: str | None) -> tuple[str, str]:
    """Where a run goes, and why."""
    from ernie_core.errors import Refused

    if wanted == "cluster":
        raise Refused("`--on cluster`: this version runs jobs on this machine only, leave the option out")
    if wanted:
        return "this machine", "asked for with --on local"
    server = os.environ.get("KFP_ENDPOINT") or os.environ.get("KF_PIPELINES_ENDPOINT")
    why = f"{server} is configured, but this version runs jobs here only" if server else "no cluster is configured"
    return "this machine", why


def submit(prepared: "Prepared", *, detach: bool, run_id: str | None, as_json: bool) -> int:
    """Run a plan, or join the run that is already at it."""
    from jobs import environments, follow, local, report, runs, screen

    cache = environments.home()
    packages = [str(getattr(n.step, "name", "")) for n in prepared.nodes if n.kind == "package"]
    if prepared.plan.done:
        return _nothing_to_do(prepared, packages, as_json)
    if going := follow.same(prepared.store, prepared.job.name, prepared.work, cache):
        click.echo(f"joining {going.job}/{going.id}, which does this already", err=True)
        record = going if detach else follow.until_end(prepared.store, going, cache, screen.choose())
    elif detach:
        record = follow.detach(prepared, cache)
    else:
        steps = {node.name: runs.StepRecord() for node in prepared.nodes}
        record = runs.start(
            prepared.job.name, prepared.work, prepared.store, prepared.provenance(), steps, run_id or ""
        )
        with runs.hold(cache, record.id):
            record = runs.save(prepared.store, record)
            runs.remember(cache, record)
            record = local.run(
                prepared.plan, record, prepared.store, prepared.inputs, cache, prepared.job.site, screen.choose()
            )
    if as_json:
        arguments.show_json(record.to_json())
    elif detach:
        click.echo(f"{record.id}\n{report.meanwhile(record)}")
    else:
        click.echo("\n" + report.run_text(record, record.state) + "\n\n" + report.next_commands(record, packages))
    return 0 if detach else code(record.state)


def code(state: str) -> int:
    """The exit code for the end of a run."""
    return {"done": 0, "failed": 1, "refused": 4, "stopped": 130, "running": 0}.get(state, 1)


def _nothing_to_do(prepared: "Prepared", packages: list[str], as_json: bool) -> int:
    if as_json:
        steps = [step.to_json() for step in prepared.plan.steps]
        arguments.show_json({"job": prepared.job.name, "state": "done", "store": prepared.store.url, "steps": steps})
        return 0
    click.echo("all is done, nothing to run")
    for name in packages:
        click.echo(f"  fetch the package      kfp pull {name} --store {prepared.store.url}")
    return 0
