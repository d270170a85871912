"""`kfp new`: a spec to start from."""

import json
import re
from pathlib import Path

import click


@click.command("new", help="Write a new spec NAME.yaml to edit: the whole job, on your own text.")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("specs"),
    show_default=True,
    help="Folder of the spec.",
)
def command(name: str, into: Path) -> int:
    from ernie_core.errors import Refused
    from jobs.spec import job, schema, template

    if not re.fullmatch(job.JOB_NAME, name):
        raise click.UsageError(f"`{name}` is not a job name, use lower-case letters, digits and `-`")
    file = into / f"{name}.yaml"
    if file.exists():
        raise Refused(f"`{file}` exists already, choose another name or remove it")
    into.mkdir(parents=True, exist_ok=True)
    file.write_text(template.spec(name), encoding="utf-8")
    if not (into / "schema.json").exists():  # the first line of the spec tells editors to look for it there
        (into / "schema.json").write_text(
            json.dumps(schema.build(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    click.echo(
        f"{file}\n  check it               kfp check {file}\n  see what it would do   kfp plan {file}\n"
        f"  run it                 kfp run {file}"
    )
    return 0
