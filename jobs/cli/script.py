"""The script `kfp`: which package owns it, and how to make it ours again."""

import os
import re
import shutil
import stat
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

Owner = Literal["ours", "stock", "unknown", "nobody"]

_ENTRY = {"jobs.cli": "ours", "kfp.cli.__main__": "stock"}


def recorded() -> Path | None:
    """Where the installation put our `kfp`; None if we run from a source tree."""
    try:
        files = distribution("ernie-jobs").files or ()
    except PackageNotFoundError:
        return None
    found = next((f for f in files if f.name == "kfp" and f.parent.name in ("bin", "Scripts")), None)
    return Path(os.path.normpath(str(found.locate()))) if found else None


def on_path() -> Path | None:
    """The script that a shell would start."""
    found = shutil.which("kfp")
    return Path(found) if found else None


def owner(file: Path) -> Owner:
    """The package that a console script calls."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "nobody"
    entry = re.search(r"^from (\S+) import main\b", text, re.MULTILINE)
    return _ENTRY.get(entry[1], "unknown") if entry else "unknown"  # type: ignore[return-value]


def rewrite(file: Path) -> None:
    """Make the script ours, atomically; its mode stays the same."""
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o755
    handle, name = tempfile.mkstemp(prefix=".kfp.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(content(sys.executable))
            out.flush()
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def content(python: str) -> str:
    """The console script for an interpreter."""
    first = f"#!{python}"
    if " " in python or len(first) > 127:
        # The kernel would cut that line. For a shell the next ones start Python, for Python they are a string.
        first = f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''"
    return f'{first}\nimport sys\nfrom jobs.cli import main\nif __name__ == "__main__":\n    sys.exit(main())\n'
