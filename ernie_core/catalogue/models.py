"""Models by name: what a name stands for, and what is written beside the files that came."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ernie_core.catalogue import entries, huggingface
from ernie_core.catalogue.entries import Entry
from ernie_core.errors import BadInput
from ernie_core.wording import choice, shorten

NOTE = "source.json"
"""In a model: where it came from."""


def entry(name: str) -> Entry:
    """What a name of the catalogue, or `hf://owner/name@commit`, stands for. NotFound or BadInput with the remedy."""
    if name.startswith(huggingface.SCHEME):
        return huggingface.entry(name)
    if "://" in name or name.startswith(("/", "./", "../", "~")):
        said = shorten(name)
        raise BadInput(f"`{said}` is no name: files are an input, `inputs: {{mine: {{model_files: {said}}}}}`, and "
                       "`from: mine` in place of `name`")  # fmt: skip
    return entries.find(name, "models")


def pinned(entry: Entry, sha256: Mapping[str, str]) -> Entry:
    """The same, with digests that a person knows of its files. BadInput for a name that is none of them."""
    known = {file.name for file in entry.files}
    for name in sha256:
        if name not in known:
            raise BadInput(f"sha256 of `{shorten(name)}`: no such file, {choice(name, known)}")
    return replace(entry, files=tuple(replace(f, sha256=sha256.get(f.name, f.sha256)) for f in entry.files))


def complete(entry: Entry, folder: Path) -> None:
    """Add what PaddleNLP has in its code, not in the files that it publishes: shape and settings of the tokenizer."""
    for file, key in (("config.json", "config"), ("tokenizer_config.json", "tokenizer")):
        if key in entry.facts:
            _write(folder / file, entry.facts[key])


def note(entry: Entry, files: Sequence[Mapping[str, Any]], model: Path) -> None:
    """Write where a model came from: the same for every machine, mirror and proxy."""
    urls = {file.name: file.url for file in entry.files}
    prefix = huggingface.SCHEME if entry.shelf == "huggingface" else ""
    owner, _, rest = entry.name.partition("/")
    name = f"{prefix}{owner}/{'@'.join(rest.rsplit('/', 1))}" if prefix else entry.name
    rows = [{**row, **({} if prefix else {"url": urls[row["name"]]})} for row in files]
    _write(model / NOTE, {"name": name, "licence": entry.licence, "files": rows})


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
