"""Our commands, each imported only when it is used: `kfp --help` loads none of them."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import click
from click.shell_completion import CompletionItem

from jobs.cli import stock

COMMANDS: Mapping[str, str] = {
    "run": "Check a spec, show what will happen, run it.",
    "plan": "Show what a run would do, and why.",
    "check": "Check specs, with file and line of every problem.",
    "ls": "List runs and artefacts.",
    "show": "Show the contents of words, ids or a vocabulary, down to single documents.",
    "status": "Show the progress of a run.",
    "logs": "Show the logs of a run's steps.",
    "cancel": "Save and stop a run.",
    "resume": "Resume a run where it stopped.",
    "pull": "Fetch a package from the store.",
    "predict": "Predict with a pulled package.",
    "why": "Explain why a step runs again, or show the provenance of an artefact.",
    "schema": "Print the JSON schema of specs.",
    "new": "Write a new spec to start from.",
    "drill": "Kill a small copy of a job's training at chosen points, and check that nothing is lost.",
    "doctor": "Check this installation, or repair the command `kfp`.",
}
"""Name -> its line in the help; the command itself is `command` in the module of the same name."""


@dataclass
class Root:
    """The options before the command; `context.find_object(Root)` in a command."""

    verbose: bool = False
    server: dict[str, str] = field(default_factory=dict)
    """How to reach a server (`endpoint`, `namespace`, ...): options before the command, else `KFP_...` variables."""


class Commands(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which they are useful."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, and add `-v`, which every command takes."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"jobs.cli.{cmd_name}").command
        if not any(p.name == "verbose" for p in command.params):
            command.params.append(verbose())
        if cmd_name == "run":
            command.epilog = command.epilog or RUN_EPILOG
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of all commands, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        with formatter.section("Stock commands of Kubeflow Pipelines, passed on unchanged"):
            formatter.write_dl([(name, " ".join(words) or "-") for name, words in stock.COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of both kinds of command, without importing either; options as usual."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = {**dict.fromkeys(stock.COMMANDS, "stock"), **COMMANDS}
        return [CompletionItem(name, help=text) for name, text in names.items() if name.startswith(incomplete)]


EPILOG = """\b
Completion: eval "$(_KFP_COMPLETE=bash_source kfp)" in ~/.bashrc; zsh_source, fish_source likewise.
For the name ernie-jobs the variable is _ERNIE_JOBS_COMPLETE."""

RUN_EPILOG = f"Stock subcommands, passed on to Kubeflow Pipelines: {', '.join(stock.COMMANDS['run'])}."


def group() -> Commands:
    """The root of our commands."""
    params: Sequence[click.Parameter] = [
        verbose(),
        click.Option(["--no-color"], is_flag=True, help="No colours, as with the variable NO_COLOR."),
        _version(),
        *(
            click.Option([*(["-n"] if name == "--namespace" else []), name], envvar=_variable(name), hidden=True)
            for name in stock.CLIENT_OPTIONS
        ),
    ]
    return Commands(
        name="kfp",
        callback=_root,
        params=list(params),
        help="Batch jobs for ERNIE models, declared in one YAML file; includes every command of stock kfp.",
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )


def verbose() -> click.Option:
    """`-v`, before or after the command."""
    text = "Show the traceback of an error."
    return click.Option(["-v", "--verbose"], is_flag=True, expose_value=False, callback=_set_verbose, help=text)


def _version() -> click.Option:
    text = "Show the versions of this tool and of stock kfp."
    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help=text
    )


def _root(no_color: bool, **server: str | None) -> None:
    import os

    context = click.get_current_context()
    if no_color:
        os.environ["NO_COLOR"] = "1"  # for rich, and for the processes of the steps
    if os.environ.get("NO_COLOR"):
        context.color = False
    context.ensure_object(Root).server = {name: value for name, value in server.items() if value}


def _set_verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Root).verbose = True


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    for name in ("kfp", "ernie-jobs"):
        try:
            click.echo(f"{name} {version(name)}")
        except PackageNotFoundError:
            click.echo(f"{name} (not installed, running from a source tree)")
    ctx.exit()


def _variable(option: str) -> str:
    return "KFP_" + option.removeprefix("--").replace("-", "_").upper()
