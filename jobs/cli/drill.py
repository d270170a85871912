"""`kfp drill`: does the training of a job survive what clusters do to it?"""

import contextlib
import sys
from dataclasses import asdict
from pathlib import Path

import click

from jobs.cli import arguments


@click.command(
    "drill",
    help="Run a small copy of a job's training on this machine, kill it at chosen points, resume it, and compare losses"
    " and weights bit for bit with those of an undisturbed run. Missing inputs of the training are made first.",
)
@arguments.spec
@arguments.as_json
@click.option("--step", "name", default="", help="The training to drill; default: the first of the job.")
def command(spec: Path, edits: tuple[str, ...], as_json: bool, name: str) -> int:
    from jobs import drill, report
    from jobs.cli.run import submit
    from jobs.local import environments

    prepared = arguments.prepare(spec, edits)
    before = drill.inputs(prepared, name)
    if not before.plan.done:
        click.echo(
            report.plan_text(before.job.name, before.plan, "this machine: what the drill reads") + "\n", err=True
        )
        with contextlib.redirect_stdout(sys.stderr):  # how the inputs were made is no result of the drill
            code = submit(before, {}, on_cluster=False, detach=False, run_id=None, as_json=False)
        if code:
            return code
    outcomes = drill.run(prepared, environments.home(), lambda text: click.echo(text, err=True), name)
    passed = all(outcome.passed for outcome in outcomes)
    if as_json:
        arguments.show_json({"passed": passed, "disturbances": [asdict(outcome) for outcome in outcomes]})
        return 0 if passed else 1
    rows: list[tuple[str, ...]] = [
        ("disturbance", "at step", "resumed after", "lost", "starts", "seconds", "losses", "weights")
    ]
    for o in outcomes:
        same = ["equal" if equal else "DIFFER" for equal in (o.losses, o.weights)] if o.hit else ["not tried"] * 2
        lost = str(max(0, o.at - o.resumed))
        rows.append((o.name, str(o.at), str(o.resumed), lost, str(o.starts), f"{o.seconds:.1f}", *same))
    click.echo(report.table(rows))
    click.echo("\nevery disturbed training ended like the undisturbed one" if passed else "\nNOT all ended alike")
    return 0 if passed else 1
