"""What must hold inside every image, whatever it is for: `python - NAME < images/smoke.py` in it."""

import os
import shutil
import sys
from importlib.util import cache_from_source, find_spec
from pathlib import Path

import components
from ernie_core.text.ids import _ids  # compiled

name = sys.argv[1]
ours = ("components", "ernie_core", "jobs") if name == "control" else ("components", "ernie_core")
assert os.getuid() == os.getgid() == 1000, f"runs as {os.getuid()}:{os.getgid()}"
tools = ("cc", "gcc", "g++", "clang", "ld", "make", "git", *(() if name == "control" else ("uv",)))
found = [tool for tool in tools if shutil.which(tool)]
assert not found, f"{found} was left in the image"
assert (find_spec("jobs") is not None) == ("jobs" in ours), "`jobs` belongs into control, and nowhere else"
assert _ids.__file__.endswith(".so"), _ids.__file__
for package in ours:
    file = Path(find_spec(package).origin)
    assert Path(cache_from_source(str(file))).is_file(), f"{file} is not compiled to bytecode"
    assert not os.access(file, os.W_OK), f"{file} can be written by the user of the image"
Path(os.environ["HOME"], "try").write_text("what steps write goes here")
print(name, sys.version.split()[0], "steps:", *components.names())
