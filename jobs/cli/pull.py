"""`kfp pull`: fetch a package from the store."""

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from jobs.cli import arguments


@click.command("pull", help="Fetch a package into a folder. Default version: the newest.")
@click.argument("name", metavar="NAME[@VERSION]")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to create or fill, also `.`; default: NAME.",
)
@click.option("--verify", is_flag=True, help="Read every file again and compare its SHA-256.")
@click.option("--force", is_flag=True, help="Replace the contents of the folder.")
@arguments.store
@arguments.as_json
def command(name: str, into: Path | None, verify: bool, force: bool, store: str | None, as_json: bool) -> int:
    from ernie_core.serve import index, pull

    place = arguments.find_store(store)
    target = into or Path(name.partition("@")[0])
    entry = index.resolve(place, name)
    folder = pull.pull(place, name, target, verify=verify, force=force)
    if as_json:
        arguments.show_json({"folder": str(folder), "verified": verify, **asdict(entry)})
    else:
        click.echo(f"{entry.name}@{entry.version} -> {folder}" + (", every file verified" if verify else ""))
        click.echo(f"  predict                kfp predict {shlex.quote(str(folder))} TEXT", err=True)
    return 0
