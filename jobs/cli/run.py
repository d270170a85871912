"""`kfp run`: check, plan, show, confirm, run, follow."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from jobs.plan.prepare import Prepared
    from jobs.runs import Run


@click.command("run", help="Check a spec, show the plan, run it. Finished steps are not run again.")
@arguments.spec
@click.option(
    "--on",
    "where",
    type=click.Choice(["local", "cluster"]),
    help="Where to run; default: the cluster, if an endpoint is configured.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-d", "--detach", is_flag=True, help="Detach: return once the run has started.")
@click.option("--redo", multiple=True, metavar="STEP", help="Remove the artefact of a step and make it again.")
@click.option("--run-id", hidden=True, help="The id of a detached run.")
@arguments.as_json
def command(spec: Path, edits: tuple[str, ...], where: str | None, yes: bool, detach: bool, redo: tuple[str, ...],
            run_id: str | None, as_json: bool) -> int:  # fmt: skip
    from ernie_core.errors import Refused
    from jobs import follow, report
    from jobs.local import environments
    from jobs.plan import prepare

    options = arguments.server()
    on_cluster, why = place(where, spec, options)
    prepared = arguments.prepare(spec, edits, on_cluster=on_cluster)
    if redo:
        if going := follow.same(prepared.store, prepared.job.name, prepared.work, environments.home(), options):
            raise Refused(f"{going.job}/{going.id} is making this right now: `kfp cancel {going.id}` before `--redo`")
        prepared = prepare.redo(prepared, redo)
    click.echo(report.plan_text(prepared.job.name, prepared.plan, why) + "\n", err=True)
    if not yes and not prepared.plan.done and sys.stdin.isatty():
        click.confirm("run it?", default=True, abort=True, err=True)
    return submit(prepared, options, on_cluster=on_cluster, detach=detach, run_id=run_id, as_json=as_json)


def place(wanted: str | None, spec: Path, options: Mapping[str, str]) -> tuple[bool, str]:
    """Whether a run goes to a cluster; and where it runs and why, as text."""
    from jobs.spec import endpoints, site

    here = site.find(spec.parent)
    url, named = endpoints.find(here, options)
    if wanted == "cluster":
        return True, f"cluster {url or 'without an endpoint'}: chosen with --on cluster"
    if wanted == "local":
        return False, "this machine: chosen with --on local"
    if url and here.cluster:
        return True, f"cluster {url}: named by {named}, `--on local` runs here"
    missing = f"{named} names {url}, but no site file has a `cluster:` block" if url else "no cluster is configured"
    return False, f"this machine: {missing}"


def submit(prepared: "Prepared", options: Mapping[str, str], *, on_cluster: bool, detach: bool, run_id: str | None,
           as_json: bool) -> int:  # fmt: skip
    """Run a plan, or join the run in progress that does the same."""
    from jobs import follow, report, runs, screen
    from jobs.local import environments
    from jobs.local import runner as local

    cache, store = environments.home(), prepared.store
    packages = [str(getattr(n.step, "name", "")) for n in prepared.nodes if n.kind == "package"]
    if prepared.plan.done:
        return _nothing_to_do(prepared, packages, as_json)
    record = follow.same(store, prepared.job.name, prepared.work, cache, options)
    if record:
        click.echo(f"joining {record.job}/{record.id}, which does the same work", err=True)
    elif on_cluster:
        from jobs.cluster import runner

        record = runner.submit(prepared, options)
        runs.remember(cache, record)
        click.echo(f"sent as {record.cluster['name']}", err=True)
    elif detach:
        record = follow.detach(prepared, cache)
    else:
        steps = {node.name: runs.StepRecord() for node in prepared.nodes}
        record = runs.start(prepared.job.name, prepared.work, store, prepared.provenance(), steps, run_id or "")
        with runs.hold(cache, record.id):
            record = runs.save(store, record)
            runs.remember(cache, record)
            record = local.run(prepared.plan, record, store, prepared.inputs, cache, prepared.job.site, screen.choose())
    if not detach and runs.alive(record, cache):
        record = _until_end(prepared, record, cache, options)
    if as_json:
        arguments.show_json(record.to_json())
    elif detach:
        click.echo(f"{record.id}\n{report.meanwhile(record)}")
    else:
        click.echo("\n" + report.run_text(record, record.state) + "\n\n" + report.next_commands(record, packages))
    return 0 if detach else code(record.state)


def _until_end(prepared: "Prepared", record: "Run", cache: Path, options: Mapping[str, str]) -> "Run":
    from jobs import follow, report, screen

    try:
        return follow.until_end(prepared.store, record, cache, screen.choose(), options)
    except KeyboardInterrupt:
        click.echo(f"\n{record.job}/{record.id} continues in the background\n{report.meanwhile(record)}", err=True)
        raise


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
