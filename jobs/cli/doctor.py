"""`kfp doctor`: one line for each check of the installation; `--fix` repairs the command itself."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jobs.cli.health import Check


@click.command("doctor", help="Check this installation. Exit code 1 if something is wrong, with the remedy.")
@click.option("--fix", is_flag=True, help="Rewrite the command `kfp` if another package has replaced it.")
@click.option("--store", metavar="URL", help="Also check that this store answers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(fix: bool, store: str | None, as_json: bool) -> int:
    from jobs.cli import health

    if fix:
        _fix()
    found = []
    for check in health.checks(store):
        found.append(check)
        if not as_json:
            click.echo(_line(check))
    if as_json:
        click.echo(json.dumps([{**asdict(c), "ok": c.ok} for c in found], indent=2, ensure_ascii=False))
    return 0 if all(c.ok for c in found) else 1


def _fix() -> None:
    from jobs.cli import script

    file = script.recorded()
    if file is None:
        click.echo("kfp: running from a source tree, there is no script to repair", err=True)
    elif script.owner(file) != "ours":
        script.rewrite(file)
        click.echo(f"kfp: rewrote {file}", err=True)


def _line(check: "Check") -> str:
    word = click.style("ok     ", fg="green") if check.ok else click.style("problem", fg="red")
    remedy = f"\n{'':28}-> {check.remedy}" if check.remedy else ""
    return f"{word}  {check.name:<18} {check.found}{remedy}"
