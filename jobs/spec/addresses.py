"""Paths and addresses that a person wrote: `~` is the home folder, and nothing else in them stands for something."""

import re
from pathlib import Path

from ernie_core.wording import shorten
from jobs.spec import paths

_MARKED = r"\$\{[^}]*\}?|\$\([^)]*\)?|\{\{.*?\}\}|(?:^|(?<=[/\\]))%[A-Za-z_]\w+%(?=[/\\]|$)"
_VARIABLE = re.compile(rf"{_MARKED}|\$[A-Za-z_]\w*")
_VARIABLE_OF_FILE = re.compile(rf"{_MARKED}|(?:^|(?<=/))\$[A-Za-z_]\w*")
"""A file may have a dollar within its name; that no file matches a variable's name is found when it is read."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def store(value: str, folder: Path) -> str:
    """The address of a store; a relative one starts from `folder`. ValueError with the remedy."""
    _no_variable(value, _VARIABLE, "--set store=...")
    scheme = _SCHEME.match(value)
    if scheme and not value.startswith(("file:///", "s3://")):
        raise ValueError(f"`{shorten(value)}` is not a store, use a folder, `file:///...` or `s3://bucket/prefix`")
    return paths.store(value, folder)


def check_files(pattern: str, name: str, kind: str) -> None:
    """ValueError, with the remedy, if a path or pattern of an input cannot be meant as it is written."""
    _no_variable(pattern, _VARIABLE_OF_FILE, f"--set inputs.{name}.{kind}=...")
    for _, text in paths.wrong([pattern]):
        raise ValueError(text)


def _no_variable(value: str, variable: re.Pattern[str], edit: str) -> None:
    # A spec that means something else in another shell is no description of a job; and `$X` is a folder's name else.
    if found := variable.search(value):
        raise ValueError(
            f"`{shorten(value)}`: variables such as `{shorten(found[0], 40)}` are not expanded, write what it stands "
            f"for, or let the shell do it: {edit}"
        )
