"""`kfp predict`: ask a pulled package, in the environment that serves it."""

import os
import subprocess
from pathlib import Path

import click

from jobs.cli import arguments


@click.command("predict", help="Answer TEXTs (or the lines of standard input) with a pulled package.")
@click.argument("package", type=click.Path(path_type=Path, file_okay=False))
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--engine", type=click.Choice(["auto", "fastdeploy", "onnxruntime"]), default="auto", help="What runs the model."
)
@arguments.as_json
def command(package: Path, texts: tuple[str, ...], engine: str, as_json: bool) -> int:
    from ernie_core.errors import NotFound
    from jobs import environments

    if not (package / "serving.json").is_file():
        raise NotFound(f"no package in `{package}`, fetch one with `kfp pull NAME --into {package}`")
    python = environments.build("deploy", say=lambda text: click.echo(text, err=True))
    words = ["--engine", engine, *(["--json"] if as_json else []), "--", str(package.resolve()), *texts]
    environment = {**os.environ, "PYTHONPATH": str(environments.code()), "PYTHONUTF8": "1"}
    return subprocess.run([str(python), "-m", "ernie_core.serve", *words], env=environment).returncode
