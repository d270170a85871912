"""`kfp predict`: predict with a pulled package, in the environment that serves it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from jobs.cli import arguments, exits

_OPTION = re.compile(r"-[A-Za-z]|--[A-Za-z][A-Za-z0-9_-]*(=.*)?", re.DOTALL)
_TEXT = "\0"
"""Marks a text that begins with a dash; no argument of a command line can contain it."""


class _Texts(click.Command):
    """Accepts texts such as `-5度`, and says how to pass one that may be an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        marked = [_TEXT + word if word[:1] == "-" and not _OPTION.fullmatch(word) else word for word in args[:at]]
        try:
            return super().parse_args(ctx, [*marked, *args[at:]])
        except click.NoSuchOption as error:
            remedy = f"if it is a text, put `--` before it: kfp predict PACKAGE -- '{error.option_name}...'"
            raise click.UsageError(f"no such option {error.option_name}; {remedy}", ctx) from error


@click.command(
    "predict", cls=_Texts,
    help="Predict TEXTs, or each line of standard input, with a pulled package. Texts may follow `--`.",
)  # fmt: skip
@click.argument("package", type=click.Path(path_type=Path, file_okay=False))
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--engine", type=click.Choice(["auto", "fastdeploy", "onnxruntime"]), default="auto", help="Inference engine."
)
@arguments.as_json
def command(package: Path, texts: tuple[str, ...], engine: str, as_json: bool) -> int:
    from ernie_core.errors import NotFound, kind
    from jobs.local import environments

    if not (package / "serving.json").is_file():
        raise NotFound(f"no package in `{package}`, fetch one with `kfp pull NAME --into {package}`")
    if not texts and sys.stdin and sys.stdin.isatty():
        click.echo("reading texts from standard input, one a line; Ctrl-D ends", err=True)
    python = environments.build("deploy", say=lambda text: click.echo(text, err=True))
    words = ["--engine", engine, *(["--json"] if as_json else []), "--", str(package.resolve())]
    words += [text.removeprefix(_TEXT) for text in texts]
    environment = {**os.environ, "PYTHONPATH": str(environments.code()), "PYTHONUTF8": "1"}
    ended = subprocess.run([str(python), "-m", "ernie_core.serve", *words], env=environment).returncode
    return exits.code(kind(ended)("")) if ended else exits.DONE
