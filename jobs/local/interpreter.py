"""Finds a Python for the images: their wheels exist for one version only, which need not be the one that runs us."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from jobs.local import installer

WANTED = "3.10"
"""FastDeploy has no wheels for later ones."""

_PROBE = (
    "import json, sys, struct, zlib, ssl, ctypes, venv;"
    "base = getattr(sys, '_base_executable', None) or sys.executable;"
    "print(json.dumps([base, '%d.%d.%d' % sys.version_info[:3], struct.calcsize('P')]))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that was run and found good."""

    path: Path
    version: str
    origin: str
    """How it was found, for people."""


@functools.cache
def find() -> Interpreter:
    """The first that works; NotFound with the ways to get one, BadInput if the one that was named does not work."""
    asked = os.environ.get("ERNIE_JOBS_PYTHON")
    if asked:
        found = probe(Path(asked).expanduser(), "$ERNIE_JOBS_PYTHON")
        if found is None:
            what = f"no working Python {WANTED} with zlib, ssl and venv"
            raise BadInput(f"$ERNIE_JOBS_PYTHON names {asked}, which is {what}: correct or unset it")
        return found
    for path, origin in _candidates():
        if found := probe(path, origin):
            return found
    raise NotFound(
        f"no Python {WANTED} on this machine, and the steps need it: `uv python install {WANTED}`, "
        f"`pyenv install {WANTED}`, or the package python{WANTED}-venv of the system; or name one in $ERNIE_JOBS_PYTHON"
    )


def probe(path: Path, origin: str) -> Interpreter | None:
    """Run it: None unless it starts, is the wanted version, and can do what the images need."""
    try:
        command = [str(path), "-I", "-c", _PROBE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        executable, version, bytes_ = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):  # not there, a shim, or broken: the next one then
        return None
    good = done.returncode == 0 and version.startswith(WANTED + ".") and bytes_ == 8
    return Interpreter(Path(executable), version, origin) if good else None


def _candidates() -> Iterator[tuple[Path, str]]:
    if sys.version_info[:2] == tuple(map(int, WANTED.split("."))):
        yield Path(sys.executable), "the one that runs this command"
    if on_path := shutil.which(f"python{WANTED}"):
        yield Path(on_path), "PATH"
    for version in _pyenv():
        yield version / "bin" / "python", "pyenv"
    question = ["python", "find", WANTED, "--system", "--no-project", "--no-python-downloads"]
    if found := installer.ask(question, Path("/")):
        yield Path(found), "uv python find"


def _pyenv() -> list[Path]:
    try:
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    except RuntimeError:  # a user without a home has no pyenv in it
        return []
    versions = [p for p in root.glob(f"versions/{WANTED}.*") if re.fullmatch(r"\d+\.\d+\.\d+", p.name)]
    return sorted(versions, key=lambda p: int(p.name.rpartition(".")[2]), reverse=True)
