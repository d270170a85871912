"""The page of the documentation that lists every command, from what `--help` prints."""

import click

from jobs.cli import commands
from jobs.reference import table


def page() -> str:
    """All commands with their arguments and options."""
    group = commands.group()
    root = click.Context(group, info_name="kfp")
    parts = [
        "# Commands\n",
        "[The command line](../commands.md) explains runs, exit codes and environment variables.\n",
        table(
            ("command", "what it does"),
            *((f"[`kfp {name}`](#kfp-{name})", text) for name, text in commands.COMMANDS.items()),
        ),
        "These options stand before the command; `-v` may also follow it:\n",
        table(("option", "meaning"), *_options(group)),
    ]
    for name in commands.COMMANDS:
        command = group.get_command(root, name)
        assert command
        rows = _options(command)
        usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=name, parent=root)))
        parts += [
            f"## `kfp {name}`\n",
            f"{command.help}\n",
            f"```text\nkfp {name} {usage}\n```\n",
            *([table(("option", "meaning"), *rows)] if rows else []),
        ]
    return "\n".join(parts)


def _options(command: click.Command) -> list[tuple[str, str]]:
    rows = []
    for param in command.params:
        everywhere = param.name == "verbose" and not isinstance(command, click.Group)
        if not isinstance(param, click.Option) or param.hidden or everywhere:
            continue
        names = ", ".join(f"`{name}`" for name in sorted(param.opts, key=len))
        if isinstance(param.type, click.Choice):
            names += " " + ", ".join(f"`{choice}`" for choice in param.type.choices)
        elif not param.is_flag:
            names += f" `{param.metavar or param.type.name.upper()}`"
        more = " Repeatable." if param.multiple else f" Default: `{param.default}`." if param.show_default else ""
        rows.append((names, f"{param.help or ''}{more}"))
    return rows
