"""A checkpoint in several files, with an index that says which tensor is in which."""

from collections.abc import Callable
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.model.foreign import json_file
from ernie_core.model.foreign.tensors import Several, Tensors
from ernie_core.wording import shorten


def sharded(index: Path, opened: Callable[[Path], Tensors]) -> Tensors:
    """The files that an index names, which must lie beside it. BadInput if index and files differ."""
    where = json_file.read(index).get("weight_map")
    if not isinstance(where, dict) or not all(isinstance(file, str) for file in where.values()):
        raise BadInput(f"{index}: has no `weight_map` of names of files: fetch it again")
    for file in where.values():
        if Path(file).name != file or "\\" in file or file in ("", ".", ".."):
            raise BadInput(f"{index}: names the file `{shorten(file)}`: refused, its files must lie beside it")
        if not (index.parent / file).is_file():
            raise NotFound(f"{index.parent / shorten(file)}: no such file, {index.name} names it: fetch it")
    files = Several(index.parent, (opened(index.parent / file) for file in sorted(set(where.values()))))
    for name in sorted(where.keys() ^ files.shapes.keys()):
        what = f"is not in {shorten(where[name])}" if name in where else "is in a file, but not in the index"
        raise BadInput(f"{index}: `{shorten(name)}` {what}: fetch all files of one version again")
    return files
