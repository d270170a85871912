"""`kfp check`: is a spec right?"""

from pathlib import Path

import click

from jobs.cli import arguments


@click.command("check", help="Check specs without reading data: exit code 0 if all are right, 2 if not.")
@click.argument("specs", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True)
@click.option("--set", "edits", multiple=True, metavar="STEP.KEY=VALUE", help="Edit the spec first.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "github"]),
    default="text",
    help="`github`: annotations for a pull request.",
)
@arguments.as_json
def command(specs: tuple[Path, ...], edits: tuple[str, ...], style: str, as_json: bool) -> int:
    from jobs import document, spec
    from jobs.problems import SpecError

    problems, good = [], []
    changes = [document.edit(text) for text in edits]
    for file in specs:
        try:
            good.append((file, spec.load(file, changes)))
        except SpecError as error:
            problems += error.problems
    if as_json:
        rows = [{"file": p.file, "line": p.line, "path": p.path, "text": p.text} for p in problems]
        arguments.show_json({"ok": not problems, "checked": [str(file) for file in specs], "problems": rows})
        return 2 if problems else 0
    for problem in problems:
        if style == "github":
            text = f"{problem.path}: {problem.text}".replace("%", "%25").replace("\n", "%0A")
            click.echo(f"::error file={problem.file},line={problem.line}::{text}")
        else:
            click.echo(str(problem))
    for file, job in good:
        if style == "text":
            click.echo(f"{file}: right, {len(job.steps)} steps")
    if problems:
        click.echo(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", err=True)
    return 2 if problems else 0
