"""The stock command `kfp`: which command lines belong to it, and how they are passed on.

The SDK has no plug-in mechanism, so ours is a superset of its command: what is not ours is handed over untouched.
The lists are frozen here because importing the SDK takes longer than most of our commands; a test compares them with
the installed one.
"""

import shlex
import sys
from collections.abc import Collection, Mapping, Sequence

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "component": ("build",),
    "diagnose-me": (),
    "dsl": ("compile",),
    "experiment": ("archive", "create", "delete", "get", "list", "unarchive"),
    "pipeline": (
        "create", "create-version", "delete", "delete-version", "get", "get-version", "list", "list-versions",
        "upload", "upload-version",
    ),
    "recurring-run": ("create", "delete", "disable", "enable", "get", "list"),
    "run": ("archive", "create", "delete", "get", "list", "submit", "unarchive"),
}  # fmt: skip
"""Stock commands and their sub-commands, deprecated names included. A plural is stock too: `kfp runs list`."""

CLIENT_OPTIONS = (
    "--endpoint", "--iap-client-id", "--namespace", "--other-client-id", "--other-client-secret", "--existing-token",
)  # fmt: skip
"""Options that say how to reach a server; they stand before the command, stock's or ours."""

VALUE_OPTIONS = (*CLIENT_OPTIONS, "-n", "--output", "--show-completion", "--install-completion")
"""Stock's root options that take a value; its only other one is `--version`."""

_OUR_FLAGS = {"-v", "--verbose", "--no-color", "-h", "--help", "--version"}


def wants(args: Sequence[str], ours: Collection[str]) -> bool:
    """Whether a command line is stock's; `ours` are the names of our commands."""
    before, rest = split(args)
    if not rest:
        return any(a not in _OUR_FLAGS for a in before)
    if rest[0] == "run":
        return len(rest) > 1 and rest[1] in COMMANDS["run"]
    return rest[0] not in ours


def split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The root options, and what begins with the command: `-n team run x.yaml` -> `-n team`, `run x.yaml`."""
    at = 0
    while at < len(args) and args[at].startswith("-"):
        at += 2 if args[at] in VALUE_OPTIONS else 1
    return list(args[:at]), list(args[at:])


def completes(environ: Mapping[str, str], ours: Collection[str]) -> bool:
    """Whether a shell asks to complete a command line that is stock's."""
    line = environ.get("COMP_WORDS", "")
    typed = _words(line)[1:]
    if line and not line[-1].isspace():
        typed = typed[:-1]  # the word that is being typed
    # Until the first word is finished it is ours to complete: we know the names of both.
    return bool(split(typed)[1]) and wants(typed, ours)


def hand_over(args: Sequence[str]) -> None:
    """Run stock's command on these arguments; it reads them from `sys.argv`, as it would without us."""
    from kfp.cli.__main__ import main

    sys.argv[1:] = args
    main()


def known(command: str) -> bool:
    """Whether stock has this command, singular or plural."""
    return command in COMMANDS or (command.endswith("s") and command[:-1] in COMMANDS)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an open quote in the word that is being typed
        return line.split()
