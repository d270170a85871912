"""`kfp new`: a spec to start from."""

import json
import re
from pathlib import Path

import click


@click.command("new", help="Write a new spec NAME.yaml: the whole job on your own text, ready to be edited.")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("specs"),
    show_default=True,
    help="The folder.",
)
def command(name: str, into: Path) -> int:
    from ernie_core.errors import Refused
    from jobs import schema, spec, template

    if not re.fullmatch(spec.JOB_NAME, name):
        raise click.UsageError(f"`{name}` is not a job name, use lower-case letters, digits and `-`")
    file = into / f"{name}.yaml"
    if file.exists():
        raise Refused(f"`{file}` is there already, choose another name or remove it")
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
