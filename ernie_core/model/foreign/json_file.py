"""JSON files of a checkpoint, read with bounds."""

import json
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, NotFound

MOST = 64 << 20
"""Most bytes of a JSON file: an index or a `tokenizer.json` has some MB."""


def read(path: Path, most: int = MOST) -> dict[str, Any]:
    """The object in a file. NotFound without it, BadInput if it is too large or something else."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    if (size := path.stat().st_size) > most:
        raise BadInput(f"{path}: has {size:,} bytes, at most {most:,} are read: this is another kind of file")
    return parse(path.read_bytes(), str(path))


def parse(data: bytes, place: str) -> dict[str, Any]:
    """The object in JSON text. BadInput for anything else, names that stand twice among it."""
    try:
        content = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as e:
        raise BadInput(f"{place}: damaged JSON: {e}: fetch the file again") from None
    if not isinstance(content, dict):
        raise BadInput(f"{place}: holds a {type(content).__name__}, not an object: fetch the file again")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"`{key}` stands there twice")
        content[key] = value
    return content
