"""`kfp check`: is a spec valid?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from jobs.spec.problems import Problem


@click.command("check", help="Check specs without reading data. Exit code 0 if all are valid, 2 if not.")
@click.argument("specs", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True)
@click.option("--set", "edits", multiple=True, metavar="STEP.KEY=VALUE", help="Edit the spec first.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "github", "gitlab"]),
    default="text",
    help="Output: text, `github` annotations for a pull request, or a `gitlab` code quality report.",
)
@arguments.as_json
def command(specs: tuple[Path, ...], edits: tuple[str, ...], style: str, as_json: bool) -> int:
    from jobs.spec import document, parser
    from jobs.spec.problems import SpecError

    problems, good = [], []
    changes = [document.edit(text) for text in edits]
    for file in specs:
        try:
            good.append((file, parser.load(file, changes)))
        except SpecError as error:
            problems += error.problems
    if as_json:
        rows = [{"file": p.file, "line": p.line, "path": p.path, "text": p.text} for p in problems]
        arguments.show_json({"ok": not problems, "checked": [str(file) for file in specs], "problems": rows})
        return 2 if problems else 0
    if style == "gitlab":
        import json

        click.echo(json.dumps([_quality(problem) for problem in problems], ensure_ascii=False, indent=1))
    for problem in problems if style != "gitlab" else ():
        if style == "github":
            text = f"{problem.path}: {problem.text}".replace("%", "%25").replace("\n", "%0A")
            click.echo(f"::error file={problem.file},line={problem.line}::{text}")
        else:
            click.echo(str(problem))
    for file, job in good:
        if style == "text":
            click.echo(f"{file}: valid, {len(job.steps)} step{'s' if len(job.steps) > 1 else ''}")
    if problems:
        click.echo(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", err=True)
    return 2 if problems else 0


def _quality(problem: "Problem") -> dict[str, Any]:
    """A problem as an entry of GitLab's report; its fingerprint does not depend on the lines above it."""
    import hashlib

    identity = "\n".join((problem.file, problem.path, problem.text))
    return {
        "description": f"{problem.path}: {problem.text}", "check_name": "kfp check", "severity": "blocker",
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "location": {"path": problem.file, "lines": {"begin": max(1, problem.line)}},
    }  # fmt: skip
